#pragma once

#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"

namespace oncemq::net {

// "HOST:PORT" with a name or a number as host. May ask DNS and therefore block for seconds: never
// on a loop. Not empty when OK. kInvalidArgument (form) | kNotFound (name).
Result<std::vector<Address>> resolve(std::string_view host_and_port);

}  // namespace oncemq::net
