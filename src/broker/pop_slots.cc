#include "broker/pop_slots.h"

#include "broker/pair_key.h"

namespace oncemq::broker {

namespace {
constexpr char kSeparator = '@';
constexpr std::string_view kFull = "as many queues are popped as may be";
constexpr std::string_view kGoing = "group or topic is being deleted";
}  // namespace

// Slots and party know each other.
PopSlots::~PopSlots() {
  for (const PartyRef& party : parties_if([](const PopParty&) { return true; }))
    (void)take_slots(*party);
}

PopSlots::PartyRef PopSlots::find(std::string_view group, std::string_view topic) const {
  const PairKey key(topic, kSeparator, group);
  ReadLock lock(mutex_);
  auto found = parties_.find(key.view());
  return found == parties_.end() ? nullptr : found->second;
}

PopSlots::SlotRef PopSlots::find(std::string_view group, std::string_view topic,
                                 std::int32_t queue_id) const {
  const PartyRef party = find(group, topic);
  if (party == nullptr) return nullptr;
  MutexLock lock(party->mutex);
  auto found = party->slots.find(queue_id);
  return found == party->slots.end() ? nullptr : found->second;
}

Result<PopSlots::PartyRef> PopSlots::party(std::string_view group, std::string_view topic,
                                           const std::function<bool()>& alive) {
  if (PartyRef known = find(group, topic); known != nullptr) return known;
  const PairKey key(topic, kSeparator, group);
  WriteLock lock(mutex_);
  if (!alive()) return fail(Errc::kGroupNotFound, std::string(kGoing));
  if (parties_.size() >= kSlotsMax) return fail(Errc::kBusy, std::string(kFull));
  PartyRef& place = parties_[std::string(key.view())];
  if (place == nullptr) place = std::make_shared<PopParty>(next_id_++, group, topic);
  return place;
}

Result<PopSlots::SlotRef> PopSlots::slot(const PartyRef& party, store::ConsumeQueue& queue,
                                         std::int64_t fence) {
  MutexLock lock(party->mutex);
  if (party->removed) return fail(Errc::kBusy, std::string(kGoing));
  auto found = party->slots.find(queue.queue_id());
  if (found != party->slots.end()) return found->second;
  if (slots_.load(std::memory_order_relaxed) >= kSlotsMax)
    return fail(Errc::kBusy, std::string(kFull));
  slots_.fetch_add(1, std::memory_order_relaxed);
  return party->slots.emplace(queue.queue_id(), std::make_shared<PopSlot>(party, queue, fence))
      .first->second;
}

std::vector<PopSlots::SlotRef> PopSlots::of(const PopParty& party) {
  std::vector<SlotRef> slots;
  MutexLock lock(party.mutex);
  for (const auto& [queue_id, slot] : party.slots) slots.push_back(slot);
  return slots;
}

std::vector<PopSlots::SlotRef> PopSlots::all() const {
  std::vector<SlotRef> slots;
  for (const PartyRef& party : parties_if([](const PopParty&) { return true; }))
    for (SlotRef& slot : of(*party)) slots.push_back(std::move(slot));
  return slots;
}

std::vector<PopSlots::PartyRef> PopSlots::parties_if(const Wanted& wanted) const {
  std::vector<PartyRef> found;
  ReadLock lock(mutex_);
  for (const auto& [key, party] : parties_)
    if (wanted(*party)) found.push_back(party);
  return found;
}

std::size_t PopSlots::parties() const {
  ReadLock lock(mutex_);
  return parties_.size();
}

std::optional<std::vector<PopSlots::SlotRef>> PopSlots::take_slots(PopParty& party) {
  std::vector<SlotRef> slots;
  MutexLock lock(party.mutex);
  if (party.removed) return std::nullopt;
  party.removed = true;
  for (auto& [queue_id, slot] : party.slots) slots.push_back(std::move(slot));
  party.slots.clear();
  return slots;
}

void PopSlots::end(PopSlot& slot) {
  if (slot.removed) return;
  slot.removed = true;
  slots_.fetch_sub(1, std::memory_order_relaxed);
  MutexLock lock(due_mutex_);
  due_.erase({slot.due_ms, slot.shared_from_this()});
}

void PopSlots::erase(const PartyRef& party) {
  const PairKey key(party->topic, kSeparator, party->group);
  WriteLock lock(mutex_);
  auto found = parties_.find(key.view());
  if (found != parties_.end() && found->second == party) parties_.erase(found);
}

void PopSlots::erase(const SlotRef& slot) {
  PopParty& party = *slot->party;
  {
    MutexLock lock(party.mutex);
    auto found = party.slots.find(slot->messages.queue_id());
    if (found != party.slots.end() && found->second == slot) party.slots.erase(found);
    if (!party.slots.empty() || party.removed) return;
    party.removed = true;
  }
  erase(slot->party);
}

void PopSlots::look_at(PopSlot& slot, std::int64_t due_ms) {
  if (due_ms >= slot.due_ms || slot.removed) return;
  SlotRef place = slot.shared_from_this();
  MutexLock lock(due_mutex_);
  due_.erase({slot.due_ms, place});
  slot.due_ms = due_ms;
  due_.emplace(due_ms, std::move(place));
}

PopSlots::SlotRef PopSlots::take_due(std::int64_t now_ms) {
  MutexLock lock(due_mutex_);
  if (due_.empty() || due_.begin()->first > now_ms) return nullptr;
  SlotRef slot = due_.begin()->second;
  due_.erase(due_.begin());
  return slot;
}

std::int64_t PopSlots::next_due() const {
  MutexLock lock(due_mutex_);
  return due_.empty() ? kNever : due_.begin()->first;
}

}  // namespace oncemq::broker
