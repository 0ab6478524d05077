#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "broker/ids.h"
#include "broker/options.h"
#include "broker/parked_pulls.h"
#include "os/clock.h"
#include "store/consume_queue.h"

namespace oncemq::broker {

// Pops and notifications that found nothing and wait. A waiter belongs to a *party* - a group at a
// topic - and looks at some queues; of a party one waiter is woken at a time, the oldest, and it
// wakes the next when it leaves something behind. Bounds: Options::parked_pulls_max waiters, and
// kLooksMax of their looks at queues together (about 100 bytes each, so 100 MB). Thread rule:
// monitor.
class ParkedPops {
 public:
  static constexpr std::size_t kLooksMax = 1'000'000;
  using Party = std::uint64_t;  // PopParty::id

  ParkedPops(const Options& options, os::Clock& clock);
  ~ParkedPops();

  struct Request {
    Party party = 0;
    std::vector<store::ConsumeQueue*> queues;
    std::int64_t timeout_ms = 0;
    ChannelId channel{};
  };
  // Takes the waiter and returns its number, or 0 at a bound (the waiter stays with the caller).
  // The caller then looks once more, because what came before was not reported, and takes the
  // waiter back if there is something.
  std::uint64_t park(const Request& request, std::unique_ptr<PullWaiter>& waiter);
  // Null when it was woken meanwhile.
  std::unique_ptr<PullWaiter> take_back(std::uint64_t id);

  // From the store's commit listener.
  void arrived(std::span<store::ConsumeQueue* const> queues);
  // There is something for the party in the queue. False: nobody of it waits there.
  bool wake(Party party, const store::ConsumeQueue& queue);
  // Wakes what is due; the next deadline (monotonic ms), or INT64_MAX.
  std::int64_t expire();
  void close(ChannelId channel);
  // Wakes all with kDeadline and takes no more.
  void stop();
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  // As if each waited alone on its queues and channel.
  std::size_t memory_bytes() const;
  // Waiters that look at the queue.
  std::size_t count(Party party, const store::ConsumeQueue& queue) const;

 private:
  struct Row {
    Request request;
    std::int64_t deadline_ms = 0;
    std::unique_ptr<PullWaiter> waiter;
  };
  using Waiting = std::map<Party, std::set<std::uint64_t>>;

  std::unique_ptr<PullWaiter> take(std::uint64_t id) ONCE_REQUIRES(mutex_);

  const Options& options_;
  os::Clock& clock_;
  std::atomic<std::size_t> size_{0};
  mutable Mutex mutex_;
  std::unordered_map<std::uint64_t, Row> rows_ ONCE_GUARDED_BY(mutex_);
  std::unordered_map<const store::ConsumeQueue*, Waiting> by_queue_ ONCE_GUARDED_BY(mutex_);
  std::set<std::pair<std::int64_t, std::uint64_t>> by_deadline_ ONCE_GUARDED_BY(mutex_);
  std::unordered_map<ChannelId, std::set<std::uint64_t>> by_channel_ ONCE_GUARDED_BY(mutex_);
  std::size_t looks_ ONCE_GUARDED_BY(mutex_) = 0;
  std::uint64_t next_id_ ONCE_GUARDED_BY(mutex_) = 1;
  bool stopped_ ONCE_GUARDED_BY(mutex_) = false;
};

}  // namespace oncemq::broker
