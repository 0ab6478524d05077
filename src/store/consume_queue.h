#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "model/offsets.h"

namespace oncemq::store {

using model::LogOffset;
using model::QueueOffset;

// One entry as on disk: int64 log offset, int32 size, int64 tags code (store.md §5).
struct QueueEntry {
  LogOffset log_offset;
  std::int32_t size = 0;
  std::int64_t tags_code = 0;
};

// Handle of one queue (topic, queue id), stable until the store is closed. The store's internals
// derive from it. Thread rule: monitor.
class ConsumeQueue {
 public:
  ConsumeQueue(const ConsumeQueue&) = delete;
  ConsumeQueue& operator=(const ConsumeQueue&) = delete;
  virtual ~ConsumeQueue() = default;

  const std::string& topic() const { return topic_; }
  std::int32_t queue_id() const { return queue_id_; }

  // First offset whose record is still in the log; == max() when there is none.
  virtual QueueOffset min() const = 0;
  // End (exclusive) of what is committed and so may be seen.
  virtual QueueOffset max() const = 0;
  // End (exclusive) of what is appended; only the appender's side cares.
  virtual QueueOffset next() const = 0;

  // Who wants to hear of arrivals; each sets and clears its own bit.
  enum class Watcher : std::uint8_t { kPulls = 1, kPops = 2 };
  // While any is set, the commit listener hears of this queue's arrivals. The setter re-reads max()
  // afterwards: either it sees the message or the listener is called, never neither.
  void set_watched(bool watched, Watcher watcher = Watcher::kPulls) {
    const auto bit = static_cast<std::uint8_t>(watcher);
    if (watched)
      watched_.fetch_or(bit, std::memory_order_seq_cst);
    else
      watched_.fetch_and(static_cast<std::uint8_t>(~bit), std::memory_order_seq_cst);
  }
  bool watched() const { return watched_.load(std::memory_order_seq_cst) != 0; }

 protected:
  ConsumeQueue(std::string topic, std::int32_t queue_id)
      : topic_(std::move(topic)), queue_id_(queue_id) {}

 private:
  const std::string topic_;
  const std::int32_t queue_id_;
  std::atomic<std::uint8_t> watched_{0};
};

}  // namespace oncemq::store
