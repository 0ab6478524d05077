#pragma once

#include <cstdint>
#include <string>

#include <tl/expected.hpp>

namespace oncemq::sdk {

enum class Errc : std::uint8_t {
  kInvalidArgument,  // of a call or an option
  kMessageIllegal,   // too large, or a name that no broker accepts
  kTopicNotFound,    // no name server knows it, and it is not created by sending
  kUnreachable,      // no name server or broker could be talked to
  kTimeout,          // the time of the call is over
  kRefused,          // the broker said no: `response_code`
  kBusy,             // a bound of this client is reached
  kWouldBlock,       // a call that waits, from a callback
  kClosed,
  kInternal,
};

struct Error {
  Errc code = Errc::kInternal;
  std::string message;             // for people
  std::int32_t response_code = 0;  // RocketMQ's, when a broker answered
  bool maybe_stored = false;       // of sends: it left, and nobody said what became of it
};

// Value or Error; `if (result)`, `*result`, `result.error()`.
template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

}  // namespace oncemq::sdk
