#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
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
  kSendRepeated,         // a producer's client stored it twice; counted by topic, not by group
};
inline constexpr std::size_t kCauseCount = 7;
std::string_view cause_name(Cause cause);      // "consumer_asked"
std::string_view cause_sentence(Cause cause);  // for the person who asks why

using CauseCounts = std::array<std::uint64_t, kCauseCount>;  // by Cause

// What happened once: `messages` of a queue, from `offset` on.
struct Redelivery {
  Cause cause = Cause::kConsumerAsked;
  std::string_view group;  // empty: all that read the topic
  std::string_view topic;
  std::int32_t queue_id = 0;
  std::int64_t offset = 0;  // -1: not in its queue yet
  std::uint64_t messages = 1;
};

// Every redelivery, counted by cause, group and topic, and the latest ones themselves. A repeated
// send is one of its topic: the groups that read it are given both. Bounds: kPairsMax pairs of
// group and topic and as many topics (about 250 bytes each: 50 MB), what comes later is counted
// without its name; kRecent events of groups and of topics (about 200 bytes each: 400 KB). Thread
// rule: monitor.
class Causes {
 public:
  static constexpr std::size_t kPairsMax = 100'000;
  static constexpr std::size_t kRecent = 1'000;
  using Topics = std::span<const std::string>;

  explicit Causes(const os::Clock& clock) : clock_(clock) {}

  void count(const Redelivery& redelivery);

  CauseCounts totals() const;
  // Of the group, and the repeated sends to the topics that it reads.
  CauseCounts of_group(std::string_view group, Topics topics = {}) const;
  void for_each_group(
      const std::function<void(std::string_view group, const CauseCounts&)>& visit) const;
  // Of each topic and group; a group without a name: sends.
  void for_each(const std::function<void(std::string_view topic, std::string_view group,
                                         const CauseCounts&)>& visit) const;

  struct Event {
    std::int64_t at_ms = 0;  // wall clock
    Cause cause = Cause::kConsumerAsked;
    std::string group;
    std::string topic;
    std::int32_t queue_id = 0;
    std::int64_t offset = 0;
    std::uint64_t messages = 0;
  };
  // Newest first; as of_group().
  std::vector<Event> recent(std::string_view group, Topics topics = {}) const;
  // Of all, newest first.
  std::vector<Event> recent() const;

 private:
  template <class Value>
  using Table = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;
  using Topicwise = std::map<std::string, CauseCounts, std::less<>>;
  static CauseCounts sum_of(const Topicwise& topics);
  void count_named(const Redelivery& redelivery) ONCE_REQUIRES(mutex_);

  const os::Clock& clock_;
  mutable Mutex mutex_;
  CauseCounts totals_ ONCE_GUARDED_BY(mutex_){};
  Table<Topicwise> groups_ ONCE_GUARDED_BY(mutex_);
  std::size_t pairs_ ONCE_GUARDED_BY(mutex_) = 0;
  Table<std::uint64_t> repeated_sends_ ONCE_GUARDED_BY(mutex_);  // by topic
  // Apart, so that a producer that repeats itself does not push the others out.
  std::deque<Event> recent_ ONCE_GUARDED_BY(mutex_);
  std::deque<Event> recent_sends_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
