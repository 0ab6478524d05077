#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

// The command "outbox", said once for two programs: `oncemq` checks, documents and completes it,
// `oncemq-outbox` runs it, because only that one may load a database's library (docs/outbox.md).
namespace oncemq::cli {

inline constexpr const char* kOutbox = "outbox";

struct OutboxAsked {
  std::string url;
  std::string table = "oncemq_outbox";
  bool json = false;
  // init
  bool print = false;
  // retry
  std::vector<std::string> ids;
  bool all = false;
  // run
  std::string name_server = "127.0.0.1:9876";
  bool once = false;
  bool keep = false;
  bool pass = false;
  bool create = true;
  std::int32_t queues = 8;
  std::size_t batch = 100;
  std::size_t parallel = 16;
  std::int32_t attempts = 8;
  std::int64_t body_max = 4 << 20;
  std::int64_t poll_ms = 200;
  std::int64_t backoff_max_ms = 10'000;
  std::int64_t lease_ms = 10'000;
};

// Each returns the exit code; null: nothing runs.
struct OutboxVerbs {
  using Run = std::function<int(const OutboxAsked&)>;
  Run init;
  Run run;
  Run status;
  Run retry;
};

void add_outbox(CLI::App& app, int& exit_code, const OutboxVerbs& verbs);

}  // namespace oncemq::cli
