#include <algorithm>
#include <utility>

#include "broker/pop_rewrite.h"
#include "broker/popper.h"

// What a pop would get, without taking it, and who waits for it.
namespace oncemq::broker {

std::int64_t Popper::left(PopSlot& slot, const PopQueue::Taking& taking) {
  const model::QueueOffset max = slot.messages.max();
  MutexLock lock(slot.mutex);
  if (slot.removed) return 0;
  // A blocked queue has nothing for anybody: counting it would wake waiters for nothing (#8592).
  if (taking.order && slot.queue.blocked() && !slot.queue.has_ready(taking)) return 0;
  const std::int64_t fresh = std::max<std::int64_t>(0, max.value - slot.queue.next().value);
  return fresh + (slot.queue.has_ready(taking) ? static_cast<std::int64_t>(slot.queue.ready()) : 0);
}

Result<bool> Popper::visible(const PopRequest& request) {
  auto scope = check(request);
  if (!scope.has_value()) return fail(std::move(scope.error()));
  const PopQueue::Taking taking{.ripe_ms = clock_.monotonic_ms(),
                                .deliveries_max = scope->deliveries_max,
                                .order = request.order,
                                .attempt_id = request.attempt_id};
  for (const Scope::Target& target : scope->targets) {
    PopSlot& slot = *target.slot;
    const model::QueueOffset max = slot.messages.max();
    if (!slot.live.load(std::memory_order_acquire)) {
      if (first_offset(slot, request, target.source != PopSource::kTopic) < max) return true;
      continue;
    }
    MutexLock lock(slot.mutex);
    if (slot.removed) continue;
    slot.queue.ripen(taking.ripe_ms);
    if (slot.queue.has_ready(taking)) return true;
    if (slot.queue.next() < max && may_read(slot, taking)) return true;
  }
  return false;
}

Result<PopResult> Popper::peek(const PopRequest& request) {
  auto scope = check(request);
  if (!scope.has_value()) return fail(std::move(scope.error()));
  PopResult result;
  for (const Scope::Target& target : scope->targets) {
    if (target.source != PopSource::kTopic) continue;
    PopSlot& slot = *target.slot;
    model::QueueOffset next;
    if (slot.live.load(std::memory_order_acquire)) {
      MutexLock lock(slot.mutex);
      next = slot.queue.next();
    } else {
      next = first_offset(slot, request, false);
    }
    const std::int64_t rest = slot.messages.max().value - next.value;
    const std::size_t want = static_cast<std::size_t>(request.max_messages) - result.messages;
    if (want > 0 && rest > 0) {
      store::ReadResult read = store_.read({.queue = &slot.messages,
                                            .offset = next,
                                            .max_messages = static_cast<std::int32_t>(want)});
      PopResult::Part part{PopSource::kTopic, slot.messages.queue_id(), {}};
      for (model::QueueOffset offset : pop_offsets(read)) part.messages.push_back({offset, 1});
      result.messages += part.messages.size();
      if (!part.messages.empty()) result.parts.push_back(std::move(part));
      for (store::LogSpan& span : read.spans) result.spans.push_back(std::move(span));
    }
    result.rest += std::max<std::int64_t>(0, rest);
  }
  result.rest -= static_cast<std::int64_t>(result.messages);
  return result;
}

std::optional<Popper::Position> Popper::position(std::string_view group, std::string_view topic,
                                                 std::int32_t queue_id) const {
  const PopSlots::SlotRef slot = slots_.find(group, topic, queue_id);
  if (slot == nullptr || !slot->live.load(std::memory_order_acquire)) return std::nullopt;
  MutexLock lock(slot->mutex);
  if (slot->removed) return std::nullopt;
  return Position{slot->queue.next(), slot->queue.rows() - slot->queue.decided()};
}

// ---- waiting

ParkOutcome Popper::park(const PopRequest& request, std::int64_t timeout_ms, ChannelId channel,
                         std::unique_ptr<PullWaiter>& waiter) {
  auto scope = check(request);
  if (!scope.has_value()) return ParkOutcome::kArrived;  // pop() will say why
  ParkedPops::Request parked{
      .party = scope->party->id, .timeout_ms = timeout_ms, .channel = channel};
  for (const Scope::Target& target : scope->targets)
    parked.queues.push_back(&target.slot->messages);
  const std::uint64_t id = parked_.park(parked, waiter);
  if (id == 0) return ParkOutcome::kFull;
  const auto there = visible(request);
  if (there.has_value() && !*there) return ParkOutcome::kParked;
  waiter = parked_.take_back(id);
  return waiter == nullptr ? ParkOutcome::kParked : ParkOutcome::kArrived;
}

void Popper::pass_on(const PopRequest& request) {
  if (parked_.size() == 0) return;
  const PopSlots::PartyRef party = slots_.find(request.group, request.topic);
  if (party == nullptr) return;
  for (const PopSlots::SlotRef& slot : PopSlots::of(*party)) {
    bool more = false;
    {
      MutexLock lock(slot->mutex);
      more = !slot->removed && slot->live.load(std::memory_order_relaxed) &&
             (slot->queue.next() < slot->messages.max() || slot->queue.ready() > 0);
    }
    if (!more) continue;
    parked_.wake(party->id, slot->messages);
    return;
  }
}

std::size_t Popper::parked(std::string_view group, std::string_view topic,
                           std::int32_t queue_id) const {
  const PopSlots::PartyRef party = slots_.find(group, topic);
  const TopicEntry* entry = topics_.find(topic);
  if (party == nullptr || entry == nullptr) return 0;
  // A waiter for any queue looks at all of them.
  store::ConsumeQueue* queue = entry->queue(std::max(queue_id, 0));
  return queue == nullptr ? 0 : parked_.count(party->id, *queue);
}

}  // namespace oncemq::broker
