#include "store/queue_table.h"

#include <algorithm>

#include "base/heap_bytes.h"

namespace oncemq::store {

namespace {
bool below(const std::unique_ptr<LiveQueue>& queue, std::int32_t id) {
  return queue->queue_id() < id;
}
}  // namespace

LiveQueue* QueueTable::find_in(const Queues& queues, std::int32_t queue_id) {
  const auto at = std::lower_bound(queues.begin(), queues.end(), queue_id, below);
  return at != queues.end() && (*at)->queue_id() == queue_id ? at->get() : nullptr;
}

LiveQueue* QueueTable::find(std::string_view topic, std::int32_t queue_id) const {
  ReadLock lock(mutex_);
  const auto found = topics_.find(topic);
  return found == topics_.end() ? nullptr : find_in(found->second, queue_id);
}

LiveQueue& QueueTable::get(std::string_view topic, std::int32_t queue_id) {
  if (LiveQueue* queue = find(topic, queue_id)) return *queue;
  WriteLock lock(mutex_);
  auto found = topics_.find(topic);
  if (found == topics_.end()) found = topics_.emplace(std::string(topic), Queues{}).first;
  Queues& queues = found->second;
  if (LiveQueue* queue = find_in(queues, queue_id)) return *queue;
  const auto at = std::lower_bound(queues.begin(), queues.end(), queue_id, below);
  queues_.fetch_add(1, std::memory_order_relaxed);
  return **queues.insert(at, std::make_unique<LiveQueue>(std::string(topic), queue_id, context_));
}

std::size_t QueueTable::memory_bytes() const {
  constexpr std::size_t kOne = heap_bytes(sizeof(LiveQueue)) + kNameHeapBytes + sizeof(void*);
  return queues_.load(std::memory_order_relaxed) * kOne;
}

std::vector<LiveQueue*> QueueTable::all() const {
  ReadLock lock(mutex_);
  std::vector<LiveQueue*> result;
  for (const auto& [topic, queues] : topics_)
    for (const auto& queue : queues) result.push_back(queue.get());
  return result;
}

std::vector<LiveQueue*> QueueTable::of_topic(std::string_view topic) const {
  ReadLock lock(mutex_);
  std::vector<LiveQueue*> result;
  if (const auto found = topics_.find(topic); found != topics_.end())
    for (const auto& queue : found->second) result.push_back(queue.get());
  return result;
}

std::uint64_t QueueTable::share(const LiveQueue& queue, QueueOffset end) {
  constexpr std::uint64_t kFnvBasis = 0xcbf29ce484222325ULL;
  constexpr std::uint64_t kFnvPrime = 0x100000001b3ULL;
  if (end.value == 0) return 0;
  std::uint64_t hash = kFnvBasis;
  for (char c : queue.topic()) hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
  hash = (hash ^ static_cast<std::uint64_t>(queue.queue_id())) * kFnvPrime;
  hash = (hash ^ static_cast<std::uint64_t>(end.value)) * kFnvPrime;
  if (const QueueOffset first = queue.first(); first.value > 0)
    hash = (hash ^ static_cast<std::uint64_t>(first.value)) * kFnvPrime;
  return hash ^ (hash >> 29);  // summed up, so that the order does not matter
}

std::uint64_t QueueTable::sum() const {
  std::uint64_t sum = 0;
  for (const LiveQueue* queue : all()) sum += share(*queue, queue->persisted());
  return sum;
}

}  // namespace oncemq::store
