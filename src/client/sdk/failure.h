#pragma once

#include <string>
#include <utility>

#include "oncemq/result.h"

namespace oncemq::sdk {

// `return failure(Errc::kClosed, "the producer is closed");`
[[nodiscard]] inline tl::unexpected<Error> failure(Errc code, std::string message) {
  return tl::unexpected<Error>(Error{.code = code, .message = std::move(message)});
}

}  // namespace oncemq::sdk
