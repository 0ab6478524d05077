#include <algorithm>
#include <utility>

#include "broker/popper.h"

namespace oncemq::broker {

namespace {

Status check_place(const TopicTable& topics, const PopHandle& handle) {
  const TopicEntry* topic = topics.find(handle.topic);
  if (topic == nullptr)
    return fail(Errc::kTopicNotFound, "topic " + std::string(handle.topic) + " does not exist");
  if (handle.queue_id < 0 || handle.queue_id >= topic->read_queues())
    return fail(Errc::kInvalidArgument, "topic " + std::string(handle.topic) + " has no queue " +
                                            std::to_string(handle.queue_id));
  const store::ConsumeQueue* queue = topic->queue(handle.queue_id);
  if (handle.offset < queue->min() || handle.offset >= queue->max())
    return fail(Errc::kMessageNotFound, "there is no message at offset " +
                                            std::to_string(handle.offset.value) + " of the queue");
  return {};
}

tl::unexpected<PopRefusal> stale() {
  return tl::unexpected<PopRefusal>(PopRefusal{
      {Errc::kInvalidArgument, "the handle is stale: this delivery is over, nothing was changed"},
      true});
}
tl::unexpected<PopRefusal> refuse(Error error) {
  return tl::unexpected<PopRefusal>(PopRefusal{std::move(error), false});
}
tl::unexpected<PopRefusal> refuse(Errc code, std::string message) {
  return refuse(Error{code, std::move(message)});
}

}  // namespace

void Popper::tell(const PopHandle& handle, DeliveryStep step, const PopRefusal* refusal) const {
  if (refusal != nullptr && !refusal->stale) return;
  stats_.ledger().add({.queue = DeliveryLedger::queue_key(handle.topic, handle.queue_id),
                       .group = DeliveryLedger::group_key(handle.group),
                       .from = handle.offset.value,
                       .token = handle.token,
                       .channel = handle.channel,
                       .step = refusal == nullptr ? step : DeliveryStep::kStale});
}

tl::expected<std::uint64_t, PopRefusal> Popper::ack(const PopHandle& handle) {
  auto done = end(handle);
  tell(handle, DeliveryStep::kAcked, done.has_value() ? nullptr : &done.error());
  return done;
}

tl::expected<PopChanged, PopRefusal> Popper::change(const PopHandle& handle,
                                                    std::int64_t invisible_ms) {
  auto done = extend(handle, invisible_ms);
  tell(handle, DeliveryStep::kChanged, done.has_value() ? nullptr : &done.error());
  return done;
}

tl::expected<std::uint64_t, PopRefusal> Popper::end(const PopHandle& handle) {
  if (Status place = check_place(topics_, handle); !place.has_value())
    return refuse(std::move(place.error()));
  if (!log_.accepting()) return refuse(Errc::kNotWritable, "the store takes nothing at the moment");
  const PopSlots::SlotRef slot = slots_.find(handle.group, handle.topic, handle.queue_id);
  if (slot == nullptr) return stale();
  std::uint64_t number = 0;
  bool freed = false;
  {
    MutexLock lock(slot->mutex);
    if (slot->removed) return stale();
    if (slot->queue.ack(handle.offset, handle.token) == HandleVerdict::kStale) return stale();
    // Repeated: the first one may be on its way, so this one waits for the log as well.
    PopOperation done{.kind = PopOperation::Kind::kDone, .rows = {{handle.offset, 0}}};
    number = stage(*slot, done);
    changed(*slot);
    freed = !slot->queue.blocked() && slot->queue.next() < slot->messages.max();
  }
  // The last ack of an ordered queue lets the next ones through.
  if (freed) parked_.wake(slot->party->wakes.load(std::memory_order_relaxed), slot->messages);
  return number;
}

tl::expected<PopChanged, PopRefusal> Popper::extend(const PopHandle& handle,
                                                    std::int64_t invisible_ms) {
  if (Status place = check_place(topics_, handle); !place.has_value())
    return refuse(std::move(place.error()));
  if (invisible_ms < 0 || invisible_ms > kInvisibleMaxMs)
    return refuse(Errc::kInvalidArgument, "the invisible time must be between 0 and 3 days");
  if (!log_.accepting()) return refuse(Errc::kNotWritable, "the store takes nothing at the moment");
  const PopSlots::SlotRef slot = slots_.find(handle.group, handle.topic, handle.queue_id);
  if (slot == nullptr) return stale();
  PopChanged result;
  {
    MutexLock lock(slot->mutex);
    if (slot->removed) return stale();
    result.pop_time = new_token(0);
    if (slot->queue.change(handle.offset, handle.token, result.pop_time,
                           invisible_ms == 0 ? clock_.monotonic_ms() : begin_ms(),
                           invisible_ms) == HandleVerdict::kStale)
      return stale();
    PopOperation change{.kind = PopOperation::Kind::kChange,
                        .token = result.pop_time,
                        .invisible_ms = invisible_ms,
                        .rows = {{handle.offset, 0}}};
    result.operation = stage(*slot, change);
    changed(*slot);
  }
  return result;
}

// ---- acks of a transaction

tl::expected<Popper::Decided, PopRefusal> Popper::decide(const PopHandle& handle) {
  if (Status place = check_place(topics_, handle); !place.has_value())
    return refuse(std::move(place.error()));
  Decided decided{slots_.find(handle.group, handle.topic, handle.queue_id), handle.offset,
                  handle.token};
  bool accepted = false;
  if (decided.slot != nullptr) {
    MutexLock lock(decided.slot->mutex);
    accepted = !decided.slot->removed &&
               decided.slot->queue.decide(handle.offset, handle.token) == HandleVerdict::kAccepted;
  }
  if (accepted) return decided;
  auto refusal = stale();
  tell(handle, DeliveryStep::kAcked, &refusal.value());
  return refusal;
}

void Popper::undecide(const Decided& decided) {
  MutexLock lock(decided.slot->mutex);
  if (decided.slot->removed) return;
  decided.slot->queue.undecide(decided.offset, decided.token);
  changed(*decided.slot);
}

void Popper::confirm(const Decided& decided, const PopHandle& handle) {
  tell(handle, DeliveryStep::kAcked, nullptr);
  PopSlot& slot = *decided.slot;
  bool freed = false;
  {
    MutexLock lock(slot.mutex);
    freed = !slot.removed && !slot.queue.blocked() && slot.queue.next() < slot.messages.max();
  }
  if (freed) parked_.wake(slot.party->wakes.load(std::memory_order_relaxed), slot.messages);
}

void Popper::settle(const Decided& decided) {
  MutexLock lock(decided.slot->mutex);
  if (decided.slot->removed) return;
  decided.slot->queue.settle(decided.offset, decided.token);
  changed(*decided.slot);
}

void Popper::settle(const PopHandle& handle) {
  if (auto slot = slots_.find(handle.group, handle.topic, handle.queue_id))
    settle(Decided{std::move(slot), handle.offset, handle.token});
}

}  // namespace oncemq::broker
