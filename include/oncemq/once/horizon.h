#pragma once

#include <chrono>
#include <string>

#include "oncemq/result.h"

namespace oncemq::once {

// What decides how late a copy of a message can come back. The defaults are a broker's.
struct HorizonOptions {
  std::string delay_levels =
      "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h";  // messageDelayLevel
  int attempts = 16;                        // retryMaxTimes of the group, 0...
  std::chrono::hours log_retention{72};     // fileReservedTime: an offset may be set back
  std::chrono::hours letter_retention{72};  // of dead letters that may be replayed
};

// The time after which no copy of a message can come (docs/once.md). kInvalidArgument.
sdk::Result<std::chrono::milliseconds> horizon(const HorizonOptions& options);

}  // namespace oncemq::once
