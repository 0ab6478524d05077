#include "front/http/metrics_page.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "broker/group_lag.h"
#include "model/topic.h"

namespace oncemq::front {
namespace {

// Joins two names in TopSeries; no legal name has it.
constexpr char kJoin = '\x01';
constexpr std::string_view kOther = "other";

double seconds(std::int64_t ms) {
  return static_cast<double>(ms) / 1000.0;
}

std::string joined(std::string_view first, std::string_view second) {
  std::string key(first);
  key += kJoin;
  return key.append(second);
}

// Both halves of a joined name; "other" is both.
std::pair<std::string_view, std::string_view> halves(std::string_view name) {
  const std::size_t at = name.find(kJoin);
  if (at == std::string_view::npos) return {kOther, kOther};
  return {name.substr(0, at), name.substr(at + 1)};
}

}  // namespace

MetricsPage::MetricsPage(const net::Server& own, const os::Clock& clock, std::size_t series_max)
    : own_(own),
      clock_(clock),
      series_max_(series_max),
      topics_(series_max, 4),
      pairs_(series_max, 2),
      causes_(series_max, 1),
      filters_(series_max, 1),
      start_ms_(clock.wall_ms()) {}

void MetricsPage::answered(int status) {
  const auto found = std::ranges::find(kStatuses, status);
  ++answers_[static_cast<std::size_t>(found - kStatuses.begin())];
}

std::string MetricsPage::make(const HttpParts& parts, MetricsFormat format) {
  const std::int64_t begin_ns = clock_.monotonic_ns();
  MetricsText text(metric_table(), format);
  text_ = &text;
  add_process(parts);
  add_net(parts);
  if (parts.metrics != nullptr) add_requests(*parts.metrics);
  if (parts.broker != nullptr) {
    add_topics(*parts.broker);
    add_traffic(*parts.broker);
    add_lag(*parts.broker, *parts.store);
    add_dead_letters(*parts.broker, *parts.store);
    add_causes(*parts.broker);
    add_filters(*parts.broker);
    add_transactions(*parts.broker, *parts.store);
    add_idempotence(*parts.broker);
    if (broker::Faults* const faults = parts.broker->faults()) add_faults(*faults);
    add_timers(*parts.broker);
    add_store(parts);
  }
  text_ = nullptr;
  last_scrape_ns_ = clock_.monotonic_ns() - begin_ns;
  return std::move(text).finish();
}

void MetricsPage::add_process(const HttpParts& parts) {
  add(Metric::kBuildInfo, std::uint64_t{1}, {ONCEMQ_VERSION});
  add(Metric::kStartTime, seconds(start_ms_ + parts.startup_ms));
  add(Metric::kStartup, seconds(parts.startup_ms));
  if (parts.process) {
    const ProcessSample sample = parts.process();
    add(Metric::kCpu, sample.cpu_seconds);
    add(Metric::kResident, sample.resident_bytes);
    add(Metric::kMemory, sample.private_bytes, {"private"});
  }
  add_memory(parts);
}

void MetricsPage::add_memory(const HttpParts& parts) {
  const auto bytes = [this](std::string_view owner, std::uint64_t value) {
    add(Metric::kMemory, value, {owner});
  };
  if (parts.server != nullptr) bytes("connections", parts.server->memory_bytes());
  bytes("http", own_.memory_bytes());
  if (parts.broker == nullptr) return;
  broker::Broker& broker = *parts.broker;
  const store::Watermarks& marks = parts.store->marks();
  const std::int64_t flushed = marks.flushed().value;  // first: it only grows
  bytes("staging",
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, marks.appended().value - flushed)));
  const store::StoreStats stats = parts.store->stats();
  bytes("key_index", stats.key_index_bytes);
  bytes("queues", stats.queue_bytes);
  bytes("offsets", broker.offsets().memory_bytes());
  bytes("deliveries", broker.deliveries().memory_bytes() + broker.stats().ledger().memory_bytes());
  bytes("clients", broker.clients().memory_bytes());
  bytes("pop", broker.popper().memory_bytes());
  bytes("dead_letters", broker.dead_letters().memory_bytes());
  bytes("parked_pulls", broker.parked().memory_bytes());
  bytes("parked_pops", broker.popper().waiting().memory_bytes());
  bytes("timers", broker.timers().figures().memory_bytes);
  if (broker.transactions().ready())
    bytes("transactions",
          static_cast<std::uint64_t>(broker.transactions().index().segments_in_memory() *
                                     broker::TransactionStates::kSegment) +
              broker.transaction_checker().memory_bytes());
  bytes("atomic_commits", broker.atomic_commits().memory_bytes());
  bytes("idempotency", broker.idempotence().stats().memory);
  bytes("sql_filters", broker.filters().live_bytes());
  bytes("topics", broker.topics().memory_bytes());
  bytes("groups", broker.groups().memory_bytes());
}

