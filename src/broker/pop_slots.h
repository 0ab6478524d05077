#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/heap_bytes.h"
#include "base/mutex.h"
#include "base/result.h"
#include "broker/ids.h"
#include "broker/pop_queue.h"
#include "store/consume_queue.h"

namespace oncemq::broker {

struct PopParty;

// One (group, topic, queue) that is popped. Shared: whoever works on it without the table's lock
// keeps it until he is done, also when group or topic is deleted meanwhile; so whoever takes the
// lock looks at `removed` first. Thread rule: monitor.
struct PopSlot : std::enable_shared_from_this<PopSlot> {
  // Handles up to `fence` are of slots before this one.
  PopSlot(std::shared_ptr<PopParty> of, store::ConsumeQueue& rows_of, std::int64_t fence)
      : party(std::move(of)), messages(rows_of), queue({}, fence) {}

  const std::shared_ptr<PopParty> party;
  store::ConsumeQueue& messages;
  std::atomic<bool> live{false};  // set under the lock; false: nothing known yet

  Mutex mutex;
  bool removed ONCE_GUARDED_BY(mutex) = false;  // for good: the rows belong to nobody any more
  PopQueue queue ONCE_GUARDED_BY(mutex);
  std::int64_t written ONCE_GUARDED_BY(mutex) = -1;  // the group's offset as we stored it last
  std::size_t counted ONCE_GUARDED_BY(mutex) = 0;    // our share of all rows
  std::size_t bytes ONCE_GUARDED_BY(mutex) = 0;      // and of their memory
  bool restored ONCE_GUARDED_BY(mutex) = false;      // has rows that a former process made
  // When the service thread will look at it; never later than the first due time.
  std::int64_t due_ms ONCE_GUARDED_BY(mutex) = std::numeric_limits<std::int64_t>::max();
};

// A group at a topic. Shared like its slots; who is removed from the table gets no slots any more.
// `wakes`: the party whose waiters a message here concerns - for a retry topic that of the topic
// itself.
struct PopParty {
  PopParty(std::uint64_t number, std::string_view group_name, std::string_view topic_name)
      : id(number), group(group_name), topic(topic_name), wakes(number) {}

  const std::uint64_t id;  // from 1 on; a party made again has another
  const std::string group;
  const std::string topic;
  std::atomic<std::uint64_t> wakes;
  std::atomic<std::uint32_t> turn{0};  // which queue is first in the next pop

  mutable Mutex mutex;
  bool removed ONCE_GUARDED_BY(mutex) = false;
  std::map<std::int32_t, std::shared_ptr<PopSlot>> slots ONCE_GUARDED_BY(mutex);
};

// All parties and slots, and when the service thread has to look at which slot. They go with their
// group or topic. Thread rule: monitor.
class PopSlots {
 public:
  using PartyRef = std::shared_ptr<PopParty>;
  using SlotRef = std::shared_ptr<PopSlot>;
  using Wanted = std::function<bool(const PopParty&)>;

  // Parties too; kSlotBytes (1.2 KB) and kPartyBytes (0.5 KB) each, 330 MB.
  static constexpr std::size_t kSlotsMax = 200'000;
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  PopSlots() = default;
  ~PopSlots();

  PartyRef find(std::string_view group, std::string_view topic) const;
  SlotRef find(std::string_view group, std::string_view topic, std::int32_t queue_id) const;
  // Makes what is not there; a party only while `alive` says so, which is asked under the lock: who
  // says that a group is gone *before* it takes the group's parties out leaves none behind.
  // kGroupNotFound (not alive), kBusy (bound, or just being removed).
  Result<PartyRef> party(std::string_view group, std::string_view topic,
                         const std::function<bool()>& alive);
  Result<SlotRef> slot(const PartyRef& party, store::ConsumeQueue& queue, std::int64_t fence);

  static std::vector<SlotRef> of(const PopParty& party);
  std::vector<SlotRef> all() const;
  std::vector<PartyRef> parties_if(const Wanted& wanted) const;
  std::size_t slots() const { return slots_.load(std::memory_order_relaxed); }
  std::size_t parties() const;
  // Without the rows.
  std::size_t memory_bytes() const { return slots() * kSlotBytes + parties() * kPartyBytes; }

  // Removing has three steps, so that what is made again under the same name comes later than all
  // that the old one did: the party gives its slots away and makes no others (nothing: somebody
  // else is removing it); the caller ends each of them under its lock; the name is free again.
  static std::optional<std::vector<SlotRef>> take_slots(PopParty& party);
  void end(PopSlot& slot) ONCE_REQUIRES(slot.mutex);
  void erase(const PartyRef& party);
  // One slot that was ended, and its party when it was the last.
  void erase(const SlotRef& slot);

  // The service thread looks at the slot at `due_ms` (monotonic) or, if that was said before,
  // earlier; never at one that was ended.
  void look_at(PopSlot& slot, std::int64_t due_ms) ONCE_REQUIRES(slot.mutex);
  // A slot whose time has come; its due_ms is for the caller to set to kNever. Null: none.
  SlotRef take_due(std::int64_t now_ms);
  std::int64_t next_due() const;

 private:
  using Parties = std::unordered_map<std::string, PartyRef, TextHash, std::equal_to<>>;
  using Due = std::set<std::pair<std::int64_t, SlotRef>>;

  // An empty std::deque of PopQueue has its map and its first block.
  static constexpr std::size_t kSlotBytes =
      heap_bytes(sizeof(PopSlot) + kSharedBytes) + heap_bytes(64) + heap_bytes(512) +
      kTreeNodeBytes<decltype(PopParty::slots)> + kTreeNodeBytes<Due>;
  static constexpr std::size_t kPartyBytes =
      heap_bytes(sizeof(PopParty) + kSharedBytes) + kHashNodeBytes<Parties> + 3 * kNameHeapBytes;
  static_assert((kSlotBytes + kPartyBytes) * kSlotsMax < 340'000'000);

  mutable SharedMutex mutex_;
  Parties parties_ ONCE_GUARDED_BY(mutex_);
  std::uint64_t next_id_ ONCE_GUARDED_BY(mutex_) = 1;
  std::atomic<std::size_t> slots_{0};

  mutable Mutex due_mutex_;
  Due due_ ONCE_GUARDED_BY(due_mutex_);  // a row per slot
};

}  // namespace oncemq::broker
