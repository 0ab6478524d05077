#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/log.h"
#include "base/mutex.h"
#include "broker/causes.h"
#include "broker/delivery_ledger.h"
#include "broker/ids.h"
#include "os/clock.h"

namespace oncemq::broker {

// A number that only grows. Thread rule: monitor.
class Counter {
 public:
  void add(std::uint64_t count) { value_.fetch_add(count, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// What happened in a span of time, as request 315 answers it.
struct StatsSpan {
  std::uint64_t sum = 0;
  double tps = 0;
  double average = 0;  // sum per call
};
struct StatsView {
  StatsSpan minute;
  StatsSpan hour;
  StatsSpan day;
};

// Sum and number of calls with a short memory: samples of the last minute, hour and day. Thread
// rule: monitor.
class StatsItem {
 public:
  StatsItem();
  ~StatsItem();
  void add(std::uint64_t value, std::uint64_t calls = 1) {
    sum_.add(value);
    calls_.add(calls);
  }
  std::uint64_t sum() const { return sum_.value(); }
  StatsView view(std::int64_t now_ms) const;
  // Service thread, every 10 s.
  void sample(std::int64_t now_ms);

 private:
  struct Sample {
    std::int64_t at_ms = 0;
    std::uint64_t sum = 0;
    std::uint64_t calls = 0;
  };
  struct Windows;  // made with the first sample: most topics of a large broker are quiet
  Sample now(std::int64_t now_ms) const;

  Counter sum_;
  Counter calls_;
  mutable Mutex mutex_;
  std::unique_ptr<Windows> windows_ ONCE_GUARDED_BY(mutex_);
};

// Rate over the last 10 s, 60 s and 600 s.
struct Rates {
  double ten_seconds = 0;
  double minute = 0;
  double ten_minutes = 0;
  std::string to_string() const;  // "12.0 11.5 3.2"
};

// Counts traffic: totals, rates, and per topic and group. Thread rule: monitor; add calls are cheap
// enough for once per request.
class BrokerStats {
 public:
  // `ledger_bytes`: what ledger() may take.
  explicit BrokerStats(os::Clock& clock, std::int64_t ledger_bytes = 1 << 20);

  // The item of a statistic (names: remoting.md §17 end), made on first use; it lives as long as
  // this object, so hot paths keep the reference.
  StatsItem& item(std::string_view name, std::string_view key);

  void put(std::uint64_t messages, std::uint64_t bytes);
  void put_failed() { put_failed_.add(1); }
  void get(std::string_view topic, std::string_view group, std::uint64_t messages,
           std::uint64_t bytes);
  void get_missed() { get_missed_.add(1); }
  void sent_back(std::string_view topic, std::string_view group);
  void dead_letter(std::string_view topic, std::string_view group);
  // Evaluations of a group's SQL92 expression that their bound of work was not enough for: the
  // messages are not given to it. Said in the log, at most once in kFilterLogMs.
  void filter_over(std::string_view topic, std::string_view group, std::string_view expression,
                   std::uint64_t messages);
  // Why messages were given again.
  Causes& causes() { return causes_; }
  const Causes& causes() const { return causes_; }
  // What was given to whom, lately.
  DeliveryLedger& ledger() { return ledger_; }
  const DeliveryLedger& ledger() const { return ledger_; }

  // kNotFound-like: nothing when the name or key was never counted.
  std::optional<StatsView> view(std::string_view name, std::string_view key) const;

  // Every item of the statistic with its key, in no order; items are not removed.
  void for_each(std::string_view name,
                const std::function<void(std::string_view key, const StatsItem&)>& visit) const;

  // Service thread; keeps its own 10 s raster. Returns the next due time (monotonic ms).
  std::int64_t tick();

  std::uint64_t put_total() const { return put_messages_.value(); }
  std::uint64_t put_bytes_total() const { return put_bytes_.value(); }
  std::uint64_t put_failed_total() const { return put_failed_.value(); }
  std::uint64_t get_total() const { return get_messages_.value(); }
  // Totals at the last two midnights (local time).
  struct Days {
    std::uint64_t put_yesterday_morning = 0;
    std::uint64_t put_today_morning = 0;
    std::uint64_t get_yesterday_morning = 0;
    std::uint64_t get_today_morning = 0;
  };
  Days days() const;
  Rates put_rates() const;
  Rates get_found_rates() const;
  Rates get_missed_rates() const;
  Rates get_total_rates() const;
  Rates get_message_rates() const;                     // getTransferredTps
  double topic_put_tps(std::string_view topic) const;  // last minute
  double group_get_tps(std::string_view topic, std::string_view group) const;

 private:
  struct Totals {
    std::int64_t at_ms = 0;
    std::uint64_t put = 0;
    std::uint64_t found = 0;
    std::uint64_t missed = 0;
    std::uint64_t messages = 0;
  };
  using Items =
      std::unordered_map<std::string, std::unique_ptr<StatsItem>, TextHash, std::equal_to<>>;

  const StatsItem* find_item(std::string_view name, std::string_view key) const;
  Totals totals() const;
  const Totals& sample_before(std::int64_t now_ms, std::int64_t ms) const ONCE_REQUIRES(mutex_);
  Rates rates(std::uint64_t (*field)(const Totals&)) const;

  static constexpr std::int64_t kFilterLogMs = 10'000;

  os::Clock& clock_;
  Causes causes_{clock_};
  DeliveryLedger ledger_;
  log::Limited filter_log_{kFilterLogMs};
  Counter put_messages_;
  Counter put_bytes_;
  Counter put_failed_;
  Counter get_messages_;
  Counter get_found_;
  Counter get_missed_;

  mutable SharedMutex items_mutex_;
  Items items_ ONCE_GUARDED_BY(items_mutex_);  // key: name, 0x01, key

  mutable Mutex mutex_;
  std::deque<Totals> samples_ ONCE_GUARDED_BY(mutex_);  // every second, 601 kept
  Days days_ ONCE_GUARDED_BY(mutex_);
  int today_ ONCE_GUARDED_BY(mutex_) = 0;
  std::int64_t next_second_ms_ ONCE_GUARDED_BY(mutex_) = 0;
  std::int64_t next_items_ms_ ONCE_GUARDED_BY(mutex_) = 0;
};

}  // namespace oncemq::broker