void MetricsPage::add_net(const HttpParts& parts) {
  if (parts.server != nullptr) {
    const net::Shared& shared = parts.server->shared();
    add(Metric::kConnections, std::uint64_t{shared.connections.load()});
    add(Metric::kAccepted, shared.accepted.load());
    add(Metric::kRefused, shared.refused.load());
    std::uint64_t in = 0;
    std::uint64_t out = 0;
    for (std::uint32_t i = 0; i < parts.server->loops(); ++i) {
      const net::LoopStats stats = parts.server->loop(i).stats();
      in += stats.bytes_in;
      out += stats.bytes_out;
      add(Metric::kLoopTicks, stats.ticks, {std::to_string(i)});
    }
    add(Metric::kBytesIn, in);
    add(Metric::kBytesOut, out);
  }
  add(Metric::kHttpConnections, std::uint64_t{own_.shared().connections.load()});
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    if (answers_[i] == 0) continue;
    add(Metric::kHttpAnswers, answers_[i],
        {i < kStatuses.size() ? std::to_string(kStatuses[i]) : std::string(kOther)});
  }
  add(Metric::kScrape, static_cast<double>(last_scrape_ns_) / 1e9);
}

void MetricsPage::add_requests(const EdgeMetrics& metrics) {
  metrics.for_each_request(
      [&](std::string_view request, std::string_view lane, std::uint64_t calls) {
        if (calls > 0) add(Metric::kRequests, calls, {request, lane});
      });
  metrics.for_each_answer(
      [&](std::string_view request, std::string_view answer, std::uint64_t count) {
        add(Metric::kAnswers, count, {request, answer});
      });
  add(Metric::kBadFrames, metrics.bad_frames());
  add(Metric::kSendAppended, metrics.send_appended.view());
  add(Metric::kSendCommitted, metrics.send_committed.view());
  add(Metric::kSendAnswered, metrics.send_answered.view());
}

void MetricsPage::add_topics(broker::Broker& broker) {
  add(Metric::kSendsFailed, broker.stats().put_failed_total());
  add(Metric::kParkedPulls, std::uint64_t{broker.parked().size()});
  add(Metric::kTopics, std::uint64_t{broker.topics().size()});
  add(Metric::kGroups, std::uint64_t{broker.groups().size()});
  add(Metric::kGroupsOnline, std::uint64_t{broker.clients().consumer_groups().size()});
}

void MetricsPage::add_traffic(broker::Broker& broker) {
  // Messages in, bytes in, messages out, bytes out.
  std::map<std::string, std::array<std::uint64_t, 4>, std::less<>> by_topic;
  std::map<std::string, std::array<std::uint64_t, 2>, std::less<>> by_pair;
  const broker::BrokerStats& stats = broker.stats();
  stats.for_each("TOPIC_PUT_NUMS", [&](std::string_view topic, const broker::StatsItem& item) {
    by_topic[std::string(topic)][0] += item.sum();
  });
  stats.for_each("TOPIC_PUT_SIZE", [&](std::string_view topic, const broker::StatsItem& item) {
    by_topic[std::string(topic)][1] += item.sum();
  });
  const auto consumed = [&](std::size_t column) {
    return [&, column](std::string_view key, const broker::StatsItem& item) {
      const std::size_t at = key.find('@');  // in no legal name
      if (at == std::string_view::npos) return;
      by_topic[std::string(key.substr(0, at))][2 + column] += item.sum();
      by_pair[joined(key.substr(0, at), key.substr(at + 1))][column] += item.sum();
    };
  };
  stats.for_each("GROUP_GET_NUMS", consumed(0));
  stats.for_each("GROUP_GET_SIZE", consumed(1));

  for (const auto& [topic, totals] : by_topic) topics_.see(topic, totals);
  topics_.finish([&](std::string_view topic, std::span<const std::uint64_t> values) {
    add(Metric::kTopicIn, values[0], {topic});
    add(Metric::kTopicInBytes, values[1], {topic});
    add(Metric::kTopicOut, values[2], {topic});
    add(Metric::kTopicOutBytes, values[3], {topic});
  });
  for (const auto& [pair, totals] : by_pair) pairs_.see(pair, totals);
  pairs_.finish([&](std::string_view pair, std::span<const std::uint64_t> values) {
    const auto [topic, group] = halves(pair);
    add(Metric::kGroupOut, values[0], {topic, group});
    add(Metric::kGroupOutBytes, values[1], {topic, group});
  });
}

