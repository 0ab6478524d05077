#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/settings.h"
#include "os/clock.h"

namespace oncemq::app {

struct ServeOptions {
  model::Settings settings;
  std::string settings_file;       // empty: none; what an operator sets at runtime is kept there
  std::vector<std::string> notes;  // keys without meaning, to be logged
  std::int64_t started_ns = 0;     // os::Clock::monotonic_ns() at the beginning of main
};

// Runs the roles until SIGTERM or SIGINT, then drains. Returns the exit code (exit_codes.h).
int serve(ServeOptions options);

}  // namespace oncemq::app
