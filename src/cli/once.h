#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace CLI {
class App;
}

// The command "once", said once for two programs: `oncemq` checks, documents and completes it,
// `oncemq-once` runs it, because only that one may load a database's library (docs/once.md).
namespace oncemq::cli {

inline constexpr const char* kOnce = "once";

struct OnceAsked {
  std::string url;
  std::string table = "oncemq_once";
  std::string window;         // a duration; empty: as it is, or the library's default
  std::string log_retention;  // durations of the horizon; empty: a broker's defaults
  std::string letter_retention;
  int attempts = -1;  // -1: a broker's default
  bool json = false;
  bool dry_run = false;
};

// Each returns the exit code; null: nothing runs.
struct OnceVerbs {
  using Run = std::function<int(const OnceAsked&)>;
  Run init;
  Run status;
  Run clean;
};

void add_once(CLI::App& app, int& exit_code, const OnceVerbs& verbs);

}  // namespace oncemq::cli