void MetricsPage::add_lag(broker::Broker& broker, store::MessageStore& store) {
  const broker::GroupLags lags(broker.topics(), broker.offsets(), broker.clients(),
                               broker.deliveries(), broker.popper(), store, clock_);
  std::int64_t rest = 0;
  bool any_rest = false;
  std::size_t listed = 0;
  for (const broker::GroupLag& lag : lags.all(series_max_)) {
    if (listed++ < series_max_) {
      add(Metric::kLagMessages, lag.messages, {lag.topic, lag.group});
      add(Metric::kLagSeconds, seconds(lag.age_ms), {lag.topic, lag.group});
      add(Metric::kInFlight, lag.in_flight, {lag.topic, lag.group});
    } else {
      any_rest = true;
      rest += lag.messages;
    }
  }
  if (any_rest) add(Metric::kLagMessages, rest, {kOther, kOther});
}

void MetricsPage::add_dead_letters(broker::Broker& broker, store::MessageStore& store) {
  std::vector<std::pair<std::int64_t, std::string>> queues;
  for (const model::TopicConfig& topic : broker.topics().snapshot().topics) {
    if (!model::topic::is_dlq(topic.name)) continue;
    std::string group = topic.name.substr(model::topic::kDlqPrefix.size());
    // Before the queue is asked: when letters leave the log meanwhile, too few are told for one
    // scrape, never too many.
    const auto settled = broker.dead_letters().settled(group);
    if (!settled.has_value()) break;  // marks are still being read
    std::int64_t messages = -static_cast<std::int64_t>(*settled);
    for (std::int32_t id = 0; id < std::max(topic.read_queues, topic.write_queues); ++id)
      if (const store::ConsumeQueue* queue = store.find_queue(topic.name, id))
        messages += queue->max().value - queue->min().value;
    queues.emplace_back(std::max<std::int64_t>(0, messages), std::move(group));
  }
  std::ranges::stable_sort(queues, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::int64_t rest = 0;
  for (std::size_t i = 0; i < queues.size(); ++i) {
    if (i < series_max_)
      add(Metric::kDlqMessages, queues[i].first, {queues[i].second});
    else
      rest += queues[i].first;
  }
  if (queues.size() > series_max_) add(Metric::kDlqMessages, rest, {kOther});
  std::uint64_t put = 0;
  broker.stats().for_each(
      "DLQ_PUT_NUMS", [&](std::string_view, const broker::StatsItem& item) { put += item.sum(); });
  add(Metric::kDeadLetters, put);
}

void MetricsPage::add_causes(broker::Broker& broker) {
  const broker::Causes& causes = broker.stats().causes();
  const broker::CauseCounts totals = causes.totals();
  for (std::size_t i = 0; i < totals.size(); ++i)
    add(Metric::kRedeliveries, totals[i], {broker::cause_name(static_cast<broker::Cause>(i))});
  causes.for_each_group([&](std::string_view group, const broker::CauseCounts& counts) {
    for (std::size_t i = 0; i < counts.size(); ++i)
      if (counts[i] > 0)
        causes_.see(joined(group, broker::cause_name(static_cast<broker::Cause>(i))),
                    std::span(&counts[i], 1));
  });
  causes_.finish([&](std::string_view name, std::span<const std::uint64_t> values) {
    const auto [group, cause] = halves(name);
    add(Metric::kGroupRedeliveries, values[0], {group, cause});
  });
}

void MetricsPage::add_filters(broker::Broker& broker) {
  std::map<std::string, std::uint64_t, std::less<>> by_group;
  broker.stats().for_each("FILTER_OVER_NUMS",
                          [&](std::string_view key, const broker::StatsItem& item) {
                            const std::size_t at = key.find('@');
                            if (at != std::string_view::npos)
                              by_group[std::string(key.substr(at + 1))] += item.sum();
                          });
  for (const auto& [group, messages] : by_group) filters_.see(group, std::span(&messages, 1));
  filters_.finish([&](std::string_view group, std::span<const std::uint64_t> values) {
    add(Metric::kFilterOver, values[0], {group});
  });
}

void MetricsPage::add_transactions(broker::Broker& broker, store::MessageStore& store) {
  if (!broker.transactions().ready()) return;
  const broker::TransactionIndex& index = broker.transactions().index();
  const broker::TransactionChecker& checker = broker.transaction_checker();
  std::int64_t age_ms = 0;
  const std::int64_t oldest = index.next_open(0);
  store::ConsumeQueue* const queue = store.find_queue(model::topic::kHalf, 0);
  if (queue != nullptr && oldest < queue->max().value) {
    const std::int64_t stored_ms = store.store_time(*queue, model::QueueOffset{oldest});
    if (stored_ms >= 0) age_ms = std::max<std::int64_t>(0, clock_.wall_ms() - stored_ms);
  }
  add(Metric::kTransactionsOpen, index.open_count());
  add(Metric::kTransactionAge, seconds(age_ms));
  add(Metric::kChecks, checker.asked());
  add(Metric::kChecksUnanswered, std::uint64_t{checker.unanswered()});
  add(Metric::kTransactionsDiscarded, checker.discarded());
  const broker::AtomicCommits::Figures atomic = broker.atomic_commits().figures();
  add(Metric::kAtomicCommits, atomic.committed, {"committed"});
  add(Metric::kAtomicCommits, atomic.repeated, {"repeated"});
  add(Metric::kAtomicCommits, atomic.fenced, {"fenced"});
  add(Metric::kAtomicCommits, atomic.refused, {"refused"});
  add(Metric::kAtomicCommits, atomic.healed, {"healed"});
}

void MetricsPage::add_faults(const broker::Faults& faults) {
  for (std::size_t i = 0; i < broker::kFaultKinds; ++i) {
    const auto kind = static_cast<broker::FaultKind>(i);
    add(Metric::kFaults, faults.total(kind), {broker::fault_name(kind)});
  }
}

void MetricsPage::add_idempotence(broker::Broker& broker) {
  for (std::size_t i = 0; i < broker::kRepeatCount; ++i) {
    const auto repeat = static_cast<broker::Repeat>(i);
    add(Metric::kRepeats, broker.idempotence().report().total(repeat),
        {broker::repeat_name(repeat)});
  }
  const auto stats = broker.idempotence().stats();
  add(Metric::kKeys, stats.keys);
  add(Metric::kKeysEvicted, stats.evicted);
  add(Metric::kKeysLost, stats.lost);
  add(Metric::kKeyFileBytes, stats.file_bytes);
}

void MetricsPage::add_timers(broker::Broker& broker) {
  const broker::Timers::Figures figures = broker.timers().figures();
  add(Metric::kTimersWaiting, figures.waiting);
  add(Metric::kTimersUnread, figures.offset_behind);
  add(Metric::kTimerLag, seconds(figures.read_behind_ms));
}

void MetricsPage::add_store(const HttpParts& parts) {
  const store::StoreStats stats = parts.store->stats();
  add(Metric::kWritable, std::uint64_t{parts.store->refusal().has_value() ? 0U : 1U});
  add(Metric::kLogEnd, stats.appended.value, {"appended"});
  add(Metric::kLogEnd, stats.flushed.value, {"flushed"});
  add(Metric::kLogEnd, stats.durable.value, {"durable"});
  add(Metric::kLogEnd, stats.committed.value, {"committed"});
  add(Metric::kLogStart, stats.min_offset.value);
  add(Metric::kLogFiles, std::uint64_t{stats.log_files});
  add(Metric::kDispatchLag, stats.dispatch_behind_bytes);
  if (stats.earliest_timestamp >= 0) add(Metric::kOldestMessage, seconds(stats.earliest_timestamp));
  add(Metric::kDiskUsed, stats.disk_used_ratio, {"log"});
  add(Metric::kDiskUsed, stats.queue_disk_used_ratio, {"queues"});
  add(Metric::kSync, stats.sync_times);
  add(Metric::kDamagedPlaces, stats.damaged_places);
  add(Metric::kDamagedReads, stats.damaged_reads);
}

}  // namespace oncemq::front
