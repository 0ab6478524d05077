#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "store/live_queue.h"

namespace oncemq::store {

// All queues by topic and id. A queue, once made, stays until the table goes. Bound: what the
// broker creates (topics × queues); an idle queue costs about 300 bytes. Thread rule: monitor.
class QueueTable {
 public:
  explicit QueueTable(const QueueContext& context) : context_(context) {}

  LiveQueue& get(std::string_view topic, std::int32_t queue_id);
  LiveQueue* find(std::string_view topic, std::int32_t queue_id) const;
  std::vector<LiveQueue*> all() const;
  // Of the objects and their places here, without their rings. Takes no lock.
  std::size_t memory_bytes() const;
  std::vector<LiveQueue*> of_topic(std::string_view topic) const;
  // Sum over the queues of a hash of topic, id, and beginning and end of what is in their files. A
  // folder whose queues do not give the sum that was noted has lost some.
  std::uint64_t sum() const;
  // What one queue adds when its files end at `end`.
  static std::uint64_t share(const LiveQueue& queue, QueueOffset end);

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  // Sorted by id; few and dense.
  using Queues = std::vector<std::unique_ptr<LiveQueue>>;

  static LiveQueue* find_in(const Queues& queues, std::int32_t queue_id);

  const QueueContext& context_;
  std::atomic<std::size_t> queues_{0};
  mutable SharedMutex mutex_;
  std::unordered_map<std::string, Queues, Hash, std::equal_to<>> topics_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::store
