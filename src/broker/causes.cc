#include "broker/causes.h"

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
  }
  return "unknown";
}

void Causes::count(const Redelivery& redelivery) {
  const auto index = static_cast<std::size_t>(redelivery.cause);
  const std::int64_t now_ms = clock_.wall_ms();
  MutexLock lock(mutex_);
  totals_[index] += redelivery.messages;
  auto found = groups_.find(redelivery.group);
  if (found == groups_.end() && groups_.size() < kGroupsMax)
    found = groups_.emplace(std::string(redelivery.group), CauseCounts{}).first;
  if (found != groups_.end()) found->second[index] += redelivery.messages;
  if (recent_.size() >= kRecent) recent_.pop_front();
  recent_.push_back({now_ms, redelivery.cause, std::string(redelivery.group),
                     std::string(redelivery.topic), redelivery.queue_id, redelivery.offset,
                     redelivery.messages});
}

CauseCounts Causes::totals() const {
  MutexLock lock(mutex_);
  return totals_;
}

CauseCounts Causes::of_group(std::string_view group) const {
  MutexLock lock(mutex_);
  const auto found = groups_.find(group);
  return found == groups_.end() ? CauseCounts{} : found->second;
}

void Causes::for_each_group(
    const std::function<void(std::string_view group, const CauseCounts&)>& visit) const {
  std::vector<std::pair<std::string, CauseCounts>> copy;
  {
    MutexLock lock(mutex_);
    copy.assign(groups_.begin(), groups_.end());
  }
  for (const auto& [group, counts] : copy) visit(group, counts);
}

std::vector<Causes::Event> Causes::recent(std::string_view group) const {
  std::vector<Event> events;
  MutexLock lock(mutex_);
  for (auto event = recent_.rbegin(); event != recent_.rend(); ++event)
    if (event->group == group) events.push_back(*event);
  return events;
}

}  // namespace oncemq::broker
