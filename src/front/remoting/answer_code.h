#pragma once

#include "base/result.h"
#include "wire/remoting/codes.h"

namespace oncemq::front {

// The one map from domain words to remoting codes. A handler that must say it differently writes
// the code beside its reason.
wire::ResponseCode answer_code(Errc code);

}  // namespace oncemq::front
