#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "store/consume_queue.h"
#include "store/log_files.h"
#include "store/queue_files.h"
#include "store/watermarks.h"

namespace oncemq::store {

// What every queue refers to; one per store. Thread rule: immutable.
struct QueueContext {
  const Watermarks* marks = nullptr;
  const LogFiles* log = nullptr;
  QueueFiles* files = nullptr;
  std::atomic<std::size_t>* ring_bytes = nullptr;  // of all queues; null: not counted
};

// A consume queue: its newest entries in memory, all committed and dispatched ones in files.
//
//   file  ...............|persisted
//   ring            |tail ............|visible......|next
//                                     committed      appended
//
// 1. tail <= persisted <= visible <= next; the ring holds [tail, next).
// 2. An entry leaves the ring only after it is in the file.
// 3. visible follows the committed mark; nobody but the dispatcher's own bookkeeping sees beyond.
// The ring has no more room than undispatched entries ever needed (>= kFirstRing once used), so an
// idle queue costs its object alone. Thread rule: monitor.
class LiveQueue final : public ConsumeQueue {
 public:
  static constexpr std::uint32_t kFirstRing = 8;
  static constexpr std::uint32_t kIdleRing = 512;  // what a queue keeps after a burst

  LiveQueue(std::string topic, std::int32_t queue_id, const QueueContext& context)
      : ConsumeQueue(std::move(topic), queue_id), context_(context) {}

  QueueOffset min() const override;
  QueueOffset max() const override;
  QueueOffset next() const override;

  // ---- appender (append lock held) and recovery
  // The place of the next entry; then the entry itself. Nobody else moves next_, so that the first
  // needs no lock of the queue.
  QueueOffset next_for_append() const ONCE_NO_ANALYSIS { return {next_}; }
  void push(const QueueEntry& entry);
  // The queue continues at `next`, everything below is in files whose first entry is `first`.
  void load(QueueOffset first, QueueOffset next);
  // Entries below were found in files, as an earlier process wrote them.
  QueueOffset found() const;
  // As if it had never existed; the handle stays. `forgotten` gets the number of undispatched
  // entries.
  void reset(std::int64_t& forgotten);

  // ---- reader
  // Committed entries from `from` on, from memory or file, at most into.size() and not beyond one
  // file. 0: at the end. An entry that is not is_entry() is a hole. kIo.
  Result<std::size_t> read(QueueOffset from, std::span<QueueEntry> into) const;

  // An entry that must be there is not: true while it is to be waited for.
  bool report_lost() const { return context_.files->report_lost(*this); }

  std::int64_t entries_per_file() const { return context_.files->entries_per_file(); }

  // ---- dispatcher
  // Copies the entries that are not in the file yet and end at or below `committed`; returns the
  // offset of the first. `more` tells whether others wait behind them.
  QueueOffset unpersisted(std::int64_t committed, std::vector<QueueEntry>& out, bool& more) const;
  // Whether anything of this queue is on disk.
  bool has_files() const;
  // Entries below `end` are in the file.
  void set_persisted(QueueOffset end);
  QueueOffset persisted() const;
  // Files below are gone.
  void set_first(QueueOffset first);
  QueueOffset first() const;

  // Fields of the commit log's lists, guarded by the append lock.
  bool dirty = false;
  std::uint32_t arrival_round = 0;

 private:
  QueueEntry& slot(std::int64_t offset) const ONCE_REQUIRES(mutex_) {
    return ring_[static_cast<std::size_t>(offset) & (capacity_ - 1)];
  }
  Result<std::optional<bool>> is_gone(std::int64_t offset, std::int64_t log_min) const;
  void grow(std::uint32_t capacity) ONCE_REQUIRES(mutex_);
  void set_capacity(std::uint32_t capacity) ONCE_REQUIRES(mutex_);
  void see_committed() const ONCE_REQUIRES(mutex_);

  const QueueContext& context_;
  mutable Mutex mutex_;
  std::uint32_t capacity_ ONCE_GUARDED_BY(mutex_) = 0;  // power of two, or 0
  std::unique_ptr<QueueEntry[]> ring_ ONCE_GUARDED_BY(mutex_);
  std::int64_t first_ ONCE_GUARDED_BY(mutex_) = 0;  // oldest entry in the files
  std::int64_t tail_ ONCE_GUARDED_BY(mutex_) = 0;
  std::int64_t persisted_ ONCE_GUARDED_BY(mutex_) = 0;
  mutable std::int64_t visible_ ONCE_GUARDED_BY(mutex_) = 0;
  std::int64_t next_ ONCE_GUARDED_BY(mutex_) = 0;
  std::int64_t found_ ONCE_GUARDED_BY(mutex_) = 0;
  mutable std::int64_t min_ ONCE_GUARDED_BY(mutex_) = 0;
  mutable std::int64_t min_for_ ONCE_GUARDED_BY(mutex_) = -1;  // log minimum that min_ belongs to
};

}  // namespace oncemq::store
