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

#include "base/mutex.h"
#include "base/result.h"
#include "broker/ids.h"
#include "broker/pop_queue.h"
#include "store/consume_queue.h"

namespace oncemq::broker {

struct PopParty;

// One (group, topic, queue) that is popped. Thread rule: monitor.
struct PopSlot {
  PopSlot(PopParty& of, store::ConsumeQueue& rows_of) : party(of), messages(rows_of) {}

  PopParty& party;
  store::ConsumeQueue& messages;
  std::atomic<bool> live{false};  // set under the lock; false: nothing known yet, or forgotten

  Mutex mutex;
  PopQueue queue ONCE_GUARDED_BY(mutex);
  std::int64_t written ONCE_GUARDED_BY(mutex) = -1;  // the group's offset as we stored it last
  std::size_t counted ONCE_GUARDED_BY(mutex) = 0;    // our share of all rows
  bool restored ONCE_GUARDED_BY(mutex) = false;      // has rows that a former process made
  // When the service thread will look at it; never later than the first due time.
  std::int64_t due_ms ONCE_GUARDED_BY(mutex) = std::numeric_limits<std::int64_t>::max();
};

// A group at a topic. `wakes`: whose waiters a message here concerns - for a retry topic the party
// of the topic itself.
struct PopParty {
  PopParty(std::string_view group_name, std::string_view topic_name)
      : group(group_name), topic(topic_name), wakes(this) {}

  const std::string group;
  const std::string topic;
  std::atomic<PopParty*> wakes;
  std::atomic<std::uint32_t> turn{0};  // which queue is first in the next pop

  mutable Mutex mutex;
  std::map<std::int32_t, std::unique_ptr<PopSlot>> slots ONCE_GUARDED_BY(mutex);
};

// All parties and slots, and when the service thread has to look at which slot. Nothing is freed
// before the table, so pointers stay good; a group that is deleted and made again gets its old
// place. Thread rule: monitor.
class PopSlots {
 public:
  static constexpr std::size_t kSlotsMax = 200'000;  // parties too; about 600 bytes each, 120 MB
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  PopParty* find(std::string_view group, std::string_view topic) const;
  PopSlot* find(std::string_view group, std::string_view topic, std::int32_t queue_id) const;
  // Makes what is not there. kBusy.
  Result<PopParty*> party(std::string_view group, std::string_view topic);
  Result<PopSlot*> slot(PopParty& party, store::ConsumeQueue& queue);

  static std::vector<PopSlot*> of(const PopParty& party);
  std::vector<PopSlot*> all() const;
  std::vector<PopParty*> parties_if(const std::function<bool(const PopParty&)>& wanted) const;

  // The service thread looks at the slot at `due_ms` (monotonic) or, if that was said before,
  // earlier.
  void look_at(PopSlot& slot, std::int64_t due_ms) ONCE_REQUIRES(slot.mutex);
  // A slot whose time has come; its due_ms is for the caller to set to kNever. Null: none.
  PopSlot* take_due(std::int64_t now_ms);
  std::int64_t next_due() const;

 private:
  mutable SharedMutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<PopParty>, TextHash, std::equal_to<>> parties_
      ONCE_GUARDED_BY(mutex_);
  std::atomic<std::size_t> slots_{0};

  mutable Mutex due_mutex_;
  std::set<std::pair<std::int64_t, PopSlot*>> due_ ONCE_GUARDED_BY(due_mutex_);  // a row per slot
};

}  // namespace oncemq::broker
