#pragma once

#include <cstdint>

#include "oncemq/message.h"
#include "oncemq/result.h"

namespace oncemq::outbox {

// What became of a row that was to be sent (docs/outbox.md, What is not stored).
enum class Verdict : std::uint8_t {
  kStored,
  kAway,     // nothing is wrong with the row: the topic waits
  kRefused,  // the broker says no: counted
  kNever,    // it cannot be sent at all
};

Verdict judge(const sdk::Error& error);
Verdict judge(sdk::Stored stored);

}  // namespace oncemq::outbox
