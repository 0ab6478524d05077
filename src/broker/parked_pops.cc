#include "broker/parked_pops.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/heap_bytes.h"

namespace oncemq::broker {

ParkedPops::ParkedPops(const Options& options, os::Clock& clock)
    : options_(options), clock_(clock) {}
ParkedPops::~ParkedPops() = default;

std::size_t ParkedPops::memory_bytes() const {
  using Ids = std::set<std::uint64_t>;
  constexpr std::size_t kOne =
      kHashNodeBytes<decltype(rows_)> + kTreeNodeBytes<decltype(by_deadline_)> +
      kHashNodeBytes<decltype(by_channel_)> + kTreeNodeBytes<Ids> + kWaiterBytes;
  constexpr std::size_t kLook = sizeof(void*) + kHashNodeBytes<decltype(by_queue_)> +
                                kTreeNodeBytes<Waiting> + kTreeNodeBytes<Ids>;
  MutexLock lock(mutex_);
  return rows_.size() * kOne + looks_ * kLook;
}

std::uint64_t ParkedPops::park(const Request& request, std::unique_ptr<PullWaiter>& waiter) {
  ONCE_CHECK(request.party != 0 && waiter != nullptr);
  MutexLock lock(mutex_);
  if (stopped_ || rows_.size() >= options_.parked_pulls_max ||
      looks_ + request.queues.size() > kLooksMax)
    return 0;
  const std::uint64_t id = next_id_++;
  const std::int64_t deadline =
      clock_.monotonic_ms() + std::max<std::int64_t>(request.timeout_ms, 0);
  rows_.emplace(id, Row{request, deadline, std::move(waiter)});
  for (store::ConsumeQueue* queue : request.queues) {
    by_queue_[queue][request.party].insert(id);
    queue->set_watched(true, store::ConsumeQueue::Watcher::kPops);
  }
  looks_ += request.queues.size();
  by_deadline_.emplace(deadline, id);
  by_channel_[request.channel].insert(id);
  size_.store(rows_.size(), std::memory_order_relaxed);
  return id;
}

std::unique_ptr<PullWaiter> ParkedPops::take(std::uint64_t id) {
  auto found = rows_.find(id);
  if (found == rows_.end()) return nullptr;
  Row& row = found->second;
  for (store::ConsumeQueue* queue : row.request.queues) {
    auto waiting = by_queue_.find(queue);
    if (waiting == by_queue_.end()) continue;
    auto party = waiting->second.find(row.request.party);
    if (party == waiting->second.end()) continue;
    party->second.erase(id);
    if (party->second.empty()) waiting->second.erase(party);
    if (!waiting->second.empty()) continue;
    queue->set_watched(false, store::ConsumeQueue::Watcher::kPops);
    by_queue_.erase(waiting);
  }
  looks_ -= row.request.queues.size();
  by_deadline_.erase({row.deadline_ms, id});
  auto channel = by_channel_.find(row.request.channel);
  channel->second.erase(id);
  if (channel->second.empty()) by_channel_.erase(channel);
  std::unique_ptr<PullWaiter> waiter = std::move(row.waiter);
  rows_.erase(found);
  size_.store(rows_.size(), std::memory_order_relaxed);
  return waiter;
}

std::unique_ptr<PullWaiter> ParkedPops::take_back(std::uint64_t id) {
  MutexLock lock(mutex_);
  return take(id);
}

void ParkedPops::arrived(std::span<store::ConsumeQueue* const> queues) {
  if (size() == 0) return;
  std::vector<std::unique_ptr<PullWaiter>> woken;
  {
    MutexLock lock(mutex_);
    for (const store::ConsumeQueue* queue : queues) {
      auto waiting = by_queue_.find(queue);
      if (waiting == by_queue_.end()) continue;
      std::vector<std::uint64_t> first;
      for (const auto& [party, ids] : waiting->second) first.push_back(*ids.begin());
      for (std::uint64_t id : first) woken.push_back(take(id));
    }
  }
  for (auto& waiter : woken) waiter->wake(WakeReason::kArrived);
}

bool ParkedPops::wake(Party party, const store::ConsumeQueue& queue) {
  if (size() == 0) return false;
  std::unique_ptr<PullWaiter> waiter;
  {
    MutexLock lock(mutex_);
    auto waiting = by_queue_.find(&queue);
    if (waiting == by_queue_.end()) return false;
    auto ids = waiting->second.find(party);
    if (ids == waiting->second.end()) return false;
    waiter = take(*ids->second.begin());
  }
  waiter->wake(WakeReason::kArrived);
  return true;
}

std::int64_t ParkedPops::expire() {
  std::int64_t next = std::numeric_limits<std::int64_t>::max();
  if (size() == 0) return next;
  const std::int64_t now = clock_.monotonic_ms();
  std::vector<std::unique_ptr<PullWaiter>> woken;
  {
    MutexLock lock(mutex_);
    while (!by_deadline_.empty() && by_deadline_.begin()->first <= now)
      woken.push_back(take(by_deadline_.begin()->second));
    if (!by_deadline_.empty()) next = by_deadline_.begin()->first;
  }
  for (auto& waiter : woken) waiter->wake(WakeReason::kDeadline);
  return next;
}

void ParkedPops::close(ChannelId channel) {
  if (size() == 0) return;
  std::vector<std::unique_ptr<PullWaiter>> woken;
  {
    MutexLock lock(mutex_);
    auto found = by_channel_.find(channel);
    if (found == by_channel_.end()) return;
    const std::vector<std::uint64_t> ids(found->second.begin(), found->second.end());
    for (std::uint64_t id : ids) woken.push_back(take(id));
  }
  for (auto& waiter : woken) waiter->wake(WakeReason::kClosed);
}

void ParkedPops::stop() {
  std::vector<std::unique_ptr<PullWaiter>> woken;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    while (!rows_.empty()) woken.push_back(take(rows_.begin()->first));
  }
  for (auto& waiter : woken) waiter->wake(WakeReason::kDeadline);
}

std::size_t ParkedPops::count(Party party, const store::ConsumeQueue& queue) const {
  MutexLock lock(mutex_);
  auto waiting = by_queue_.find(&queue);
  if (waiting == by_queue_.end()) return 0;
  auto ids = waiting->second.find(party);
  return ids == waiting->second.end() ? 0 : ids->second.size();
}

}  // namespace oncemq::broker
