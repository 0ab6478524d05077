#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace oncemq::broker {

// What the sender of a timer gets to recall it with: URL-safe base64 of "v1 <topic> <broker>
// <TIMER_OUT_MS + 1> <unique key>". Thread rule: external value.
struct RecallHandle {
  std::string topic;
  std::string broker;
  std::int64_t out_ms = 0;  // TIMER_OUT_MS of the timer's record
  std::string unique_key;

  // kBadBytes.
  static Result<RecallHandle> parse(std::string_view text);
  std::string to_string() const;
};

}  // namespace oncemq::broker
