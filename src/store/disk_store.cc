#include "store/disk_store.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "os/thread.h"

namespace oncemq::store {

namespace {

constexpr std::uint64_t kMinLogFile = 4096;
// Log that a repair reads per second; the dispatcher waits meanwhile, for a tenth of it.
constexpr std::int64_t kRepairBytes = 64 << 20;

Status stopped_full() {
  log::warn(
      "store",
      "stopped on a full disk: the log is durable, queues and key index will be made from it");
  return {};
}

Status check_options(const StoreOptions& options) {
  if (options.log_file_size < kMinLogFile)
    return fail(Errc::kInvalidArgument,
                "mappedFileSizeCommitLog is below " + std::to_string(kMinLogFile));
  if (options.queue_file_size == 0 || options.queue_file_size % kEntrySize != 0)
    return fail(Errc::kInvalidArgument, "mappedFileSizeConsumeQueue is not a multiple of 20");
  if (options.index_slots == 0 || options.index_entries < 2 ||
      options.index_entries > 0x7fffffffU || options.index_slots > 0x7fffffffU)
    return fail(Errc::kInvalidArgument, "maxHashSlotNum or maxIndexNum is out of range");
  return {};
}

// Our broker writes its process id into the lock file, Apache's the word "lock" over it. A file
// that is empty or torn tells nothing: a machine died before its text was on the disk, and our
// marks are still good.
bool written_by_apache(std::string_view lock_text) {
  return lock_text.starts_with("lock");
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<std::unique_ptr<MessageStore>> MessageStore::open(os::Disk& disk, os::Clock& clock,
                                                         StoreOptions options,
                                                         FatalHandler on_fatal) {
  auto store = DiskStore::open(disk, clock, std::move(options), std::move(on_fatal));
  if (!store) return fail(std::move(store.error()));
  return std::unique_ptr<MessageStore>(std::move(*store));
}

DiskStore::DiskStore(os::Disk& disk, os::Clock& clock, StoreOptions options, FatalHandler on_fatal)
    : disk_(disk),
      clock_(clock),
      options_(std::move(options)),
      on_fatal_(std::move(on_fatal)),
      layout_(options_.root),
      marks_(options_.policy, 0),
      queue_files_(disk, layout_, options_.queue_file_size),
      queues_(context_),
      damage_(clock) {}

DiskStore::~DiskStore() {
  // Not an orderly stop: the abort mark stays, as after a crash.
  if (flusher_) flusher_->stop();
  if (dispatcher_) dispatcher_->stop();
}

Result<std::unique_ptr<DiskStore>> DiskStore::open(os::Disk& disk, os::Clock& clock,
                                                   StoreOptions options, FatalHandler on_fatal) {
  ONCE_TRY(check_options(options));
  std::unique_ptr<DiskStore> store(
      new DiskStore(disk, clock, std::move(options), std::move(on_fatal)));
  const std::int64_t begin = clock.monotonic_ns();
  store->gate_.refuse(Refusal::kStopped, {Errc::kNotWritable, "the store is not started"});
  ONCE_TRY(store->take_folder());
  ONCE_TRY(store->load());
  store->wire();
  const Recovered& found = store->recovered_;
  log::info("store",
            "{} start in {} ms: log [{}, {}), {} bytes scanned, {} written again, {} queues",
            store->clean_ ? "clean" : "unclean", (clock.monotonic_ns() - begin) / 1'000'000,
            store->files_->min_offset().value, found.end.value, found.scanned_bytes,
            found.rewritten_bytes, store->queues_.all().size());
  return store;
}

// A folder is durable when its parent is synced; above the root that concerns what we make here.
Status DiskStore::make_folders() {
  std::vector<std::string> parents{parent_of(layout_.root)};
  for (std::string path = parents.back(); path != "." && path != "/" && !disk_.stat(path);
       path = parents.back())
    parents.push_back(parent_of(path));
  for (const std::string& folder : {layout_.root, layout_.log_dir(), layout_.queue_dir(),
                                    layout_.index_dir(), layout_.own_dir()})
    ONCE_TRY(disk_.make_dirs(folder));
  for (const std::string& parent : parents) ONCE_TRY(disk_.sync_dir(parent));
  return disk_.sync_dir(layout_.root);
}

// From here on the folder is ours, and marked as in use until an orderly stop.
Status DiskStore::take_folder() {
  ONCE_TRY(make_folders());
  std::string lock_text;
  if (auto file = disk_.open(layout_.lock(), os::OpenMode::kRead)) {
    std::array<std::byte, 32> bytes{};
    if (auto got = (*file)->read_at(0, bytes)) lock_text = as_text(Bytes(bytes).first(*got));
    foreign_ = written_by_apache(lock_text);
  }
  const std::string pid = std::to_string(os::process_id());
  if (foreign_) {
    // The lock first, without touching its text: until our marks are gone it must say who was here.
    auto held = disk_.lock(layout_.lock(), lock_text);
    if (!held) return fail(std::move(held.error()));
    if (auto gone = disk_.remove(layout_.watermark());
        !gone && gone.error().code != Errc::kNotFound)
      return gone;
    ONCE_TRY(QueueSnapshot::remove(disk_, layout_));
  }
  auto held = disk_.lock(layout_.lock(), pid);
  if (!held) return fail(std::move(held.error()));
  lock_ = std::move(*held);
  if (auto file = disk_.open(layout_.lock(), os::OpenMode::kReadWrite))
    ONCE_TRY((*file)->sync_data());

  clean_ = !disk_.stat(layout_.abort_mark()).has_value();
  if (clean_) {
    auto mark = disk_.open(layout_.abort_mark(), os::OpenMode::kCreate);
    if (!mark) return fail(std::move(mark.error()));
    ONCE_TRY((*mark)->write_at(0, as_bytes(pid)));
    ONCE_TRY((*mark)->sync_data());
  }
  return disk_.sync_dir(layout_.root);
}

Status DiskStore::load() {
  auto files = LogFiles::load(disk_, layout_, options_.log_file_size, !clean_);
  if (!files) return fail(std::move(files.error()));
  files_ = std::move(*files);
  context_ = {
      .marks = &marks_, .log = files_.get(), .files = &queue_files_, .ring_bytes = &ring_bytes_};

  auto watermark = WatermarkFile::open(disk_, layout_.watermark(), layout_.own_dir());
  if (!watermark) return fail(std::move(watermark.error()));
  watermark_ = std::move(*watermark);
  auto checkpoint = read_checkpoint(disk_, layout_.checkpoint());
  if (!checkpoint) return fail(std::move(checkpoint.error()));
  auto deleted = DeletedTopics::load(disk_, layout_);
  if (!deleted) return fail(std::move(deleted.error()));
  deleted_before_ = std::make_unique<const DeletedTopics>(*deleted);
  deleted_ = std::make_unique<DeletedTopics>(std::move(*deleted));
  if (options_.index_enabled) {
    auto index =
        KeyIndex::open(disk_, clock_, layout_,
                       {.slots = options_.index_slots, .entries = options_.index_entries}, clean_);
    if (!index) return fail(std::move(index.error()));
    index_ = std::move(*index);
  }

  Recovery recovery(disk_, layout_, options_, *files_, queues_, queue_files_, index_.get(),
                    *deleted_);
  auto recovered = recovery.run({.clean = clean_,
                                 .mark = watermark_->last(),
                                 .snapshot = QueueSnapshot::load(disk_, layout_),
                                 .checkpoint = *checkpoint,
                                 .parallel = options_.threads});
  if (!recovered) return fail(std::move(recovered.error()));
  recovered_ = *recovered;
  marks_.advance(AppendedOffset{recovered_.end.value});
  marks_.advance(FlushedOffset{recovered_.end.value});
  marks_.advance(DurableOffset{recovered_.end.value});
  ONCE_TRY(announce_seals());
  // The first message should not wait for its file.
  if (auto first = files_->create(recovered_.end); !first && first.error().code != Errc::kNoSpace)
    return fail(std::move(first.error()));

  const bool ahead = options_.policy == CommitPolicy::kDurable;
  zeros_ =
      std::make_unique<ZeroAhead>(*files_, recovered_.end, ahead ? options_.zero_ahead_bytes : 0);
  log_ = std::make_unique<CommitLog>(
      clock_, *files_, marks_, *zeros_, gate_,
      CommitLogOptions{.staging_bytes = options_.staging_bytes,
                       .record = {.append_property_crc = options_.append_property_crc}},
      recovered_.store_timestamp);
  reader_ = std::make_unique<Reader>(*files_, marks_, damage_);
  dispatcher_ =
      std::make_unique<Dispatcher>(*log_, *files_, marks_, queues_, queue_files_, index_.get(),
                                   gate_, disk_, clock_, std::move(watermark_),
                                   Dispatcher::Start{.dispatched = recovered_.dispatched,
                                                     .settled = recovered_.settled,
                                                     .queues_sum = queues_.sum(),
                                                     .checkpoint = *checkpoint});
  flusher_ =
      std::make_unique<Flusher>(*log_, marks_, *zeros_, gate_, clock_, options_.flush_interval_ms);
  retention_ =
      std::make_unique<Retention>(disk_, clock_, layout_, options_, *files_, marks_, queues_,
                                  queue_files_, index_.get(), gate_, *dispatcher_);
  return {};
}

// Whether records carry their CRC is on the disk before the first of them is, so that a record that
// lost it in a torn write is not taken for one that never had it.
Status DiskStore::announce_seals() {
  const std::optional<DurableMark>& last = watermark_->last();
  if (last && last->sealed == options_.append_property_crc) return {};
  DurableMark mark = last.value_or(DurableMark{.dispatched = recovered_.settled.value});
  if (!last && recovered_.settled == recovered_.end) {
    // Somebody else's folder: from here on a queue that loses entries is noticed.
    mark.queues_sum = queues_.sum();
    mark.has_queues_sum = true;
  }
  mark.durable = recovered_.end.value;
  mark.store_timestamp = recovered_.store_timestamp;
  mark.sealed = options_.append_property_crc;
  return watermark_->write(mark);
}

void DiskStore::wire() {
  const auto broken = [this](const Error& error) { this->broken(error); };
  if (options_.policy == CommitPolicy::kDurable) {
    log_->set_callbacks([this] { flusher_->wake(); }, broken);
    flusher_->set_callbacks([this] { commit_advanced(); }, broken);
  } else {
    log_->set_callbacks([this] { commit_advanced(); }, broken);
    flusher_->set_callbacks([this] { dispatcher_->wake(); }, broken);
  }
  dispatcher_->set_on_broken(broken);
  dispatcher_->set_errand([this] {
    repair_some();
    retention_->run();
  });
}

void DiskStore::start(CommitListener listener) {
  listener_ = std::move(listener);
  if (options_.threads) {
    flusher_->start();
    dispatcher_->start();
  }
  gate_.lift(Refusal::kStopped);
}

bool DiskStore::step() {
  bool busy = flusher_->round();
  busy = dispatcher_->round() || busy;
  if (gate_.broken()) return false;
  if (auto settled = dispatcher_->settle(); !settled) {
    if (settled.error().code != Errc::kNoSpace) broken(settled.error());
    return false;
  }
  return busy;
}

void DiskStore::commit_advanced() {
  arrived_.clear();
  const CommittedOffset committed = marks_.committed();
  log_->take_arrivals(committed, arrived_);
  dispatcher_->wake();
  if (listener_) listener_(committed, arrived_);
}

void DiskStore::broken(const Error& error) {
  if (!gate_.refuse(Refusal::kBroken, error)) return;
  log::error("store", "writing stops for good: {}", error.message);
  // What a failed sync lost, the next process may still read: it must not rely on queue files.
  (void)QueueSnapshot::remove(disk_, layout_);
  if (on_fatal_) on_fatal_(error);
}

Status DiskStore::close() {
  if (closed_) return {};
  closed_ = true;
  gate_.refuse(Refusal::kStopped, {Errc::kNotWritable, "the store is closed"});
  log_->retry_no_space();
  log_->write_out();
  flusher_->stop();
  dispatcher_->stop();
  // Somebody may still have been writing when write_out() returned; the threads are quiet now.
  log_->write_out();
  (void)flusher_->round();
  (void)dispatcher_->round();
  const std::unique_ptr<os::FileLock> lock = std::move(lock_);
  if (const auto refusal = gate_.refusal(); gate_.broken()) return fail(*refusal);
  if (marks_.durable().value != marks_.appended().value)
    return fail(Errc::kNoSpace, "stopped with unwritten messages: the disk is full");
  // Whoever comes next must not take queue files and index for whole when they are not: the abort
  // mark stays, and the next start makes them from the log.
  if (dispatcher_->dispatched().value != marks_.durable().value) return stopped_full();
  const auto settled = dispatcher_->finish();
  if (!settled && settled.error().code == Errc::kNoSpace) return stopped_full();
  if (!settled) return fail(settled.error());
  if (!*settled) {
    log::info("store", "the log is durable; many queue files are left to the kernel to write");
    return {};
  }
  ONCE_TRY(disk_.remove(layout_.abort_mark()));
  return disk_.sync_dir(layout_.root);
}

void DiskStore::for_each_queue(const std::function<void(ConsumeQueue&)>& visit) {
  for (LiveQueue* queue : queues_.all()) visit(*queue);
}

Status DiskStore::delete_topic(std::string_view topic) {
  return dispatcher_->while_still([&]() -> Status {
    const std::vector<LiveQueue*> queues = queues_.of_topic(topic);
    ONCE_TRY(dispatcher_->forget(queues));
    if (repair_ && repair_->queue().topic() == topic) repair_.reset();
    const AppendedOffset until = log_->reset_queues(queues);
    ONCE_TRY(deleted_->forget(topic, until.value, files_->min_offset().value));
    return queue_files_.remove_topic(topic);
  });
}

std::vector<LogSpan> DiskStore::query(const KeyQuery& query) {
  std::vector<LogSpan> spans;
  if (!index_) return spans;
  const std::int64_t end = query.end_ms == 0 ? INT64_MAX : query.end_ms;
  const auto max = static_cast<std::size_t>(std::clamp(query.max, 1, 64));
  for (LogOffset offset : index_->find(query.topic, query.key, max, query.begin_ms, end)) {
    auto span = reader_->record(offset);
    if (!span) {
      // An index may lead nowhere: to what is gone with its file, or through a shared hash.
      if (span.error().code != Errc::kMessageNotFound) damage_.record(offset, span.error());
      continue;
    }
    const auto time = reader_->store_time(offset);
    if (time && (*time < query.begin_ms || *time > end)) continue;
    spans.push_back(std::move(*span));
  }
  return spans;
}

QueueOffset DiskStore::offset_by_time(ConsumeQueue& queue, std::int64_t timestamp_ms,
                                      Boundary boundary) {
  return reader_->offset_by_time(static_cast<LiveQueue&>(queue), timestamp_ms, boundary);
}

std::int64_t DiskStore::store_time(ConsumeQueue& queue, QueueOffset offset) {
  const auto entry = Reader::entry(static_cast<LiveQueue&>(queue), offset);
  if (!entry) return -1;
  return reader_->store_time(entry->log_offset).value_or(-1);
}

Status DiskStore::scan(LogOffset from, const std::function<bool(const model::RecordView&)>& visit) {
  LogCursor cursor(*files_, std::max(from, files_->min_offset()), {marks_.committed().value},
                   model::Verify::kNone);
  LogCursor::Step step = cursor.step();
  for (; step == LogCursor::Step::kRecord; step = cursor.step())
    if (!visit(cursor.record())) return {};
  if (step != LogCursor::Step::kEnd) return fail(cursor.error());
  return {};
}

void DiskStore::cool() {
  files_->cool({marks_.committed().value});
}

void DiskStore::housekeep() {
  log_->retry_no_space();
  cool();
  dispatcher_->run_errand();
}

void DiskStore::repair_some() {
  if (gate_.broken()) return;
  if (!repair_) {
    const ConsumeQueue* lost = queue_files_.lost();
    if (lost == nullptr) return;
    const auto& queue = static_cast<const LiveQueue&>(*lost);
    repair_ = std::make_unique<QueueRepair>(*files_, queue_files_, *deleted_,
                                            options_.delay_levels_ms, queue, queue.first(),
                                            queue.persisted(), dispatcher_->dispatched());
  }
  const auto done = repair_->some(kRepairBytes);
  dispatcher_->resync();
  const ConsumeQueue& queue = repair_->queue();
  // The checkpoint counts on these entries already: no start would look for them in the log.
  if (const Status synced = queue_files_.sync(queue); !synced) {
    // What was written may be lost, and no later sync would say so.
    if (synced.error().code != Errc::kNoSpace) return broken(synced.error());
    repair_.reset();  // begins anew
    return;
  }
  if (done && !*done) return;
  if (done)
    log::info("store", "consume queue {}/{}: {} entries made again from the log", queue.topic(),
              queue.queue_id(), repair_->written());
  else
    log::error("store", "consume queue {}/{} cannot be made again: {}", queue.topic(),
               queue.queue_id(), done.error().message);
  queue_files_.repaired(queue);
  repair_.reset();
}

void DiskStore::clean_now() {
  dispatcher_->while_still([this] { retention_->clean_now(); });
}

StoreStats DiskStore::stats() const {
  const Flusher::Counters syncs = flusher_->counters();
  const Retention::Space space = retention_->space();
  const LogOffset min = files_->min_offset();
  const Damage::Counters damage = damage_.counters();
  StoreStats stats{
      .appended = marks_.appended(),
      .flushed = marks_.flushed(),
      .durable = marks_.durable(),
      .committed = marks_.committed(),
      .min_offset = min,
      .dispatch_behind_bytes = marks_.committed().value - dispatcher_->dispatched().value,
      .disk_used_ratio = space.log_used,
      .queue_disk_used_ratio = space.queues_used,
      .disk_full = gate_.has(Refusal::kDiskFull) || gate_.has(Refusal::kNoSpaceLog) ||
                   gate_.has(Refusal::kNoSpaceQueue),
      .damaged_places = damage.places + recovered_.misfits,
      .damaged_reads = damage.reads,
      .syncs = syncs.syncs,
      .sync_ns_total = syncs.ns_total,
      .sync_ns_max = syncs.ns_max,
      .sync_times = flusher_->sync_times(),
      .log_files = files_->all().size(),
      .key_index_bytes = index_ != nullptr ? index_->memory_bytes() : 0,
      .queue_bytes = queues_.memory_bytes() + ring_bytes_.load(std::memory_order_relaxed)};
  if (min.value < stats.committed.value)
    stats.earliest_timestamp = reader_->store_time(min).value_or(-1);
  return stats;
}

}  // namespace oncemq::store
