#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "os/clock.h"
#include "wire/remoting/frame.h"

// One measurement of a broker from outside: what to do, what is told while it runs, what came out.
namespace oncemq::client {

enum class BenchKind : std::uint8_t {
  kSend,
  kConsume,  // from the beginning of the queues to their end: catching up
  kPop,      // pop and ack, until there is nothing
  kE2e,      // send at a rate, measured when a waiting consumer has the message
};

struct BenchPlan {
  BenchKind kind = BenchKind::kSend;
  std::string name_server;  // HOST:PORT; or
  std::string broker;       // HOST:PORT of one broker
  std::string topic = "OnceBench";
  std::string group = "oncemq-bench";
  std::int32_t queues = 8;   // per broker, when the topic is created; with `broker` also those used
  bool create_topic = true;  // create or update it before
  std::uint32_t connections = 4;
  std::uint32_t window = 32;  // requests in flight per connection
  double rate = 0;            // messages per second altogether; 0: as fast as the windows allow
  std::size_t size = 1024;    // bytes of a body
  std::uint64_t count = 0;    // messages; 0: by duration
  double duration_s = 10;     // ignored when there is a count; for kConsume 0: to the end
  double warmup_s = 0;        // before anything is counted
  wire::HeaderKind header = wire::HeaderKind::kJson;
  std::int64_t keys = 0;     // different KEYS; 0: none
  std::optional<bool> wait;  // property WAIT
  std::size_t batch = 1;     // messages per send request
  // > 0: timers, due so long after they are sent; latency of kE2e is then how late they come.
  std::int64_t delay_ms = 0;
  std::int64_t delay_spread_ms = 0;  // and as much later, at most, each another time
  std::int32_t pull_batch = 32;
  bool transactions = false;  // each message is a half message and its commit
  bool batch_ack = false;     // kPop: one ack request per pop instead of one per message
  int broker_pid = 0;         // 0: processor time and memory are not measured
};

struct BenchProgress {
  double seconds = 0;
  double rate = 0;  // messages per second since the previous one
  std::int64_t p50_ns = 0, p99_ns = 0;
  std::uint64_t messages = 0, refused = 0, lost = 0;
};

struct BenchReport {
  double seconds = 0;
  std::uint64_t messages = 0;  // acknowledged; received for kConsume and kE2e
  std::uint64_t acknowledged = 0;
  std::uint64_t requests = 0, bytes = 0, lost = 0;
  std::map<std::int32_t, std::uint64_t> refused;  // requests by response code
  double mean_ns = 0;
  std::int64_t p50_ns = 0, p90_ns = 0, p99_ns = 0, p999_ns = 0, max_ns = 0;
  // Of timers received (kE2e): how late they were stored in their topic, how many too early (before
  // their due time, stored or received), and how many again.
  std::int64_t stored_p50_ns = 0, stored_p99_ns = 0, stored_max_ns = 0;
  std::uint64_t early = 0, doubled = 0;
  double own_cpu_s = 0;
  // Of broker_pid; zero when there is none.
  double broker_cpu_s = 0;
  std::uint64_t broker_rss = 0;      // with the pages of files that it has mapped
  std::uint64_t broker_private = 0;  // without
  std::string error;                 // why it ended early

  double messages_per_s() const;
  double messages_per_cpu_s() const;
  std::uint64_t refused_total() const;
};

// Runs the plan; `on_progress` is called about once a second on the calling thread. An error when
// it could not begin. The clock is the machine's.
Result<BenchReport> run_bench(const BenchPlan& plan, const os::Clock& clock,
                              const std::function<void(const BenchProgress&)>& on_progress);

// "send", "consume", "pop", "e2e".
std::string_view bench_name(BenchKind kind);
// The plan and the report with all their numbers, for machines.
Json bench_json(const BenchPlan& plan, const BenchReport& report);
// The same for people, several lines.
std::string bench_text(const BenchPlan& plan, const BenchReport& report);

}  // namespace oncemq::client
