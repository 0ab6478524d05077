#include "broker/causes.h"

#include <algorithm>
#include <utility>

namespace oncemq::broker {

std::string_view cause_name(Cause cause) {
  switch (cause) {
    case Cause::kConsumerAsked:
      return "consumer_asked";
    case Cause::kInvisibleTimePassed:
      return "invisible_time_passed";
    case Cause::kQueueMoved:
      return "queue_moved";
    case Cause::kOffsetBack:
      return "offset_back";
    case Cause::kBrokerRestart:
      return "broker_restart";
    case Cause::kReplayed:
      return "replayed";
    case Cause::kSendRepeated:
      return "send_repeated";
  }
  return "unknown";
}

std::string_view cause_sentence(Cause cause) {
  switch (cause) {
    case Cause::kConsumerAsked:
      return "a consumer could not handle the message and sent it back";
    case Cause::kInvisibleTimePassed:
      return "the message was taken with POP and neither acked nor extended in time";
    case Cause::kQueueMoved:
      return "another consumer took the queue over (rebalance, restart of a consumer, lock moved) "
             "and began at the stored offset, behind what the previous one had been given";
    case Cause::kOffsetBack:
      return "the group's offset went back: a reset, or a consumer asked from an older offset";
    case Cause::kBrokerRestart:
      return "after a restart of the broker the group began before where it had been";
    case Cause::kReplayed:
      return "an operator sent the message back from the dead letters";
    case Cause::kSendRepeated:
      return "the message is stored twice: its producer's client sent it again, because the answer "
             "to the first send was lost or late, or the application sent one message object again";
  }
  return "unknown";
}

void Causes::count(const Redelivery& redelivery) {
  const auto index = static_cast<std::size_t>(redelivery.cause);
  const std::int64_t now_ms = clock_.wall_ms();
  const bool of_topic = redelivery.group.empty();
  MutexLock lock(mutex_);
  totals_[index] += redelivery.messages;
  count_named(redelivery);
  std::deque<Event>& recent = of_topic ? recent_sends_ : recent_;
  if (recent.size() >= kRecent) recent.pop_front();
  recent.push_back({now_ms, redelivery.cause, std::string(redelivery.group),
                    std::string(redelivery.topic), redelivery.queue_id, redelivery.offset,
                    redelivery.messages});
}

// As far as there is room for new names.
void Causes::count_named(const Redelivery& redelivery) {
  if (redelivery.group.empty()) {
    auto row = repeated_sends_.find(redelivery.topic);
    if (row == repeated_sends_.end()) {
      if (repeated_sends_.size() == kPairsMax) return;
      row = repeated_sends_.emplace(std::string(redelivery.topic), 0).first;
    }
    row->second += redelivery.messages;
    return;
  }
  auto group = groups_.find(redelivery.group);
  const bool known = group != groups_.end() && group->second.contains(redelivery.topic);
  if (!known) {
    if (pairs_ == kPairsMax) return;
    ++pairs_;
    if (group == groups_.end())
      group = groups_.emplace(std::string(redelivery.group), Topicwise{}).first;
    group->second.emplace(std::string(redelivery.topic), CauseCounts{});
  }
  group->second.find(redelivery.topic)->second[static_cast<std::size_t>(redelivery.cause)] +=
      redelivery.messages;
}

CauseCounts Causes::totals() const {
  MutexLock lock(mutex_);
  return totals_;
}

CauseCounts Causes::sum_of(const Topicwise& topics) {
  CauseCounts sum{};
  for (const auto& [topic, counts] : topics)
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += counts[i];
  return sum;
}

CauseCounts Causes::of_group(std::string_view group, Topics topics) const {
  MutexLock lock(mutex_);
  const auto found = groups_.find(group);
  CauseCounts counts = found == groups_.end() ? CauseCounts{} : sum_of(found->second);
  for (const std::string& topic : topics)
    if (const auto sends = repeated_sends_.find(topic); sends != repeated_sends_.end())
      counts[static_cast<std::size_t>(Cause::kSendRepeated)] += sends->second;
  return counts;
}

void Causes::for_each_group(
    const std::function<void(std::string_view group, const CauseCounts&)>& visit) const {
  std::vector<std::pair<std::string, CauseCounts>> copy;
  {
    MutexLock lock(mutex_);
    for (const auto& [group, topics] : groups_) copy.emplace_back(group, sum_of(topics));
  }
  for (const auto& [group, counts] : copy) visit(group, counts);
}

void Causes::for_each(const std::function<void(std::string_view topic, std::string_view group,
                                               const CauseCounts&)>& visit) const {
  struct Row {
    std::string topic;
    std::string group;
    CauseCounts counts{};
  };
  std::vector<Row> copy;
  {
    MutexLock lock(mutex_);
    for (const auto& [group, topics] : groups_)
      for (const auto& [topic, counts] : topics) copy.push_back({topic, group, counts});
    for (const auto& [topic, sends] : repeated_sends_) {
      copy.push_back({.topic = topic, .group = {}});
      copy.back().counts[static_cast<std::size_t>(Cause::kSendRepeated)] = sends;
    }
  }
  for (const Row& row : copy) visit(row.topic, row.group, row.counts);
}

std::vector<Causes::Event> Causes::recent(std::string_view group, Topics topics) const {
  std::vector<Event> events;
  {
    MutexLock lock(mutex_);
    for (auto event = recent_.rbegin(); event != recent_.rend(); ++event)
      if (event->group == group) events.push_back(*event);
    for (auto event = recent_sends_.rbegin(); event != recent_sends_.rend(); ++event)
      if (std::ranges::find(topics, event->topic) != topics.end()) events.push_back(*event);
  }
  std::ranges::stable_sort(events, std::ranges::greater{}, &Event::at_ms);
  return events;
}

std::vector<Causes::Event> Causes::recent() const {
  std::vector<Event> events;
  {
    MutexLock lock(mutex_);
    events.assign(recent_.rbegin(), recent_.rend());
    events.insert(events.end(), recent_sends_.rbegin(), recent_sends_.rend());
  }
  std::ranges::stable_sort(events, std::ranges::greater{}, &Event::at_ms);
  return events;
}

}  // namespace oncemq::broker
