#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "os/clock.h"
#include "os/thread.h"
#include "store/checkpoint.h"
#include "store/commit_log.h"
#include "store/key_index.h"
#include "store/queue_files.h"
#include "store/queue_table.h"
#include "store/signal.h"
#include "store/watermarks.h"
#include "store/write_gate.h"

namespace oncemq::store {

// Follows the committed mark: writes queue entries to their files, feeds the key index, and once a
// second makes that durable and says so in `once/watermark` and `checkpoint`.
//
//   committed ─▶ dispatched (written) ─▶ settled (synced; and the log below it is durable)
//
// What is written below `settled` is never made again after a crash; what is above is made again
// from the log. Files are synced in portions, so that thousands of queues do not hold up the rest.
// Thread rule: monitor. The role lock is held across disk work: it is asked for by the thread
// "dispatcher", by topic deletion, retention and close, never on a message's way.
class Dispatcher {
 public:
  using OnBroken = std::function<void(const Error&)>;

  struct Start {
    LogOffset dispatched;          // entries below are written
    LogOffset settled;             // and durable
    std::uint64_t queues_sum = 0;  // QueueTable::sum()
    Checkpoint checkpoint;         // as it stands
  };

  Dispatcher(CommitLog& log, LogFiles& files, const Watermarks& marks, QueueTable& table,
             QueueFiles& queues, KeyIndex* index, WriteGate& gate, os::Disk& disk, os::Clock& clock,
             std::unique_ptr<WatermarkFile> watermark, Start start);
  void set_on_broken(OnBroken on_broken) { on_broken_ = std::move(on_broken); }

  void start();
  void stop();
  // Something was committed.
  void wake() { signal_.set(); }

  // Writes what is committed; true when there was something. Errors are remembered and reported.
  bool round();
  // Syncs and records how far everything is, all of it. For close and the stepwise mode.
  Status settle();
  // The last word of an orderly stop. True: everything is settled and the index complete. False:
  // syncing the queue files would take longer than a stop may, so they are left as a killed process
  // leaves them, with a snapshot of where they stand; the log has every message.
  Result<bool> finish();
  // The queues will lose their files (inside while_still): what is on disk no longer counts on
  // them.
  Status forget(std::span<LiveQueue* const> queues) ONCE_NO_ANALYSIS;
  // First files of the queues go (inside while_still): `remove` deletes them and says so to the
  // queues. A crash in between must not look as if somebody else had deleted them.
  Status trim(std::span<LiveQueue* const> queues,
              const std::function<Status()>& remove) ONCE_NO_ANALYSIS;
  // Queue files were written past the dispatcher (inside while_still): the next pass takes them.
  void resync() ONCE_NO_ANALYSIS { has_synced_sum_ = sync_sum_valid_ = false; }
  LogOffset dispatched() const { return {dispatched_.load(std::memory_order_acquire)}; }

  // What others leave to be done while the dispatcher stands still; before start().
  void set_errand(std::function<void()> errand) { errand_ = std::move(errand); }
  // Has the errand done soon, on the dispatcher's own thread, whose syncs nobody else should wait
  // for; at once where there is no such thread (stepwise mode). Several calls may come to one.
  void run_errand() ONCE_NO_ANALYSIS;

  // Runs with the dispatcher held still.
  template <class Work>
  auto while_still(Work work) ONCE_NO_ANALYSIS {
    MutexLock role(role_);
    return work();
  }

 private:
  void run();
  Status write_committed(std::int64_t committed) ONCE_REQUIRES(role_);
  Status write_queues(std::int64_t committed) ONCE_REQUIRES(role_);
  Status write_queue(LiveQueue& queue, std::int64_t committed) ONCE_REQUIRES(role_);
  Status feed_index(std::int64_t committed) ONCE_REQUIRES(role_);
  // One portion of syncing and recording; true when everything dispatched is settled.
  Result<bool> settle_some(std::size_t files) ONCE_REQUIRES(role_);
  Status settle_all() ONCE_REQUIRES(role_);
  // Queues whose files a sync of everything would concern.
  std::size_t unsettled() const ONCE_REQUIRES(role_);
  Status record() ONCE_REQUIRES(role_);
  Status save_snapshot(std::span<LiveQueue* const> queues, bool clean) ONCE_REQUIRES(role_);
  void note(const Error& error);

  CommitLog& log_;
  LogFiles& files_;
  const Watermarks& marks_;
  QueueTable& table_;
  QueueFiles& queues_;
  KeyIndex* const index_;  // null: no index
  WriteGate& gate_;
  os::Disk& disk_;
  os::Clock& clock_;
  OnBroken on_broken_;
  std::function<void()> errand_;

  Signal signal_;
  Signal stop_signal_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> threaded_{false};  // its thread runs
  std::atomic<bool> errand_waits_{false};
  std::atomic<std::int64_t> dispatched_;

  Mutex role_;
  std::unique_ptr<WatermarkFile> watermark_ ONCE_GUARDED_BY(role_);
  std::vector<LiveQueue*> dirty_ ONCE_GUARDED_BY(role_);
  std::vector<QueueEntry> entries_ ONCE_GUARDED_BY(role_);
  std::int64_t indexed_ ONCE_GUARDED_BY(role_);
  std::int64_t cooled_ ONCE_GUARDED_BY(role_) = 0;
  std::int64_t snapshot_at_ ONCE_GUARDED_BY(role_);
  std::int64_t snapshot_ns_ ONCE_GUARDED_BY(role_) = 0;  // when snapshot_at_ was chosen
  std::int64_t pass_began_ns_ ONCE_GUARDED_BY(role_) = 0;
  std::int64_t next_pass_ns_ ONCE_GUARDED_BY(role_) = 0;
  std::int64_t synced_ ONCE_GUARDED_BY(role_);   // queue files are durable up to here
  bool syncing_ ONCE_GUARDED_BY(role_) = false;  // a pass over the dirty files is under way
  std::int64_t sync_target_ ONCE_GUARDED_BY(role_) = 0;
  std::uint64_t queues_sum_ ONCE_GUARDED_BY(role_);  // of everything written
  std::uint64_t sync_queues_sum_ ONCE_GUARDED_BY(role_) = 0;
  std::uint64_t synced_queues_sum_ ONCE_GUARDED_BY(role_) = 0;
  bool sync_sum_valid_ ONCE_GUARDED_BY(role_) = false;
  bool has_synced_sum_ ONCE_GUARDED_BY(role_) = false;
  std::int64_t sync_index_end_ ONCE_GUARDED_BY(role_) = -1;
  std::int64_t index_end_ ONCE_GUARDED_BY(role_);  // newest record in the durable index
  CommitLog::Sample sample_ ONCE_GUARDED_BY(role_);
  Checkpoint checkpoint_ ONCE_GUARDED_BY(role_);  // as written last
  std::int64_t recorded_at_ns_ ONCE_GUARDED_BY(role_) = 0;
  os::Thread thread_;
};

}  // namespace oncemq::store
