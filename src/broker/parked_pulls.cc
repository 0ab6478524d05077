#include "broker/parked_pulls.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/heap_bytes.h"

namespace oncemq::broker {

struct ParkedPulls::Parked {
  std::uint64_t id = 0;
  ParkRequest request;
  std::int64_t deadline_ms = 0;  // monotonic
  std::unique_ptr<PullWaiter> waiter;
};

// One lock's worth of queues. A row stands in three indexes: by id (owner), by queue, by deadline;
// and its channel counts it, so that a closing connection finds its own.
struct ParkedPulls::Shard {
  Mutex mutex;
  std::unordered_map<std::uint64_t, Parked> rows ONCE_GUARDED_BY(mutex);
  std::unordered_map<const store::ConsumeQueue*, std::vector<std::uint64_t>> by_queue
      ONCE_GUARDED_BY(mutex);
  std::unordered_map<ChannelId, std::vector<std::uint64_t>> by_channel ONCE_GUARDED_BY(mutex);
  std::set<std::pair<std::int64_t, std::uint64_t>> by_deadline ONCE_GUARDED_BY(mutex);
  std::uint64_t next_id ONCE_GUARDED_BY(mutex) = 1;

  // Takes the row out; null when somebody else already did.
  std::unique_ptr<PullWaiter> take(std::uint64_t id) ONCE_REQUIRES(mutex) {
    auto found = rows.find(id);
    if (found == rows.end()) return nullptr;
    Parked& row = found->second;
    auto queue = by_queue.find(row.request.queue);
    std::erase(queue->second, id);
    if (queue->second.empty()) {
      row.request.queue->set_watched(false);
      by_queue.erase(queue);
    }
    auto channel = by_channel.find(row.request.channel);
    std::erase(channel->second, id);
    if (channel->second.empty()) by_channel.erase(channel);
    by_deadline.erase({row.deadline_ms, id});
    std::unique_ptr<PullWaiter> waiter = std::move(row.waiter);
    rows.erase(found);
    return waiter;
  }
};

ParkedPulls::ParkedPulls(const Options& options, store::MessageStore& store, os::Clock& clock)
    : options_(options), store_(store), clock_(clock) {
  for (auto& shard : shards_) shard = std::make_unique<Shard>();
}

ParkedPulls::~ParkedPulls() = default;

std::size_t ParkedPulls::memory_bytes() const {
  constexpr std::size_t kIds = heap_bytes(sizeof(std::uint64_t));
  constexpr std::size_t kOne = kHashNodeBytes<decltype(Shard::rows)> +
                               kHashNodeBytes<decltype(Shard::by_queue)> + kIds +
                               kHashNodeBytes<decltype(Shard::by_channel)> + kIds +
                               kTreeNodeBytes<decltype(Shard::by_deadline)> + kWaiterBytes;
  return size() * kOne;
}

ParkedPulls::Shard& ParkedPulls::shard_of(const store::ConsumeQueue* queue) {
  // Objects are at least 16 bytes apart; the multiplication mixes the address into the top bits.
  const auto address = reinterpret_cast<std::uintptr_t>(queue) >> 4U;
  return *shards_[(address * 0x9E3779B97F4A7C15ULL) >> 60U];
}

ParkedPulls::Look ParkedPulls::look(const ParkRequest& request) {
  const model::QueueOffset end = request.queue->max();
  if (end <= request.offset) return {false, request.offset};
  if (request.subscription == nullptr || request.subscription->matches_all())
    return {true, request.offset};
  const model::Filter filter(*request.subscription);
  model::QueueOffset from = request.offset;
  std::size_t work = 0;
  // One read looks at a bounded number of entries, so several may be needed to reach the end.
  while (from < end) {
    const store::ReadResult read =
        store_.read({.queue = request.queue, .offset = from, .max_messages = 1, .filter = &filter});
    const bool skipped = read.status == store::ReadStatus::kNoMatched && read.next > from;
    // Whatever is neither a match nor a plain "no" (a hole, a removed record) is for the client.
    if (!skipped) return {read.status != store::ReadStatus::kOffsetAtEnd, from};
    from = read.next;
    // An expression that costs much is evaluated by the client's next pull, on its own time.
    work += read.filter.work;
    if (work >= store::kFilterWorkMax) return {true, from};
  }
  return {false, from};
}

ParkOutcome ParkedPulls::park(const ParkRequest& request, std::unique_ptr<PullWaiter>& waiter) {
  ONCE_CHECK(request.queue != nullptr && waiter != nullptr);
  if (stopped_.load(std::memory_order_acquire)) return ParkOutcome::kFull;
  if (size_.fetch_add(1, std::memory_order_relaxed) >= options_.parked_pulls_max) {
    size_.fetch_sub(1, std::memory_order_relaxed);
    return ParkOutcome::kFull;
  }
  Shard& shard = shard_of(request.queue);
  std::uint64_t id = 0;
  {
    MutexLock lock(shard.mutex);
    id = shard.next_id++;
    const std::int64_t deadline =
        clock_.monotonic_ms() + std::max<std::int64_t>(request.timeout_ms, 0);
    shard.rows.emplace(id, Parked{id, request, deadline, std::move(waiter)});
    shard.by_queue[request.queue].push_back(id);
    shard.by_channel[request.channel].push_back(id);
    shard.by_deadline.emplace(deadline, id);
    request.queue->set_watched(true);
  }
  // From here on the store reports arrivals. What came between the caller's read and this line was
  // not reported, so it is looked for now; stop() may have passed as well.
  const Look seen = look(request);
  const bool stopped = stopped_.load(std::memory_order_acquire);
  if (!seen.arrived && !stopped) {
    remember(shard, id, seen.next);
    return ParkOutcome::kParked;
  }
  std::unique_ptr<PullWaiter> back;
  {
    MutexLock lock(shard.mutex);
    back = shard.take(id);
  }
  if (back == nullptr) return ParkOutcome::kParked;  // the listener was faster and has woken it
  size_.fetch_sub(1, std::memory_order_relaxed);
  waiter = std::move(back);
  return stopped ? ParkOutcome::kFull : ParkOutcome::kArrived;
}

void ParkedPulls::remember(Shard& shard, std::uint64_t id, model::QueueOffset next) {
  MutexLock lock(shard.mutex);
  auto found = shard.rows.find(id);
  if (found != shard.rows.end() && found->second.request.offset < next)
    found->second.request.offset = next;
}

void ParkedPulls::arrived(std::span<store::ConsumeQueue* const> queues) {
  if (size() == 0) return;
  std::vector<std::unique_ptr<PullWaiter>> woken;
  std::vector<std::pair<std::uint64_t, ParkRequest>> filtered;
  for (store::ConsumeQueue* queue : queues) {
    Shard& shard = shard_of(queue);
    const model::QueueOffset end = queue->max();
    filtered.clear();
    {
      MutexLock lock(shard.mutex);
      auto found = shard.by_queue.find(queue);
      if (found == shard.by_queue.end()) continue;
      const std::vector<std::uint64_t> ids = found->second;
      for (std::uint64_t id : ids) {
        const ParkRequest& request = shard.rows.find(id)->second.request;
        if (end <= request.offset) continue;
        if (request.subscription == nullptr || request.subscription->matches_all())
          woken.push_back(shard.take(id));
        else
          filtered.emplace_back(id, request);
      }
    }
    // Queues and records are read without the lock, because that may touch the disk. A message that
    // arrives meanwhile causes a call of its own, which finds the row still here.
    for (auto& [id, request] : filtered) {
      const Look seen = look(request);
      if (!seen.arrived) {
        remember(shard, id, seen.next);
        continue;
      }
      MutexLock lock(shard.mutex);
      if (auto waiter = shard.take(id)) woken.push_back(std::move(waiter));
    }
  }
  wake(woken, WakeReason::kArrived);
}

void ParkedPulls::disturb(store::ConsumeQueue& queue) {
  std::vector<std::unique_ptr<PullWaiter>> woken;
  Shard& shard = shard_of(&queue);
  {
    MutexLock lock(shard.mutex);
    auto found = shard.by_queue.find(&queue);
    if (found == shard.by_queue.end()) return;
    const std::vector<std::uint64_t> ids = found->second;
    for (std::uint64_t id : ids) woken.push_back(shard.take(id));
  }
  wake(woken, WakeReason::kArrived);
}

std::int64_t ParkedPulls::expire() {
  const std::int64_t now = clock_.monotonic_ms();
  std::int64_t next = std::numeric_limits<std::int64_t>::max();
  if (size() == 0) return next;
  std::vector<std::unique_ptr<PullWaiter>> woken;
  for (auto& shard : shards_) {
    MutexLock lock(shard->mutex);
    while (!shard->by_deadline.empty() && shard->by_deadline.begin()->first <= now)
      woken.push_back(shard->take(shard->by_deadline.begin()->second));
    if (!shard->by_deadline.empty()) next = std::min(next, shard->by_deadline.begin()->first);
  }
  wake(woken, WakeReason::kDeadline);
  return next;
}

void ParkedPulls::close(ChannelId channel) {
  if (size() == 0) return;
  std::vector<std::unique_ptr<PullWaiter>> woken;
  for (auto& shard : shards_) {
    MutexLock lock(shard->mutex);
    auto found = shard->by_channel.find(channel);
    if (found == shard->by_channel.end()) continue;
    const std::vector<std::uint64_t> ids = found->second;
    for (std::uint64_t id : ids) woken.push_back(shard->take(id));
  }
  wake(woken, WakeReason::kClosed);
}

void ParkedPulls::stop() {
  stopped_.store(true, std::memory_order_release);
  std::vector<std::unique_ptr<PullWaiter>> woken;
  for (auto& shard : shards_) {
    MutexLock lock(shard->mutex);
    while (!shard->rows.empty()) woken.push_back(shard->take(shard->rows.begin()->first));
  }
  wake(woken, WakeReason::kDeadline);
}

void ParkedPulls::wake(std::vector<std::unique_ptr<PullWaiter>>& waiters, WakeReason reason) {
  size_.fetch_sub(waiters.size(), std::memory_order_relaxed);
  for (auto& waiter : waiters) waiter->wake(reason);
  waiters.clear();
}

}  // namespace oncemq::broker
