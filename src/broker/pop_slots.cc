#include "broker/pop_slots.h"

#include "broker/pair_key.h"

namespace oncemq::broker {

namespace {
constexpr char kSeparator = '@';
constexpr std::string_view kFull = "as many queues are popped as may be";
}  // namespace

PopParty* PopSlots::find(std::string_view group, std::string_view topic) const {
  const PairKey key(topic, kSeparator, group);
  ReadLock lock(mutex_);
  auto found = parties_.find(key.view());
  return found == parties_.end() ? nullptr : found->second.get();
}

PopSlot* PopSlots::find(std::string_view group, std::string_view topic,
                        std::int32_t queue_id) const {
  PopParty* party = find(group, topic);
  if (party == nullptr) return nullptr;
  MutexLock lock(party->mutex);
  auto found = party->slots.find(queue_id);
  return found == party->slots.end() ? nullptr : found->second.get();
}

Result<PopParty*> PopSlots::party(std::string_view group, std::string_view topic) {
  if (PopParty* known = find(group, topic); known != nullptr) return known;
  const PairKey key(topic, kSeparator, group);
  WriteLock lock(mutex_);
  if (parties_.size() >= kSlotsMax) return fail(Errc::kBusy, std::string(kFull));
  auto& place = parties_[std::string(key.view())];
  if (place == nullptr) place = std::make_unique<PopParty>(group, topic);
  return place.get();
}

Result<PopSlot*> PopSlots::slot(PopParty& party, store::ConsumeQueue& queue) {
  MutexLock lock(party.mutex);
  auto found = party.slots.find(queue.queue_id());
  if (found != party.slots.end()) return found->second.get();
  if (slots_.load(std::memory_order_relaxed) >= kSlotsMax)
    return fail(Errc::kBusy, std::string(kFull));
  slots_.fetch_add(1, std::memory_order_relaxed);
  return party.slots.emplace(queue.queue_id(), std::make_unique<PopSlot>(party, queue))
      .first->second.get();
}

std::vector<PopSlot*> PopSlots::of(const PopParty& party) {
  std::vector<PopSlot*> slots;
  MutexLock lock(party.mutex);
  for (const auto& [queue_id, slot] : party.slots) slots.push_back(slot.get());
  return slots;
}

std::vector<PopSlot*> PopSlots::all() const {
  std::vector<PopSlot*> slots;
  for (const PopParty* party : parties_if([](const PopParty&) { return true; }))
    for (PopSlot* slot : of(*party)) slots.push_back(slot);
  return slots;
}

std::vector<PopParty*> PopSlots::parties_if(
    const std::function<bool(const PopParty&)>& wanted) const {
  std::vector<PopParty*> found;
  ReadLock lock(mutex_);
  for (const auto& [key, party] : parties_)
    if (wanted(*party)) found.push_back(party.get());
  return found;
}

void PopSlots::look_at(PopSlot& slot, std::int64_t due_ms) {
  if (due_ms >= slot.due_ms) return;
  MutexLock lock(due_mutex_);
  due_.erase({slot.due_ms, &slot});
  slot.due_ms = due_ms;
  due_.emplace(due_ms, &slot);
}

PopSlot* PopSlots::take_due(std::int64_t now_ms) {
  MutexLock lock(due_mutex_);
  if (due_.empty() || due_.begin()->first > now_ms) return nullptr;
  PopSlot* slot = due_.begin()->second;
  due_.erase(due_.begin());
  return slot;
}

std::int64_t PopSlots::next_due() const {
  MutexLock lock(due_mutex_);
  return due_.empty() ? kNever : due_.begin()->first;
}

}  // namespace oncemq::broker
