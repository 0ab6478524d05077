#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "model/filter.h"
#include "model/message.h"
#include "model/offsets.h"
#include "model/record_codec.h"
#include "os/clock.h"
#include "os/disk.h"
#include "store/watermarks.h"

namespace oncemq::store {

using model::LogOffset;
using model::QueueOffset;

// Keys of broker.conf that concern the store; app fills it from the settings table
// (model/settings.h).
struct StoreOptions {
  std::string root = "./data";
  CommitPolicy policy = CommitPolicy::kFlushed;
  std::uint64_t log_file_size = 1ULL << 30;   // mappedFileSizeCommitLog, bytes; >= 64 KiB
  std::uint64_t queue_file_size = 6'000'000;  // mappedFileSizeConsumeQueue, bytes; multiple of 20
  std::uint32_t index_slots = 5'000'000;      // maxHashSlotNum
  std::uint32_t index_entries = 20'000'000;   // maxIndexNum
  bool index_enabled = true;                  // messageIndexEnable
  std::int32_t max_message_size = 4 << 20;    // bytes of body
  bool append_property_crc = true;            // enabledAppendPropCRC
  std::int32_t sync_flush_timeout_ms = 5000;  // syncFlushTimeout
  std::int32_t flush_interval_ms = 500;       // flushIntervalCommitLog (ASYNC_FLUSH)
  std::uint64_t staging_bytes = 32ULL
                                << 20;  // bound of what is appended but not yet with the kernel
  std::uint64_t zero_ahead_bytes =
      64ULL << 20;                 // SYNC_FLUSH only: window written with zeros ahead of the head
  std::string delete_when = "04";  // hours, ';' separated, local time
  std::int32_t file_reserved_hours = 72;       // fileReservedTime
  std::int32_t disk_max_used_percent = 75;     // diskMaxUsedSpaceRatio
  std::int32_t disk_force_clean_percent = 85;  // diskSpaceCleanForciblyRatio
  std::int32_t disk_warning_percent = 90;  // diskSpaceWarningLevelRatio: sends are refused above
  bool clean_forcibly = true;              // cleanFileForciblyEnable
  std::uint64_t free_space_floor =
      64ULL << 20;  // bytes; below it sends are refused whatever the ratios say
  // Delay levels as ms, for the due time that the schedule topic keeps in its tag field.
  std::vector<std::int64_t> delay_levels_ms;
  // false: start() starts no thread; whoever owns the store calls step() instead (tests,
  // simulation).
  bool threads = true;
};

// A queue (topic, queue id) as a stable handle; lives until the store is closed, also when its
// topic is deleted.
class ConsumeQueue;

// Where a message went.
struct Appended {
  LogOffset log_offset;
  QueueOffset queue_offset;
  std::int64_t store_timestamp = 0;  // ms since epoch
  std::int32_t size = 0;             // record bytes
};

// One message with its queue and its place for the answer.
struct AppendItem {
  model::Message message;
  ConsumeQueue* queue = nullptr;
  Appended result;  // filled on success
};

// A run of records in one mapped file. The pin keeps the bytes readable for as long as it is held.
struct LogSpan {
  Bytes bytes;
  std::shared_ptr<const void> pin;  // shared: sockets hold it until the last byte left
};

enum class ReadStatus : std::uint8_t {
  kFound,
  kNoMatched,     // entries were there, none matched the filter
  kRemoved,       // the log no longer has those records
  kQueueMissing,  // no such queue
  kQueueEmpty,    // nothing was ever stored in it
  kOffsetTooSmall,
  kOffsetAtEnd,    // == max
  kOffsetPastEnd,  // > max
  kEntryMissing,   // hole in the queue's files
};

// Units of work that a filter by properties may take in one pull or pop: 64 evaluations at their
// own bound, about 2 ms of the loop's time.
inline constexpr std::size_t kFilterWorkMax = 64 * model::SqlFilter::kWorkMax;

struct ReadRequest {
  ConsumeQueue* queue = nullptr;  // may be null: kQueueMissing
  QueueOffset offset;
  std::int32_t max_messages = 32;
  std::int32_t max_bytes = 256 << 10;     // the first message is returned whatever its size
  const model::Filter* filter = nullptr;  // null: everything
  // When the filter has taken so much the read ends behind the message that it was spent on, so
  // each read goes on by one message at least.
  std::size_t filter_work = kFilterWorkMax;
};

struct ReadResult {
  ReadStatus status = ReadStatus::kQueueMissing;
  model::Filter::Spending filter;
  QueueOffset next;  // where the reader should go on
  QueueOffset min;
  QueueOffset max;  // exclusive, committed only
  std::int32_t messages = 0;
  std::size_t bytes = 0;
  LogOffset last_log_offset;   // of the last message returned
  std::vector<LogSpan> spans;  // neighbouring records are joined
};

struct KeyQuery {
  std::string_view topic;
  std::string_view key;   // one key, or a unique key
  std::int32_t max = 32;  // <= 64
  std::int64_t begin_ms = 0;
  std::int64_t end_ms = 0;  // inclusive
};

enum class Boundary : std::uint8_t { kLower, kUpper };

// Called when committed advanced. `arrived` lists queues that received committed messages since the
// last call and whose `watch` flag was set. Runs on whichever thread advanced the mark (a loop or
// the flusher), with no lock held; must not block.
using CommitListener = std::function<void(CommittedOffset, std::span<ConsumeQueue* const> arrived)>;

// What the process must do about a broken disk. Called once, with the first cause, from any thread;
// the store refuses writes from then on.
using FatalHandler = std::function<void(const Error&)>;

struct StoreStats {
  AppendedOffset appended;
  FlushedOffset flushed;
  DurableOffset durable;
  CommittedOffset committed;
  LogOffset min_offset;
  std::int64_t dispatch_behind_bytes = 0;
  std::int64_t earliest_timestamp = -1;  // store time of the oldest record, -1 when empty
  double disk_used_ratio = 0;            // of the partition, 0..1
  double queue_disk_used_ratio = 0;
  bool disk_full = false;
  std::uint64_t damaged_places = 0;  // met since the start and not served; store/damage.h
  std::uint64_t damaged_reads = 0;
  std::uint64_t syncs = 0;
  std::uint64_t sync_ns_total = 0;
  std::uint64_t sync_ns_max = 0;
  DurationHistogram::View sync_times;
  std::size_t log_files = 0;
  std::size_t key_index_bytes = 0;  // memory
  std::size_t queue_bytes = 0;
};

// Commit log, consume queues and key index of one broker, in RocketMQ's file formats (store.md),
// written as reliability.md §3.4 asks. Thread rule: monitor, except where a method says otherwise.
class MessageStore {
 public:
  // Loads and recovers the folder, taking its lock first. Progress goes to the log. kInUse (with
  // the holder's pid), kCorrupt (with what is broken and where), kIo, kNoSpace.
  static Result<std::unique_ptr<MessageStore>> open(os::Disk& disk, os::Clock& clock,
                                                    StoreOptions options, FatalHandler on_fatal);
  virtual ~MessageStore() = default;

