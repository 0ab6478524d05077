#include <fmt/format.h>

#include "client/load/bench.h"

namespace oncemq::client {
namespace {

double share(double of, double by) {
  return by > 0 ? of / by : 0;
}

double ms(double ns) {
  return ns / 1e6;
}
double ms(std::int64_t ns) {
  return ms(static_cast<double>(ns));
}

// Whether the latency is how late timers are.
bool late(const BenchPlan& plan) {
  return plan.kind == BenchKind::kE2e && plan.delay_ms > 0;
}

Json number(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

}  // namespace

double BenchReport::messages_per_s() const {
  return share(static_cast<double>(messages), seconds);
}

double BenchReport::messages_per_cpu_s() const {
  return share(static_cast<double>(messages), broker_cpu_s);
}

std::uint64_t BenchReport::refused_total() const {
  std::uint64_t total = 0;
  for (const auto& [code, count] : refused) total += count;
  return total;
}

std::string_view bench_name(BenchKind kind) {
  switch (kind) {
    case BenchKind::kSend:
      return "send";
    case BenchKind::kConsume:
      return "consume";
    case BenchKind::kPop:
      return "pop";
    case BenchKind::kE2e:
      return "e2e";
  }
  return "unknown";
}

Json bench_json(const BenchPlan& plan, const BenchReport& report) {
  Json asked = Json::object();
  asked.set("connections", static_cast<std::int64_t>(plan.connections))
      .set("window", static_cast<std::int64_t>(plan.window))
      .set("rate", plan.rate)
      .set("size", number(plan.size))
      .set("queues", plan.queues)
      .set("batch", number(plan.batch))
      .set("transactions", plan.transactions)
      .set("pullBatch", plan.pull_batch)
      .set("header", plan.header == wire::HeaderKind::kJson ? "json" : "binary")
      .set("keys", plan.keys)
      .set("topic", plan.topic);
  if (plan.wait) asked.set("wait", *plan.wait);
  if (plan.delay_ms > 0)
    asked.set("delayMs", plan.delay_ms).set("delaySpreadMs", plan.delay_spread_ms);
  Json latency = Json::object();
  latency.set("mean", ms(report.mean_ns))
      .set("p50", ms(report.p50_ns))
      .set("p90", ms(report.p90_ns))
      .set("p99", ms(report.p99_ns))
      .set("p999", ms(report.p999_ns))
      .set("max", ms(report.max_ns));
  Json refused = Json::object();
  for (const auto& [code, count] : report.refused) refused.set(std::to_string(code), number(count));
  Json json = Json::object();
  json.set("bench", bench_name(plan.kind))
      .set("asked", std::move(asked))
      .set("seconds", report.seconds)
      .set("messages", number(report.messages))
      .set("acknowledged", number(report.acknowledged))
      .set("requests", number(report.requests))
      .set("bytes", number(report.bytes))
      .set("lost", number(report.lost))
      .set("refused", number(report.refused_total()))
      .set("refusedByCode", std::move(refused))
      .set("messagesPerSecond", report.messages_per_s())
      .set("latencyMs", std::move(latency))
      .set("generatorCpuSeconds", report.own_cpu_s);
  if (late(plan)) {
    Json stored = Json::object();
    stored.set("p50", ms(report.stored_p50_ns))
        .set("p99", ms(report.stored_p99_ns))
        .set("max", ms(report.stored_max_ns));
    json.set("storedLatenessMs", std::move(stored))
        .set("early", number(report.early))
        .set("doubled", number(report.doubled));
  }
  if (plan.broker_pid != 0)
    json.set("brokerCpuSeconds", report.broker_cpu_s)
        .set("messagesPerBrokerCpuSecond", report.messages_per_cpu_s())
        .set("brokerRssBytes", number(report.broker_rss))
        .set("brokerPrivateBytes", number(report.broker_private));
  if (!report.error.empty()) json.set("error", report.error);
  return json;
}

std::string bench_text(const BenchPlan& plan, const BenchReport& report) {
  std::string text = fmt::format(
      "{}: {} messages in {:.2f} s, {:.0f} per second, {:.1f} MiB/s\n"
      "{} ms: p50 {:.3f}, p90 {:.3f}, p99 {:.3f}, p99.9 {:.3f}, max {:.3f}\n",
      bench_name(plan.kind), report.messages, report.seconds, report.messages_per_s(),
      share(static_cast<double>(report.bytes), report.seconds) / (1 << 20),
      late(plan) ? "lateness" : "latency", ms(report.p50_ns), ms(report.p90_ns), ms(report.p99_ns),
      ms(report.p999_ns), ms(report.max_ns));
  if (plan.kind == BenchKind::kE2e)
    text += fmt::format("acknowledged {}, received {}\n", report.acknowledged, report.messages);
  if (late(plan))
    text += fmt::format("stored late by, ms: p50 {}, p99 {}, max {}; early {}, doubled {}\n",
                        ms(report.stored_p50_ns), ms(report.stored_p99_ns),
                        ms(report.stored_max_ns), report.early, report.doubled);
  if (report.refused_total() + report.lost > 0) {
    text += fmt::format("requests refused {}, lost {}", report.refused_total(), report.lost);
    for (const auto& [code, count] : report.refused)
      text += fmt::format(", code {}: {}", code, count);
    text += '\n';
  }
  if (plan.broker_pid != 0)
    text += fmt::format(
        "broker: {:.2f} CPU seconds, {:.0f} messages per CPU second, {:.1f} MiB RSS, "
        "{:.1f} MiB of it private\n",
        report.broker_cpu_s, report.messages_per_cpu_s(),
        static_cast<double>(report.broker_rss) / (1 << 20),
        static_cast<double>(report.broker_private) / (1 << 20));
  text += fmt::format("generator: {:.2f} CPU seconds\n", report.own_cpu_s);
  if (!report.error.empty()) text += "ended early: " + report.error + "\n";
  return text;
}

}  // namespace oncemq::client
