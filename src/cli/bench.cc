#include "cli/bench.h"

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "client/load/bench.h"

namespace oncemq::cli {
namespace {

using client::BenchKind;
using client::BenchPlan;

constexpr std::int64_t kDelayMaxMs = std::int64_t{40} * 86'400'000;

struct Asked {
  BenchPlan plan;
  std::string json;  // file, "-" for standard output, empty for none
  bool quiet = false;
};

void add_target(CLI::App& command, Asked& asked) {
  auto* name_server =
      command.add_option("--namesrv,-n", asked.plan.name_server, "Name server, HOST:PORT");
  auto* broker = command.add_option("--broker,-b", asked.plan.broker,
                                    "Broker, HOST:PORT, without asking a name server");
  name_server->excludes(broker);
  command.add_option("--topic,-t", asked.plan.topic, "Topic")->capture_default_str();
  command.add_option("--queues", asked.plan.queues, "Queues of the topic on each broker")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command.add_flag("!--no-create", asked.plan.create_topic,
                   "Take the topic as it is instead of creating it");
  command.add_option("--group,-g", asked.plan.group, "Producer and consumer group")
      ->capture_default_str();
  command.add_option("--connections,-c", asked.plan.connections, "Connections to each broker")
      ->check(CLI::Range(1, 20'000))
      ->capture_default_str();
  command.add_option("--count", asked.plan.count, "Messages; without it, --duration counts");
  command.add_option("--duration,-d", asked.plan.duration_s, "Seconds")->capture_default_str();
  command.add_option("--warmup", asked.plan.warmup_s, "Seconds before anything is counted")
      ->capture_default_str();
  command.add_option("--broker-pid", asked.plan.broker_pid,
                     "Process whose processor time and memory are reported");
  command.add_option("--json", asked.json, "Write the report as JSON to a file, or - for stdout");
  command.add_flag("--quiet,-q", asked.quiet, "No live line");
}

void add_send_options(CLI::App& command, Asked& asked) {
  command.add_option("--window,-w", asked.plan.window, "Requests in flight per connection")
      ->check(CLI::Range(1, 65'000))
      ->capture_default_str();
  command
      .add_option("--rate,-r", asked.plan.rate,
                  "Messages per second altogether; 0: as fast as the windows allow")
      ->capture_default_str();
  command.add_option("--size,-s", asked.plan.size, "Bytes of a body")
      ->check(CLI::Range(0, 16 << 20))
      ->capture_default_str();
  auto* batch = command.add_option("--batch", asked.plan.batch, "Messages per request")
                    ->check(CLI::Range(1, 4096))
                    ->capture_default_str();
  command
      .add_flag("--transactions", asked.plan.transactions,
                "Each message is a half message and its commit")
      ->excludes(batch);
  command.add_option("--header", asked.plan.header, "How headers are written: json or binary")
      ->transform(CLI::CheckedTransformer(std::map<std::string, wire::HeaderKind>{
          {"json", wire::HeaderKind::kJson}, {"binary", wire::HeaderKind::kBinary}}));
  command.add_option("--keys", asked.plan.keys, "Different message keys; 0: no keys")
      ->capture_default_str();
  command
      .add_option(
          "--delay-ms", asked.plan.delay_ms,
          "Messages are timers, due so long after they are sent (TIMER_DELIVER_MS); e2e then "
          "tells how late they come")
      ->excludes(batch)
      ->check(CLI::Range(std::int64_t{0}, kDelayMaxMs))
      ->capture_default_str();
  command
      .add_option("--delay-spread-ms", asked.plan.delay_spread_ms,
                  "Each message is due another while later, up to that long")
      ->needs("--delay-ms")
      ->check(CLI::Range(std::int64_t{0}, kDelayMaxMs))
      ->capture_default_str();
  command.add_option("--sync", asked.plan.wait,
                     "Property WAIT: true waits for the disk where the broker flushes "
                     "synchronously, false does not");
}

void add_pull_options(CLI::App& command, Asked& asked, int max) {
  command.add_option("--pull-batch", asked.plan.pull_batch, "Messages asked for in one request")
      ->check(CLI::Range(1, max))
      ->capture_default_str();
}

void show(const client::BenchProgress& progress) {
  std::fprintf(
      stderr, "\r%5.0f s  %9.0f msg/s  p50 %8.3f ms  p99 %8.3f ms  refused %llu  lost %llu ",
      progress.seconds, progress.rate, static_cast<double>(progress.p50_ns) / 1e6,
      static_cast<double>(progress.p99_ns) / 1e6, static_cast<unsigned long long>(progress.refused),
      static_cast<unsigned long long>(progress.lost));
}

bool write_json(const Asked& asked, const std::string& text) {
  if (asked.json == "-") return std::puts(text.c_str()) >= 0;
  std::ofstream file(asked.json);
  file << text << '\n';
  return file.good();
}

int run(const Asked& asked) {
  if (asked.plan.name_server.empty() && asked.plan.broker.empty()) {
    std::fprintf(stderr, "bench: --namesrv or --broker is needed\n");
    return 2;
  }
  const os::SystemClock clock;
  const auto report = client::run_bench(asked.plan, clock, [&](const client::BenchProgress& now) {
    if (!asked.quiet) show(now);
  });
  if (!report) {
    std::fprintf(stderr, "bench: %s\n", report.error().message.c_str());
    return 2;
  }
  if (!asked.quiet) std::fprintf(stderr, "\r%80s\r", "");
  // Standard output is the machine's when it asked for it.
  std::fputs(client::bench_text(asked.plan, *report).c_str(), asked.json == "-" ? stderr : stdout);
  if (!asked.json.empty() && !write_json(asked, client::bench_json(asked.plan, *report).dump())) {
    std::fprintf(stderr, "bench: cannot write %s\n", asked.json.c_str());
    return 2;
  }
  return report->error.empty() && report->lost == 0 ? 0 : 1;
}

void add_kind(CLI::App& bench, BenchKind kind, const char* help, int& exit_code) {
  // Shared by the option objects and the callback, which live as long as the command line.
  const auto asked = std::make_shared<Asked>();
  asked->plan.kind = kind;
  if (kind == BenchKind::kE2e) {
    asked->plan.rate = 2'000;
    asked->plan.connections = 1;
  }
  if (kind == BenchKind::kConsume) {
    asked->plan.connections = 1;
    asked->plan.duration_s = 0;
    asked->plan.create_topic = false;
  }
  if (kind == BenchKind::kPop) {
    asked->plan.duration_s = 0;
    asked->plan.create_topic = false;
  }
  CLI::App* const command = bench.add_subcommand(std::string(client::bench_name(kind)), help);
  add_target(*command, *asked);
  if (kind == BenchKind::kSend || kind == BenchKind::kE2e) add_send_options(*command, *asked);
  // A pop of more is refused by brokers.
  if (kind != BenchKind::kSend)
    add_pull_options(*command, *asked, kind == BenchKind::kPop ? 32 : 4096);
  if (kind == BenchKind::kPop)
    command->add_flag("--batch-ack", asked->plan.batch_ack,
                      "One ack request for all messages of a pop instead of one for each");
  command->callback([asked, &exit_code] { exit_code = run(*asked); });
}

}  // namespace

void add_bench(CLI::App& app, int& exit_code) {
  CLI::App* const bench = app.add_subcommand("bench", "Measure a broker from outside");
  bench->require_subcommand(1);
  add_kind(*bench, BenchKind::kSend, "Send as fast as the windows allow, or at a rate", exit_code);
  add_kind(*bench, BenchKind::kConsume, "Pull what the queues hold, from their beginning",
           exit_code);
  add_kind(*bench, BenchKind::kPop, "Pop and ack what the queues hold, until there is nothing",
           exit_code);
  add_kind(*bench, BenchKind::kE2e, "Send at a rate to a waiting consumer", exit_code);
}

}  // namespace oncemq::cli
