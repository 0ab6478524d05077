#include "broker/queue_locks.h"

#include <iterator>

namespace oncemq::broker {

QueueLocks::QueueLocks(const Options& options, os::Clock& clock)
    : options_(options), clock_(clock) {}

std::vector<QueueName> QueueLocks::lock(std::string_view group, std::string_view client_id,
                                        std::span<const QueueName> queues) {
  std::vector<QueueName> granted;
  if (queues.empty()) return granted;
  const std::int64_t now = clock_.monotonic_ms();
  MutexLock lock(mutex_);
  auto found = groups_.find(group);
  if (found == groups_.end()) found = groups_.emplace(std::string(group), Group{}).first;
  for (const QueueName& queue : queues) {
    auto [row, fresh] = found->second.try_emplace(queue);
    Held& held = row->second;
    if (!fresh && held.client_id != client_id && held.until_ms > now) continue;
    held.client_id = client_id;
    held.until_ms = now + options_.queue_lock_ms;
    granted.push_back(queue);
  }
  return granted;
}

void QueueLocks::unlock(std::string_view group, std::string_view client_id,
                        std::span<const QueueName> queues) {
  MutexLock lock(mutex_);
  auto found = groups_.find(group);
  if (found == groups_.end()) return;
  for (const QueueName& queue : queues) {
    auto row = found->second.find(queue);
    if (row != found->second.end() && row->second.client_id == client_id) found->second.erase(row);
  }
  if (found->second.empty()) groups_.erase(found);
}

bool QueueLocks::any_held(std::string_view group) const {
  const std::int64_t now = clock_.monotonic_ms();
  MutexLock lock(mutex_);
  auto found = groups_.find(group);
  if (found == groups_.end()) return false;
  for (const auto& [queue, held] : found->second)
    if (held.until_ms > now) return true;
  return false;
}

void QueueLocks::remove_group(std::string_view group) {
  MutexLock lock(mutex_);
  auto found = groups_.find(group);
  if (found != groups_.end()) groups_.erase(found);
}

void QueueLocks::expire() {
  const std::int64_t now = clock_.monotonic_ms();
  MutexLock lock(mutex_);
  for (auto group = groups_.begin(); group != groups_.end();) {
    std::erase_if(group->second, [now](const auto& row) { return row.second.until_ms <= now; });
    group = group->second.empty() ? groups_.erase(group) : std::next(group);
  }
}

}  // namespace oncemq::broker
