#include "client/load/bench.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "client/load/load_runner.h"
#include "client/load/load_target.h"
#include "client/load/pop_load.h"
#include "client/load/pull_load.h"
#include "client/load/send_load.h"
#include "os/descriptors.h"
#include "os/process_usage.h"
#include "os/random.h"

namespace oncemq::client {
namespace {

constexpr std::int64_t kLookMs = 20;
constexpr std::int64_t kProgressMs = 1'000;
constexpr std::int64_t kLastAnswersMs = 10'000;

// The loads of a plan and what has been counted, copied from their loop.
struct Running {
  std::unique_ptr<SendLoad> send;
  std::unique_ptr<PullLoad> pull;
  std::unique_ptr<PopLoad> pop;  // alone; counted as `pulled`

  LoadCounts sent;
  LoadCounts pulled;
  bool finished = false;

  void look() {
    if (send) sent = send->counts();
    if (pull) pulled = pull->counts();
    if (pop) {
      pulled = pop->counts();
      finished = pop->finished();
      return;
    }
    const bool all_there = !send || !pull || pulled.messages - pulled.doubled >= sent.messages;
    finished = (!send || send->finished()) && (!pull || send ? all_there : pull->finished());
    if (!sent.error.empty() || !pulled.error.empty()) finished = true;
  }
  void finish() {
    if (send) send->finish();
    if (pop) pop->finish();
    if (pull && !send) pull->finish();
  }
  void reset() {
    if (send) send->reset_counts();
    if (pull) pull->reset_counts();
    if (pop) pop->reset_counts();
  }
  const LoadCounts& result() const { return pull || pop ? pulled : sent; }
};

struct Used {
  double own_cpu_s = 0;
  double broker_cpu_s = 0;
  std::uint64_t broker_rss = 0;
  std::uint64_t broker_private = 0;
};

Result<Used> usage(const BenchPlan& plan) {
  auto own = os::process_usage(os::process_id());
  if (!own) return fail(std::move(own.error()));
  Used used{.own_cpu_s = own->cpu_seconds};
  if (plan.broker_pid == 0) return used;
  auto broker = os::process_usage(plan.broker_pid);
  if (!broker) return fail(std::move(broker.error()));
  used.broker_cpu_s = broker->cpu_seconds;
  used.broker_rss = broker->rss_bytes;
  used.broker_private = broker->private_bytes;
  return used;
}

SendLoadOptions send_options(const BenchPlan& plan, const std::vector<LoadQueue>& queues) {
  return {
      .shape = {.topic = plan.topic,
                .group = plan.group,
                .size = plan.size,
                .batch = plan.batch,
                .keys = plan.keys,
                .wait = plan.wait,
                .timer = plan.delay_ms > 0,
                .half = plan.transactions,
                .header = plan.header,
                // Or an idempotent topic would take a second run's messages for the first one's.
                .run = static_cast<std::uint32_t>(os::SystemRandom().next())},
      .queues = queues,
      .connections = plan.connections,
      .window = plan.window,
      .rate = plan.rate,
      .count = plan.count,
      .delay_ms = plan.delay_ms,
      .delay_spread_ms = plan.delay_spread_ms};
}

Result<Running> prepare(const BenchPlan& plan, const os::Clock& clock, net::EventLoop& loop) {
  auto client = RemotingClient::open(clock);
  if (!client) return fail(std::move(client.error()));
  auto queues = find_target(**client, {.name_server = plan.name_server,
                                       .broker = plan.broker,
                                       .topic = plan.topic,
                                       .queues = plan.queues,
                                       .create_topic = plan.create_topic});
  if (!queues) return fail(std::move(queues.error()));
  Running running;
  if (plan.kind == BenchKind::kPop) {
    running.pop = std::make_unique<PopLoad>(loop, PopLoadOptions{.topic = plan.topic,
                                                                 .group = plan.group,
                                                                 .queues = *queues,
                                                                 .connections = plan.connections,
                                                                 .batch = plan.pull_batch,
                                                                 .batch_ack = plan.batch_ack,
                                                                 .count = plan.count});
    return running;
  }
  if (plan.kind != BenchKind::kConsume)
    running.send = std::make_unique<SendLoad>(loop, send_options(plan, *queues));
  if (plan.kind == BenchKind::kSend) return running;
  const bool e2e = plan.kind == BenchKind::kE2e;
  auto offsets =
      find_offsets(**client, plan.topic, *queues, e2e ? Begin::kLatest : Begin::kEarliest);
  if (!offsets) return fail(std::move(offsets.error()));
  running.pull = std::make_unique<PullLoad>(loop, PullLoadOptions{.topic = plan.topic,
                                                                  .group = plan.group,
                                                                  .queues = std::move(*offsets),
                                                                  .connections = plan.connections,
                                                                  .batch = plan.pull_batch,
                                                                  .wait = e2e,
                                                                  .stamps = e2e,
                                                                  .timers = plan.delay_ms > 0,
                                                                  .count = e2e ? 0 : plan.count});
  return running;
}

BenchReport make_report(const Running& running, const Used& before, const Used& after,
                        double seconds) {
  const LoadCounts& counts = running.result();
  const Histogram& latency = counts.latency;
  BenchReport report{
      .seconds = seconds,
      .messages = counts.messages,
      .acknowledged = running.sent.messages,
      .requests = counts.requests,
      .bytes = counts.bytes,
      .lost = running.sent.lost + running.pulled.lost,
      .refused = running.sent.refused,
      .mean_ns = latency.mean(),
      .p50_ns = latency.quantile(0.5),
      .p90_ns = latency.quantile(0.9),
      .p99_ns = latency.quantile(0.99),
      .p999_ns = latency.quantile(0.999),
      .max_ns = latency.max(),
      .stored_p50_ns = counts.stored.quantile(0.5),
      .stored_p99_ns = counts.stored.quantile(0.99),
      .stored_max_ns = counts.stored.max(),
      .early = counts.early,
      .doubled = counts.doubled,
      .own_cpu_s = after.own_cpu_s - before.own_cpu_s,
      .broker_cpu_s = after.broker_cpu_s - before.broker_cpu_s,
      .broker_rss = after.broker_rss,
      .broker_private = after.broker_private,
      .error = running.sent.error.empty() ? running.pulled.error : running.sent.error};
  for (const auto& [code, count] : running.pulled.refused) report.refused[code] += count;
  return report;
}

}  // namespace

Result<BenchReport> run_bench(const BenchPlan& plan, const os::Clock& clock,
                              const std::function<void(const BenchProgress&)>& on_progress) {
  os::raise_descriptor_limit();
  auto runner = LoadRunner::open(clock);
  if (!runner) return fail(std::move(runner.error()));
  auto prepared = prepare(plan, clock, (*runner)->loop());
  if (!prepared) return fail(std::move(prepared.error()));
  Running& running = *prepared;

  auto before = usage(plan);
  if (!before) return fail(std::move(before.error()));
  (*runner)->run();
  (*runner)->on_loop([&] {
    if (running.pull) running.pull->start();
    if (running.pop) running.pop->start();
    if (running.send) running.send->start();
  });
  if (plan.warmup_s > 0) {
    (*runner)->sleep_ms(static_cast<std::int64_t>(plan.warmup_s * 1000));
    (*runner)->on_loop([&] { running.reset(); });
    before = usage(plan);
    if (!before) return fail(std::move(before.error()));
  }

  const bool by_time = plan.count == 0 && plan.duration_s > 0;
  const std::int64_t begin_ns = clock.monotonic_ns();
  const auto elapsed_s = [&] { return static_cast<double>(clock.monotonic_ns() - begin_ns) / 1e9; };
  std::int64_t finish_by_ms = INT64_MAX;
  std::int64_t shown_ms = clock.monotonic_ms();
  std::uint64_t shown_messages = 0;
  while (!running.finished) {
    (*runner)->sleep_ms(kLookMs);
    const std::int64_t now_ms = clock.monotonic_ms();
    if (finish_by_ms == INT64_MAX && by_time && elapsed_s() >= plan.duration_s) {
      (*runner)->on_loop([&] { running.finish(); });
      finish_by_ms = now_ms + kLastAnswersMs + plan.delay_ms + plan.delay_spread_ms;
    }
    (*runner)->on_loop([&] { running.look(); });
    if (now_ms >= finish_by_ms) break;
    if (now_ms - shown_ms < kProgressMs) continue;
    const LoadCounts& counts = running.result();
    on_progress({.seconds = elapsed_s(),
                 .rate = static_cast<double>(counts.messages - shown_messages) * 1000 /
                         static_cast<double>(now_ms - shown_ms),
                 .p50_ns = counts.latency.quantile(0.5),
                 .p99_ns = counts.latency.quantile(0.99),
                 .messages = counts.messages,
                 .refused = running.sent.refused_total() + running.pulled.refused_total(),
                 .lost = running.sent.lost});
    shown_ms = now_ms;
    shown_messages = counts.messages;
  }
  const double seconds = elapsed_s();
  auto after = usage(plan);
  if (!after) after = *before;  // the broker is gone: the report's error says why
  (*runner)->stop();
  return make_report(running, *before, *after, seconds);
}

}  // namespace oncemq::client
