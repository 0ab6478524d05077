#include "broker/duplicates.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "broker/transaction_reads.h"
#include "model/properties.h"

namespace oncemq::broker {

class Duplicates::Work {
 public:
  Work(std::string_view topic, std::string_view group) : topic_(topic), group_(group) {}

  bool wants(std::string_view topic, std::string_view group) const {
    return (topic_.empty() || topic == topic_) && (group_.empty() || group == group_);
  }
  void count(std::string_view topic, std::string_view group, std::string_view what,
             std::string_view sentence, std::uint64_t copies) {
    if (copies == 0 || !wants(topic, group)) return;
    DuplicateRow& row = rows_[{std::string(topic), std::string(group), what}].row;
    row.what = what;
    row.sentence = sentence;
    row.copies = copies;
  }
  // `ms` below 0: not known.
  void measure(std::string_view topic, std::string_view group, std::string_view what,
               std::int64_t ms) {
    const auto row = rows_.find({std::string(topic), std::string(group), what});
    if (row != rows_.end() && ms >= 0) row->second.gaps.push_back(ms);
  }
  std::vector<DuplicateRow> take(const BrokerStats& stats);

 private:
  struct Row {
    DuplicateRow row;
    std::vector<std::int64_t> gaps;
  };
  const std::string_view topic_;
  const std::string_view group_;
  std::map<std::tuple<std::string, std::string, std::string_view>, Row> rows_;
};

std::vector<DuplicateRow> Duplicates::Work::take(const BrokerStats& stats) {
  std::unordered_map<std::string, std::uint64_t> stored;
  std::unordered_map<std::string, std::uint64_t> given;  // by "topic@group"
  stats.for_each("TOPIC_PUT_NUMS", [&](std::string_view topic, const StatsItem& item) {
    stored.emplace(topic, item.sum());
  });
  stats.for_each("GROUP_GET_NUMS", [&](std::string_view key, const StatsItem& item) {
    given.emplace(key, item.sum());
  });
  std::vector<DuplicateRow> list;
  for (auto& [key, row] : rows_) {
    const auto& [topic, group, what] = key;
    row.row.topic = topic;
    row.row.group = group;
    std::string place = topic;
    if (!group.empty()) place.append("@").append(group);
    row.row.of = (group.empty() ? stored : given)[place];
    row.row.known = row.gaps.size();
    if (!row.gaps.empty()) {
      const auto middle = row.gaps.begin() + static_cast<std::ptrdiff_t>(row.gaps.size() / 2);
      std::nth_element(row.gaps.begin(), middle, row.gaps.end());
      row.row.median_ms = *middle;
      row.row.longest_ms = *std::max_element(row.gaps.begin(), row.gaps.end());
    }
    list.push_back(std::move(row.row));
  }
  std::ranges::stable_sort(list, [](const DuplicateRow& a, const DuplicateRow& b) {
    return std::tie(a.topic, a.group, b.copies) < std::tie(b.topic, b.group, a.copies);
  });
  return list;
}

void Duplicates::count_deliveries(Work& work) const {
  parts_.stats.causes().for_each(
      [&](std::string_view topic, std::string_view group, const CauseCounts& counts) {
        for (std::size_t i = 0; i < counts.size(); ++i) {
          const auto cause = static_cast<Cause>(i);
          work.count(topic, group, cause_name(cause), cause_sentence(cause), counts[i]);
        }
      });
}

void Duplicates::count_sends(Work& work) const {
  for (const model::TopicConfig& config : parts_.topics.snapshot().topics) {
    if (!work.wants(config.name, {})) continue;
    const DuplicateReport::Topic topic = parts_.left_out.of(config.name);
    for (std::size_t i = 0; i < topic.counts.size(); ++i) {
      const auto repeat = static_cast<Repeat>(i);
      work.count(config.name, {}, repeat_name(repeat), repeat_sentence(repeat), topic.counts[i]);
    }
    for (const DuplicateReport::Example& example : topic.latest)
      work.measure(config.name, {}, repeat_name(example.repeat),
                   example.original ? example.at_ms - example.original->time_ms : -1);
  }
}

// The latest redeliveries, each with the delivery of the same group that was the last before it.
void Duplicates::measure_deliveries(Work& work) const {
  struct Wanted {
    const Causes::Event* event = nullptr;
    std::uint64_t group = 0;
    std::int64_t before_ms = -1;
  };
  const std::vector<Causes::Event> events = parts_.stats.causes().recent();
  std::unordered_map<std::uint64_t, std::vector<Wanted>> queues;
  for (const Causes::Event& event : events)
    // A consumer's wish is no copy yet.
    if (!event.group.empty() && event.offset >= 0 && event.cause != Cause::kConsumerAsked &&
        work.wants(event.topic, event.group))
      queues[DeliveryLedger::queue_key(event.topic, event.queue_id)].push_back(
          {.event = &event, .group = DeliveryLedger::group_key(event.group)});
  parts_.stats.ledger().for_each([&](const DeliveryEntry& entry) {
    if (entry.step != DeliveryStep::kPulled && entry.step != DeliveryStep::kPopped) return;
    const auto found = queues.find(entry.queue);
    if (found == queues.end()) return;
    for (Wanted& wanted : found->second)
      if (wanted.group == entry.group && entry.at_ms < wanted.event->at_ms &&
          entry.covers(wanted.event->offset))
        wanted.before_ms = std::max(wanted.before_ms, entry.at_ms);
  });
  for (const auto& [queue, list] : queues)
    for (const Wanted& wanted : list)
      work.measure(wanted.event->topic, wanted.event->group, cause_name(wanted.event->cause),
                   wanted.before_ms < 0 ? -1 : wanted.event->at_ms - wanted.before_ms);
}

void Duplicates::measure_sends(Work& work) const {
  std::size_t looked_at = 0;
  for (const Causes::Event& event : parts_.stats.causes().recent()) {
    if (!event.group.empty() || !work.wants(event.topic, {})) continue;
    if (looked_at++ == kSendsMax) return;
    work.measure(event.topic, {}, cause_name(event.cause), time_since_sent(event));
  }
}

// From the newest earlier record with the same unique key; -1 when it is not known.
std::int64_t Duplicates::time_since_sent(const Causes::Event& copy) const {
  const TopicEntry* const topic = parts_.topics.find(copy.topic);
  store::ConsumeQueue* const queue = topic == nullptr ? nullptr : topic->queue(copy.queue_id);
  if (queue == nullptr || copy.offset < 0) return -1;
  const store::ReadResult read =
      parts_.store.read({.queue = queue, .offset = {copy.offset}, .max_messages = 1});
  if (read.spans.empty()) return -1;
  const auto record = message_of(read.spans.front());
  if (!record || record->queue_offset.value != copy.offset) return -1;
  const auto key = model::find_property(record->properties, model::property::kUniqueKey);
  if (!key) return -1;
  const auto found = parts_.query.by_key(
      {.topic = copy.topic, .key = *key, .begin_ms = 0, .end_ms = INT64_MAX, .unique = true});
  if (!found) return -1;
  std::int64_t before_ms = -1;
  for (const store::LogSpan& span : found->records) {
    const auto other = message_of(span);
    if (other && other->log_offset < record->log_offset &&
        model::find_property(other->properties, model::property::kUniqueKey) == key)
      before_ms = std::max(before_ms, other->store_timestamp);
  }
  return before_ms < 0 ? -1 : std::max<std::int64_t>(record->store_timestamp - before_ms, 0);
}

std::vector<DuplicateRow> Duplicates::report(std::string_view topic, std::string_view group) const {
  Work work(topic, group);
  count_deliveries(work);
  count_sends(work);
  measure_deliveries(work);
  measure_sends(work);
  return work.take(parts_.stats);
}

}  // namespace oncemq::broker
