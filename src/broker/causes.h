#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "broker/ids.h"
#include "os/clock.h"

namespace oncemq::broker {

// Why a message was given to a group again.
enum class Cause : std::uint8_t {
  kConsumerAsked,        // a consumer sent it back (request 36, or a send to the retry topic)
  kInvisibleTimePassed,  // taken with POP and neither acked nor extended in time
  kQueueMoved,           // another consumer took the queue over and began at the stored offset
  kOffsetBack,           // the offset went back: a reset, or the consumer asked from an older one
  kBrokerRestart,        // after a restart the group began before where it had been
  kReplayed,             // an operator sent a dead letter back to the group
};
inline constexpr std::size_t kCauseCount = 6;
std::string_view cause_name(Cause cause);      // "consumer_asked"
std::string_view cause_sentence(Cause cause);  // for the person who asks why

using CauseCounts = std::array<std::uint64_t, kCauseCount>;  // by Cause

// What happened once: `messages` of a queue, from `offset` on.
struct Redelivery {
  Cause cause = Cause::kConsumerAsked;
  std::string_view group;
  std::string_view topic;
  std::int32_t queue_id = 0;
  std::int64_t offset = 0;
  std::uint64_t messages = 1;
};

// Every redelivery, counted by cause and group, and the latest ones themselves. Bounds: kGroupsMax
// groups (about 150 bytes each: 15 MB), what comes later is counted without its group; kRecent
// events (about 200 bytes each: 200 KB). Thread rule: monitor.
class Causes {
 public:
  static constexpr std::size_t kGroupsMax = 100'000;
  static constexpr std::size_t kRecent = 1'000;

  explicit Causes(const os::Clock& clock) : clock_(clock) {}

  void count(const Redelivery& redelivery);

  CauseCounts totals() const;
  CauseCounts of_group(std::string_view group) const;
  void for_each_group(
      const std::function<void(std::string_view group, const CauseCounts&)>& visit) const;

  struct Event {
    std::int64_t at_ms = 0;  // wall clock
    Cause cause = Cause::kConsumerAsked;
    std::string group;
    std::string topic;
    std::int32_t queue_id = 0;
    std::int64_t offset = 0;
    std::uint64_t messages = 0;
  };
  // Newest first.
  std::vector<Event> recent(std::string_view group) const;

 private:
  const os::Clock& clock_;
  mutable Mutex mutex_;
  CauseCounts totals_ ONCE_GUARDED_BY(mutex_){};
  std::unordered_map<std::string, CauseCounts, TextHash, std::equal_to<>> groups_
      ONCE_GUARDED_BY(mutex_);
  std::deque<Event> recent_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
