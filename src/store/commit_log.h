#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "model/record_codec.h"
#include "os/clock.h"
#include "store/live_queue.h"
#include "store/log_files.h"
#include "store/message_store.h"
#include "store/staging.h"
#include "store/watermarks.h"
#include "store/write_gate.h"
#include "store/zero_ahead.h"

namespace oncemq::store {

struct CommitLogOptions {
  std::uint64_t staging_bytes = 32ULL << 20;
  model::RecordOptions record;
};

// The writing end of the log: append() assigns offsets and encodes under one lock; write_out()
// hands the bytes to the kernel outside it, one thread for all.
//
//   appended ──(writer role: pwrite)──▶ flushed ──(flusher: fdatasync)──▶ durable
//
// 1. Log order is append order, and the order of each queue is log order.
// 2. The store time of a record is never below that of the record before it.
// 3. A record lies in one file; at least kBlankSize bytes of every file are not a message.
// 4. Bytes that met ENOSPC stay staged and are written at the same place later; nothing is appended
//    meanwhile.
// Thread rule: monitor.
class CommitLog {
 public:
  // Bounds beyond the staging: bytes appended but not committed, and queue entries that wait for
  // the dispatcher (24 bytes each: 96 MiB).
  static constexpr std::uint64_t kUncommittedFactor = 16;  // × staging_bytes
  static constexpr std::int64_t kMaxUndispatched = 4 << 20;

  // Called by the writer role without a lock, when flushed has advanced.
  using OnFlushed = std::function<void()>;
  // Called with the first failure that cannot be mended.
  using OnBroken = std::function<void(const Error&)>;

  CommitLog(os::Clock& clock, LogFiles& files, Watermarks& marks, ZeroAhead& zeros, WriteGate& gate,
            CommitLogOptions options, std::int64_t last_store_timestamp);
  void set_callbacks(OnFlushed on_flushed, OnBroken on_broken);  // before the first append

  // As MessageStore says.
  Result<AppendedOffset> append(std::span<AppendItem> items);
  void write_out();
  // Tries to write what met ENOSPC and opens the gate when it went well.
  void retry_no_space();

  // Syncs the files between `from` and `to`, in order. kIo | kNoSpace.
  Status sync(LogOffset from, LogOffset to);

  // ---- who received something
  // Adds watched queues with messages below `committed` that were not reported before.
  void take_arrivals(CommittedOffset committed, std::vector<ConsumeQueue*>& arrived);
  // Queues with entries that the dispatcher has not seen; it calls again for those with a rest.
  void take_dirty(std::vector<LiveQueue*>& dirty);
  void mark_dirty(LiveQueue& queue);
  void dispatched(std::int64_t entries) { undispatched_.fetch_sub(entries); }
  // Forgets the queues' entries and returns the end of the log at that moment; the caller holds the
  // dispatcher role.
  AppendedOffset reset_queues(std::span<LiveQueue* const> queues);

  struct Sample {
    AppendedOffset end;
    std::int64_t store_timestamp = 0;  // no record at or behind `end` is older
  };
  Sample sample() const;

 private:
  struct Arrival {
    std::int64_t end;
    LiveQueue* queue;
  };

  static std::size_t bound_of(const model::Message& message);
  Status admit(std::span<const AppendItem> items, std::size_t& total) const ONCE_REQUIRES(mutex_);
  void append_one(AppendItem& item) ONCE_REQUIRES(mutex_);
  void roll() ONCE_REQUIRES(mutex_);
  std::int64_t room() const ONCE_REQUIRES(mutex_) {
    return file_end_ - end_ - static_cast<std::int64_t>(model::kBlankSize);
  }

  bool take_role(bool even_if_no_space);
  void write_staged();
  Status write(std::span<const StagedPiece> pieces);

  os::Clock& clock_;
  LogFiles& files_;
  Watermarks& marks_;
  ZeroAhead& zeros_;
  WriteGate& gate_;
  const CommitLogOptions options_;
  OnFlushed on_flushed_;
  OnBroken on_broken_;
  std::atomic<std::int64_t> undispatched_{0};

  mutable Mutex mutex_;  // the append lock
  Staging staging_ ONCE_GUARDED_BY(mutex_);
  LogOffset end_ ONCE_GUARDED_BY(mutex_);       // == appended
  LogOffset file_end_ ONCE_GUARDED_BY(mutex_);  // of the file that end_ lies in
  std::int64_t store_timestamp_ ONCE_GUARDED_BY(mutex_);
  bool writing_ ONCE_GUARDED_BY(mutex_) = false;  // somebody has the writer role
  std::vector<Arrival> arrivals_ ONCE_GUARDED_BY(mutex_);
  std::size_t arrivals_done_ ONCE_GUARDED_BY(mutex_) = 0;
  std::size_t batch_arrivals_ ONCE_GUARDED_BY(mutex_) = 0;  // where the present batch began
  std::uint32_t arrival_round_ ONCE_GUARDED_BY(mutex_) = 0;
  std::vector<LiveQueue*> dirty_ ONCE_GUARDED_BY(mutex_);

  // Writer role only.
  std::vector<StagedPiece> pieces_;
  std::vector<Bytes> run_;
};

}  // namespace oncemq::store
