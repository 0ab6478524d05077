#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/options.h"
#include "broker/pop_record.h"
#include "model/offsets.h"
#include "os/clock.h"
#include "store/message_store.h"

namespace oncemq::broker {

// The operations' way into the log: whoever changes a row stages the operation while it holds the
// queue's lock, and at the end of a tick everything staged so far, by all loops, becomes one
// message. So the log has the order in which the rows changed. Thread rule: monitor.
class PopLog {
 public:
  // Appended while staged operations wait for the store (disk full); more are refused.
  static constexpr std::size_t kStagedMax = 4U << 20;
  // A message's body is closed at this size; one operation is at most some KiB.
  static constexpr std::size_t kBodySize = 64U << 10;

  PopLog(const Options& options, store::MessageStore& store, os::Clock& clock);

  // False while too much waits: then nothing may be staged.
  bool accepting() const { return staged_bytes_.load(std::memory_order_relaxed) < kStagedMax; }
  // Returns the operation's number. With the queue's lock held.
  std::uint64_t stage(const PopOperation& operation);
  // Appends what is staged (the caller then calls write_out). After an error it stays staged and
  // goes with the next call. Cheap when there is nothing.
  Status flush();

  // Up to where the log must be committed before operation `number` may be answered; empty while
  // it is not appended.
  struct Progress {
    std::uint64_t appended = 0;  // highest number in the log
    store::AppendedOffset end;   // of its message
  };
  Progress progress() const;

  // Offset in the topic behind everything appended so far, and bytes of bodies appended.
  model::QueueOffset position() const;
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // Before start: hands all operations from `from` on to `visit`, in order. Returns how many
  // messages there were. A broken one is skipped with a warning: what it said is then as if it had
  // not been answered.
  std::size_t replay(model::QueueOffset from,
                     const std::function<void(const PopOperation&)>& visit);

 private:
  const Options& options_;
  store::MessageStore& store_;
  os::Clock& clock_;
  store::ConsumeQueue& queue_;

  mutable Mutex append_role_;  // who appends; taken before mutex_
  mutable Mutex mutex_;
  std::vector<std::string> full_ ONCE_GUARDED_BY(mutex_);
  PopRecordWriter writer_ ONCE_GUARDED_BY(mutex_);
  std::uint64_t staged_ ONCE_GUARDED_BY(mutex_) = 0;
  Progress progress_ ONCE_GUARDED_BY(mutex_);
  std::atomic<std::size_t> staged_bytes_{0};
  std::atomic<std::uint64_t> bytes_{0};
};

}  // namespace oncemq::broker
