#include "broker/broker_stats.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <utility>
#include <vector>

#include "broker/pair_key.h"

namespace oncemq::broker {

namespace {

constexpr char kSeparator = '\x01';
constexpr std::int64_t kSecondMs = 1'000;
constexpr std::int64_t kItemsMs = 10'000;
constexpr std::size_t kSamplesMax = 601;

double per_second(std::uint64_t count, std::int64_t ms) {
  return ms <= 0 ? 0 : static_cast<double>(count) * 1000.0 / static_cast<double>(ms);
}

}  // namespace

// Three rings; the oldest sample of a ring is where its span begins.
struct StatsItem::Windows {
  template <std::size_t kKeep>
  struct Ring {
    std::array<Sample, kKeep> samples{};
    std::size_t count = 0;  // samples ever taken

    void add(const Sample& sample, std::int64_t step_ms) {
      if (count > 0 && sample.at_ms - samples[(count - 1) % kKeep].at_ms < step_ms) return;
      samples[count++ % kKeep] = sample;
    }
    StatsSpan span(const Sample& now) const {
      if (count == 0) return {};
      const Sample& oldest = samples[count > kKeep ? count % kKeep : 0];
      StatsSpan span;
      span.sum = now.sum - oldest.sum;
      span.tps = per_second(span.sum, now.at_ms - oldest.at_ms);
      const std::uint64_t calls = now.calls - oldest.calls;
      span.average = calls == 0 ? 0 : static_cast<double>(span.sum) / static_cast<double>(calls);
      return span;
    }
  };
  Ring<7> minute;
  Ring<7> hour;
  Ring<25> day;
};

StatsItem::StatsItem() = default;
StatsItem::~StatsItem() = default;

StatsItem::Sample StatsItem::now(std::int64_t now_ms) const {
  return {now_ms, sum_.value(), calls_.value()};
}

StatsView StatsItem::view(std::int64_t now_ms) const {
  const Sample sample = now(now_ms);
  MutexLock lock(mutex_);
  if (windows_ == nullptr) return {};
  return {windows_->minute.span(sample), windows_->hour.span(sample), windows_->day.span(sample)};
}

void StatsItem::sample(std::int64_t now_ms) {
  const Sample sample = now(now_ms);
  MutexLock lock(mutex_);
  if (windows_ == nullptr) windows_ = std::make_unique<Windows>();
  windows_->minute.add(sample, 10'000);
  windows_->hour.add(sample, 600'000);
  windows_->day.add(sample, 3'600'000);
}

std::string Rates::to_string() const {
  std::array<char, 96> text{};
  const int size =
      std::snprintf(text.data(), text.size(), "%.4f %.4f %.4f", ten_seconds, minute, ten_minutes);
  return {text.data(), static_cast<std::size_t>(size)};
}

BrokerStats::BrokerStats(os::Clock& clock, std::int64_t ledger_bytes)
    : clock_(clock), ledger_(clock, ledger_bytes) {
  today_ = clock.local(clock.wall_ms()).day;
  samples_.push_back(totals());
  next_second_ms_ = clock.monotonic_ms() + kSecondMs;
  next_items_ms_ = clock.monotonic_ms() + kItemsMs;
}

StatsItem& BrokerStats::item(std::string_view name, std::string_view key) {
  const PairKey text(name, kSeparator, key);
  {
    ReadLock lock(items_mutex_);
    auto found = items_.find(text.view());
    if (found != items_.end()) return *found->second;
  }
  WriteLock lock(items_mutex_);
  auto& item = items_[std::string(text.view())];
  if (item == nullptr) {
    item = std::make_unique<StatsItem>();
    item->sample(clock_.monotonic_ms());  // its spans begin now
  }
  return *item;
}

const StatsItem* BrokerStats::find_item(std::string_view name, std::string_view key) const {
  const PairKey text(name, kSeparator, key);
  ReadLock lock(items_mutex_);
  auto found = items_.find(text.view());
  return found == items_.end() ? nullptr : found->second.get();
}

void BrokerStats::put(std::uint64_t messages, std::uint64_t bytes) {
  put_messages_.add(messages);
  put_bytes_.add(bytes);
}

void BrokerStats::get(std::string_view topic, std::string_view group, std::uint64_t messages,
                      std::uint64_t bytes) {
  get_found_.add(1);
  get_messages_.add(messages);
  const PairKey key(topic, '@', group);
  item("GROUP_GET_NUMS", key.view()).add(messages);
  item("GROUP_GET_SIZE", key.view()).add(bytes);
}

void BrokerStats::sent_back(std::string_view topic, std::string_view group) {
  const PairKey key(topic, '@', group);
  item("SNDBCK_PUT_NUMS", key.view()).add(1);
}

void BrokerStats::dead_letter(std::string_view topic, std::string_view group) {
  const PairKey key(topic, '@', group);
  item("DLQ_PUT_NUMS", key.view()).add(1);
}

void BrokerStats::filter_over(std::string_view topic, std::string_view group,
                              std::string_view expression, std::uint64_t messages) {
  constexpr std::size_t kShown = 200;  // of the expression
  const PairKey key(topic, '@', group);
  item("FILTER_OVER_NUMS", key.view()).add(messages);
  filter_log_.warn(clock_.monotonic_ms(), "broker",
                   "SQL92 work bound reached: group={} topic={} messages={} expression={}{}", group,
                   topic, messages, expression.substr(0, kShown),
                   expression.size() > kShown ? "..." : "");
}

std::optional<StatsView> BrokerStats::view(std::string_view name, std::string_view key) const {
  const StatsItem* found = find_item(name, key);
  if (found == nullptr) return std::nullopt;
  return found->view(clock_.monotonic_ms());
}

void BrokerStats::for_each(
    std::string_view name,
    const std::function<void(std::string_view key, const StatsItem&)>& visit) const {
  // The visitor may take its time; items outlive the lock, and so do the keys of the map.
  std::vector<std::pair<std::string_view, const StatsItem*>> found;
  {
    ReadLock lock(items_mutex_);
    for (const auto& [key, item] : items_) {
      const std::string_view text = key;
      if (text.size() > name.size() && text.starts_with(name) && text[name.size()] == kSeparator)
        found.emplace_back(text.substr(name.size() + 1), item.get());
    }
  }
  for (const auto& [key, item] : found) visit(key, *item);
}

BrokerStats::Totals BrokerStats::totals() const {
  return {clock_.monotonic_ms(), put_messages_.value(), get_found_.value(), get_missed_.value(),
          get_messages_.value()};
}

std::int64_t BrokerStats::tick() {
  const std::int64_t now = clock_.monotonic_ms();
  bool items_due = false;
  std::int64_t next = 0;
  {
    MutexLock lock(mutex_);
    if (now >= next_second_ms_) {
      next_second_ms_ = now + kSecondMs;
      samples_.push_back(totals());
      if (samples_.size() > kSamplesMax) samples_.pop_front();
      const int day = clock_.local(clock_.wall_ms()).day;
      if (day != today_) {
        today_ = day;
        days_.put_yesterday_morning = days_.put_today_morning;
        days_.get_yesterday_morning = days_.get_today_morning;
        days_.put_today_morning = put_messages_.value();
        days_.get_today_morning = get_messages_.value();
      }
    }
    items_due = now >= next_items_ms_;
    if (items_due) next_items_ms_ = now + kItemsMs;
    next = std::min(next_second_ms_, next_items_ms_);
  }
  if (items_due) {
    ReadLock lock(items_mutex_);
    for (const auto& [key, item] : items_) item->sample(now);
  }
  return next;
}

BrokerStats::Days BrokerStats::days() const {
  MutexLock lock(mutex_);
  return days_;
}

// The last sample that is at least `ms` old; a young broker answers with its first.
const BrokerStats::Totals& BrokerStats::sample_before(std::int64_t now_ms, std::int64_t ms) const {
  const Totals* base = &samples_.front();
  for (const Totals& sample : samples_) {
    if (sample.at_ms > now_ms - ms) break;
    base = &sample;
  }
  return *base;
}

Rates BrokerStats::rates(std::uint64_t (*field)(const Totals&)) const {
  const Totals now = totals();
  const auto rate = [&](const Totals& base) {
    return per_second(field(now) - field(base), now.at_ms - base.at_ms);
  };
  MutexLock lock(mutex_);
  return {rate(sample_before(now.at_ms, 10'000)), rate(sample_before(now.at_ms, 60'000)),
          rate(sample_before(now.at_ms, 600'000))};
}

Rates BrokerStats::put_rates() const {
  return rates([](const Totals& t) { return t.put; });
}
Rates BrokerStats::get_found_rates() const {
  return rates([](const Totals& t) { return t.found; });
}
Rates BrokerStats::get_missed_rates() const {
  return rates([](const Totals& t) { return t.missed; });
}
Rates BrokerStats::get_total_rates() const {
  return rates([](const Totals& t) { return t.found + t.missed; });
}
Rates BrokerStats::get_message_rates() const {
  return rates([](const Totals& t) { return t.messages; });
}

double BrokerStats::topic_put_tps(std::string_view topic) const {
  const auto found = view("TOPIC_PUT_NUMS", topic);
  return found.has_value() ? found->minute.tps : 0;
}

double BrokerStats::group_get_tps(std::string_view topic, std::string_view group) const {
  const PairKey key(topic, '@', group);
  const auto found = view("GROUP_GET_NUMS", key.view());
  return found.has_value() ? found->minute.tps : 0;
}

}  // namespace oncemq::broker