  // Starts flusher and dispatcher. `listener` as above.
  virtual void start(CommitListener listener) = 0;
  // Without threads: one round of flusher and dispatcher on the caller's thread. True when
  // something was done. Time-driven work (ASYNC_FLUSH interval, checkpoint) is done at once, not
  // waited for.
  virtual bool step() = 0;
  // Refuses new appends, writes and syncs everything, brings queue files, index and checkpoint up
  // to date, removes the abort mark, releases the lock. Idempotent.
  virtual Status close() = 0;

  // ---- writing
  // -------------------------------------------------------------------------------------------------
  // All or none of `items`; consecutive items of one queue get consecutive offsets. The records are
  // *appended*, in order; the caller then calls write_out() once per tick and waits for the
  // returned end with flushed() or committed(). Items that fit into one log file together are never
  // spread over two. kNotWritable (disk full, stopped), kBusy (staging bound, or the disk is
  // behind), kMessageIllegal (record larger than a file).
  virtual Result<AppendedOffset> append(std::span<AppendItem> items) = 0;
  // Brings everything appended so far to the kernel, either itself or through the thread that is
  // doing it right now; in the second case flushed() may still be behind when it returns, and the
  // listener tells. Errors have been remembered and reported; nothing to do for the caller.
  virtual void write_out() = 0;
  virtual const Watermarks& marks() const = 0;
  // Why writes are refused at the moment; empty when they are not.
  virtual std::optional<Error> refusal() const = 0;

  // ---- queues
  // --------------------------------------------------------------------------------------------------
  // Handle of (topic, queue id); created in memory when missing.
  virtual ConsumeQueue& queue(std::string_view topic, std::int32_t queue_id) = 0;
  virtual ConsumeQueue* find_queue(std::string_view topic, std::int32_t queue_id) = 0;
  virtual void for_each_queue(const std::function<void(ConsumeQueue&)>& visit) = 0;
  // Removes the queues' files and forgets their offsets (topic deletion). Handles stay valid and
  // empty.
  virtual Status delete_topic(std::string_view topic) = 0;
  // Whether an earlier process deleted the topic after the record at `offset` was stored. Any
  // thread.
  virtual bool was_deleted(std::string_view topic, LogOffset offset) const = 0;

  // ---- reading (committed records only)
  // ------------------------------------------------------------------------
  virtual ReadResult read(const ReadRequest& request) = 0;
  // kMessageNotFound | kCorrupt.
  virtual Result<LogSpan> read_record(LogOffset offset) = 0;
  // Newest first; hash collisions are not filtered out.
  virtual std::vector<LogSpan> query(const KeyQuery& query) = 0;
  virtual QueueOffset offset_by_time(ConsumeQueue& queue, std::int64_t timestamp_ms,
                                     Boundary boundary) = 0;
  // Store time of a message, -1 when it is not there.
  virtual std::int64_t store_time(ConsumeQueue& queue, QueueOffset offset) = 0;
  virtual LogOffset min_offset() const = 0;
  // Every record from `from` (where one begins, or the log's beginning if that is later) to the
  // committed end, in order, until `visit` says false; the view is valid during the call. kCorrupt
  // when no record begins there, kIo.
  virtual Status scan(LogOffset from,
                      const std::function<bool(const model::RecordView&)>& visit) = 0;

  // ---- retention
  // Log files with bytes at or behind `from` are not deleted until the hold moves; at first there
  // is none.
  virtual void hold(LogOffset from) = 0;
  // End of what retention would have deleted by now if nothing were held; 0 when the hold was in
  // nobody's way.
  virtual LogOffset held_back() const = 0;

  // ---- periodic work (service thread)
  // -------------------------------------------------------------------------- Retention, disk
  // watermarks, retry after a full disk. Waits for no sync: the dispatcher's thread does the rest.
  virtual void housekeep() = 0;
  // Pages of the log that reads brought into memory no longer count for this process, except those
  // near the end. housekeep() does it, too: this is for who reads much in between. Costs as much as
  // the pages: about 0.1 us each. Any thread.
  virtual void cool() = 0;
  // Deletes expired files now, as request 329 asks.
  virtual void clean_now() = 0;
  virtual StoreStats stats() const = 0;
};

}  // namespace oncemq::store
