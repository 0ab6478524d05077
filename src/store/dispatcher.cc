#include "store/dispatcher.h"

#include <algorithm>
#include <chrono>

#include "store/log_cursor.h"
#include "store/queue_snapshot.h"

namespace oncemq::store {

namespace {

// Entries are gathered this long, so that a busy queue costs one write per pause and not one per
// message. Nobody waits for it: readers see committed entries in memory.
constexpr std::chrono::milliseconds kPause{10};
constexpr std::int64_t kRecordIntervalNs = 1'000'000'000;
constexpr std::int64_t kRecordBytes = 64 << 20;
constexpr std::size_t kSyncPortion = 16;
// The index reads back what was committed: its pages are given back each time the log has grown so
// much.
constexpr std::int64_t kCoolBytes = 8 << 20;
// Passes over the queue files are a second apart, and take a tenth of the time at most.
constexpr std::int64_t kPassIntervalNs = 1'000'000'000;
constexpr std::int64_t kPassShare = 10;
// With many queues a snapshot spares a start the look into each folder; what lies behind it, to be
// dispatched again, is at most this much. 80,000 queues are 4 MB, written to the kernel in 20 ms.
constexpr std::size_t kSnapshotQueues = 1000;
constexpr std::int64_t kSnapshotBytes = 64 << 20;
constexpr std::int64_t kSnapshotIntervalNs = 10'000'000'000;
// After an unclean start nobody knows which files are not durable. With many queues the one sync of
// all waits until the kernel has written them by itself, which it does after 30 s.
constexpr std::int64_t kKernelWritesNs = 45'000'000'000;
// Queue files that a stop syncs. A new one costs a fraction of a millisecond (inode, folder,
// block): half a second here, but half a minute for 80,000.
constexpr std::size_t kStopFiles = 2000;

}  // namespace

Dispatcher::Dispatcher(CommitLog& log, LogFiles& files, const Watermarks& marks, QueueTable& table,
                       QueueFiles& queues, KeyIndex* index, WriteGate& gate, os::Disk& disk,
                       os::Clock& clock, std::unique_ptr<WatermarkFile> watermark, Start start)
    : log_(log),
      files_(files),
      marks_(marks),
      table_(table),
      queues_(queues),
      index_(index),
      gate_(gate),
      disk_(disk),
      clock_(clock),
      dispatched_(start.dispatched.value),
      watermark_(std::move(watermark)),
      indexed_(start.dispatched.value),
      snapshot_at_(start.dispatched.value),
      synced_(start.settled.value),
      queues_sum_(start.queues_sum),
      index_end_(watermark_->last() ? watermark_->last()->index_end : -1),
      sample_(log.sample()),
      checkpoint_(start.checkpoint) {}

void Dispatcher::start() {
  {
    MutexLock role(role_);
    if (unsettled() > kStopFiles) next_pass_ns_ = clock_.monotonic_ns() + kKernelWritesNs;
  }
  threaded_.store(true);
  thread_ = os::Thread("dispatcher", [this] { run(); });
}

void Dispatcher::run_errand() {
  if (!threaded_.load()) return while_still([this] { errand_(); });
  errand_waits_.store(true);
  signal_.set();
}

void Dispatcher::stop() {
  stopping_.store(true);
  stop_signal_.set();
  signal_.set();
  thread_.join();
}

void Dispatcher::run() {
  bool settled = false;
  while (!stopping_.load()) {
    if (settled)
      signal_.wait();
    else
      (void)signal_.wait_for(std::chrono::milliseconds(1000));
    (void)round();
    {
      MutexLock role(role_);
      auto some = gate_.broken() ? Result<bool>(true) : settle_some(kSyncPortion);
      if (!some) note(some.error());
      settled = some && *some;
      // Failing to prepare is not yet a failure: whoever needs the file will meet it.
      (void)files_.prepare_next({marks_.flushed().value});
      if (errand_waits_.exchange(false)) errand_();
    }
    (void)stop_signal_.wait_for(kPause);
  }
}

bool Dispatcher::round() {
  MutexLock role(role_);
  const std::int64_t committed = marks_.committed().value;
  if (committed == dispatched_.load(std::memory_order_relaxed) || gate_.broken()) return false;
  if (const Status done = write_committed(committed); !done) {
    note(done.error());
    return false;
  }
  if (gate_.has(Refusal::kNoSpaceQueue)) gate_.lift(Refusal::kNoSpaceQueue);
  dispatched_.store(committed, std::memory_order_release);
  return true;
}

// A full disk is waited out: what is not written stays in memory and is tried again.
void Dispatcher::note(const Error& error) {
  if (error.code == Errc::kNoSpace)
    gate_.refuse(Refusal::kNoSpaceQueue, error);
  else
    on_broken_(error);
}

Status Dispatcher::write_committed(std::int64_t committed) {
  ONCE_TRY(write_queues(committed));
  return index_ != nullptr ? feed_index(committed) : Status{};
}

Status Dispatcher::write_queues(std::int64_t committed) {
  log_.take_dirty(dirty_);
  while (!dirty_.empty()) {
    ONCE_TRY(write_queue(*dirty_.back(), committed));
    dirty_.pop_back();
  }
  return {};
}

Status Dispatcher::write_queue(LiveQueue& queue, std::int64_t committed) {
  entries_.clear();
  bool more = false;
  const QueueOffset from = queue.unpersisted(committed, entries_, more);
  if (!entries_.empty()) {
    ONCE_TRY(queues_.write(queue, from, entries_, !queue.has_files()));
    const QueueOffset end = from + static_cast<std::int64_t>(entries_.size());
    queue.set_persisted(end);
    queues_sum_ += QueueTable::share(queue, end) - QueueTable::share(queue, from);
    log_.dispatched(static_cast<std::int64_t>(entries_.size()));
  }
  if (more) log_.mark_dirty(queue);
  return {};
}

Status Dispatcher::feed_index(std::int64_t committed) {
  LogCursor cursor(files_, {indexed_}, {committed}, model::Verify::kNone, false);
  for (;;) {
    const LogCursor::Step step = cursor.step();
    if (step == LogCursor::Step::kBad || step == LogCursor::Step::kLost)
      return fail(Errc::kIo, "cannot read back the log at " +
                                 std::to_string(cursor.position().value) + ": " +
                                 cursor.error().message);
    if (step == LogCursor::Step::kEnd) break;
    ONCE_TRY(index_->add(cursor.record()));
    indexed_ = cursor.next_position().value;
    if (indexed_ - cooled_ >= kCoolBytes) {
      cooled_ = indexed_;
      files_.cool({committed});
    }
  }
  ONCE_TRY(index_->write_out());
  indexed_ = committed;
  return {};
}

Result<bool> Dispatcher::settle_some(std::size_t files) {
  const std::int64_t dispatched = dispatched_.load(std::memory_order_relaxed);
  const bool at_once = files == SIZE_MAX;
  const std::int64_t now = clock_.monotonic_ns();
  if (!syncing_ && (synced_ < dispatched || !has_synced_sum_) &&
      (at_once || now >= next_pass_ns_)) {
    pass_began_ns_ = now;
    queues_.begin_sync();
    syncing_ = true;
    sync_target_ = dispatched;
    sync_queues_sum_ = queues_sum_;
    sync_sum_valid_ = true;
    sync_index_end_ = index_ != nullptr ? index_->end_offset().value : -1;
  }
  if (syncing_) {
    auto all = queues_.sync_some(files);
    if (!all) return fail(std::move(all.error()));
    if (*all) {
      if (index_ != nullptr) ONCE_TRY(index_->checkpoint());
      syncing_ = false;
      synced_ = sync_target_;
      index_end_ = sync_index_end_;
      synced_queues_sum_ = sync_queues_sum_;
      has_synced_sum_ = sync_sum_valid_;
      const std::int64_t took = clock_.monotonic_ns() - pass_began_ns_;
      next_pass_ns_ = now + std::max(kPassIntervalNs, kPassShare * took);
    }
  }
  if (dispatched - snapshot_at_ >= kSnapshotBytes ||
      (dispatched > snapshot_at_ && now - snapshot_ns_ >= kSnapshotIntervalNs)) {
    const std::vector<LiveQueue*> queues = table_.all();
    snapshot_at_ = dispatched;
    snapshot_ns_ = now;
    if (queues.size() >= kSnapshotQueues) ONCE_TRY(save_snapshot(queues, false));
  }
  const std::int64_t durable = marks_.durable().value;
  const bool moved = !watermark_->last() || watermark_->last()->durable < durable ||
                     watermark_->last()->dispatched < std::min(synced_, durable);
  const bool due = now - recorded_at_ns_ >= kRecordIntervalNs || !watermark_->last() ||
                   durable - watermark_->last()->durable >= kRecordBytes;
  if (moved && (due || at_once)) ONCE_TRY(record());
  return !syncing_ && synced_ == dispatched && has_synced_sum_ && watermark_->last() &&
         watermark_->last()->durable == marks_.flushed().value;
}

Status Dispatcher::record() {
  const std::int64_t durable = marks_.durable().value;
  const std::int64_t settled = std::min(synced_, durable);
  Checkpoint next = checkpoint_;
  // The sample was taken when its end was appended; once that is durable its time may be claimed.
  if (durable >= sample_.end.value) next.log_ms = sample_.store_timestamp;
  if (settled >= sample_.end.value) {
    next.queues_ms = sample_.store_timestamp;
    sample_ = log_.sample();
  }
  if (index_ != nullptr) next.index_ms = index_->durable_timestamp();
  // The index may be ahead of a log that is not durable yet; then the older claim stands.
  const std::int64_t claimed = watermark_->last() ? watermark_->last()->index_end : -1;
  ONCE_TRY(watermark_->write({.sequence = 0,
                              .durable = durable,
                              .dispatched = settled,
                              .store_timestamp = log_.sample().store_timestamp,
                              .index_end = index_end_ < settled ? index_end_ : claimed,
                              .queues_sum = synced_queues_sum_,
                              .has_queues_sum = has_synced_sum_ && settled == synced_,
                              .sealed = watermark_->last() && watermark_->last()->sealed}));
  ONCE_TRY(write_checkpoint(disk_, queues_.layout().checkpoint(), next));
  checkpoint_ = next;
  recorded_at_ns_ = clock_.monotonic_ns();
  return {};
}

Status Dispatcher::save_snapshot(std::span<LiveQueue* const> queues, bool clean) {
  QueueSnapshot snapshot{.session = disk_.session(),
                         .clean = clean,
                         .position = dispatched_.load(std::memory_order_relaxed),
                         .queues = {}};
  snapshot.queues.reserve(queues.size());
  for (const LiveQueue* queue : queues) {
    const QueueOffset end = queue->persisted();
    if (end.value > 0)
      snapshot.queues.push_back(
          {queue->topic(), queue->queue_id(), queue->first().value, end.value});
  }
  return snapshot.save(disk_, queues_.layout());
}

Status Dispatcher::forget(std::span<LiveQueue* const> queues) {
  for (const LiveQueue* queue : queues)
    queues_sum_ -= QueueTable::share(*queue, queue->persisted());
  has_synced_sum_ = sync_sum_valid_ = false;  // until the next pass
  ONCE_TRY(QueueSnapshot::remove(disk_, queues_.layout()));
  return record();
}

Status Dispatcher::trim(std::span<LiveQueue* const> queues, const std::function<Status()>& remove) {
  Status done = forget(queues);
  if (done) done = remove();
  for (const LiveQueue* queue : queues)
    queues_sum_ += QueueTable::share(*queue, queue->persisted());
  return done;
}

std::size_t Dispatcher::unsettled() const {
  const std::size_t files = queues_.unsynced();
  return files == SIZE_MAX ? table_.all().size() : files;
}

Result<bool> Dispatcher::finish() {
  MutexLock role(role_);
  const bool settled = unsettled() <= kStopFiles;
  if (settled) ONCE_TRY(settle_all());
  if (index_ != nullptr) {
    ONCE_TRY(index_->finish());
    index_end_ = index_->end_offset().value;
  }
  sample_ = log_.sample();
  ONCE_TRY(record());
  ONCE_TRY(save_snapshot(table_.all(), settled));
  return settled;
}

Status Dispatcher::settle() {
  MutexLock role(role_);
  return settle_all();
}

Status Dispatcher::settle_all() {
  for (int i = 0; i < 3; ++i) {
    auto done = settle_some(SIZE_MAX);
    if (!done) return fail(std::move(done.error()));
  }
  return {};
}

}  // namespace oncemq::store
