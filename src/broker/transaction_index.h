#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/consumer_offsets.h"
#include "broker/options.h"
#include "broker/topic_table.h"
#include "broker/transaction_records.h"
#include "broker/transaction_states.h"
#include "os/clock.h"
#include "os/disk.h"
#include "store/message_store.h"

namespace oncemq::broker {

// What became of each half message, by its offset in the half queue: derived from the log, healed
// after a crash, and saved beside the log so that a start need not read much of it
// (docs/transactions.md). It decides nothing.
//
// Thread rule: monitor; start, stop and tick belong to app and the service thread. Whoever decides
// holds `mutex` from get() over the append of the verdict to set(), so that there is one verdict.
class TransactionIndex {
 public:
  TransactionIndex(const Options& options, ConsumerOffsets& offsets, store::MessageStore& store,
                   os::Disk& disk, os::Clock& clock);

  // Reads the index, brings it up to the log's end and writes the op records that a crash cut off.
  // The store has started and nothing is sent yet. kIo, and whatever an append may refuse with.
  Status start(const TopicEntry& half_topic, const TopicEntry& op_topic);
  // The following come after start(). stop() saves what is durable.
  void stop();
  // Saves the index now and then, and publishes the progress that an Apache broker needs.
  void tick();

  // ---- half messages
  const store::ConsumeQueue& half_queue() const { return *half_queue_; }
  // Half messages below were there at start.
  std::int64_t inherited_end() const { return inherited_end_; }
  // Records of the half queue from an offset on.
  store::ReadResult half_records(std::int64_t half, std::int32_t max_messages,
                                 std::int32_t max_bytes) const;
  // One of them. kMessageNotFound.
  Result<store::LogSpan> half_record(std::int64_t half) const;

  // ---- what became of them
  // First open half message in [from, end of the half queue); the end when there is none.
  std::int64_t next_open(std::int64_t from) const;
  bool is_open(std::int64_t half) const;
  std::int64_t open_count() const;
  std::int32_t checks(std::int64_t half) const;
  // No effect on one that is decided meanwhile.
  void set_checks(std::int64_t half, std::int32_t checks);
  // A half message that an Apache broker stored again, or whose record is gone: closed without a
  // verdict of ours.
  void close_foreign(std::int64_t half);
  // The state, read from disk when it has to be. kIo, kCorrupt.
  Result<TransactionState> state(std::int64_t half);
  // Has it in memory, for get(). kIo, kCorrupt.
  Status ensure_present(std::int64_t half);
  std::int64_t segments_in_memory() const;

  // ---- for a verdict
  mutable Mutex mutex;
  bool is_present(std::int64_t half) const ONCE_REQUIRES(mutex) { return states_.present(half); }
  // Of one that is present.
  TransactionState get(std::int64_t half) const ONCE_REQUIRES(mutex);
  std::int32_t checks_of(std::int64_t half) const ONCE_REQUIRES(mutex) {
    return states_.checks(half);
  }
  void set(std::int64_t half, TransactionState state) ONCE_REQUIRES(mutex);
  // The append was refused.
  void put_back(std::int64_t half, TransactionState state, std::int32_t checks)
      ONCE_REQUIRES(mutex);
  // The op record at that offset of its queue was appended.
  void note_ops(std::int64_t op, std::span<const OpEntry> entries) ONCE_REQUIRES(mutex);

 private:
  static constexpr std::int64_t kSaveIntervalMs = 10'000;
  // Log behind the saved index that a start may have to read.
  static constexpr std::int64_t kUnreadBytes = 256LL << 20;
  // Rows of op records that are not yet behind the first open half message; beyond, neighbours are
  // merged: at most 16 bytes each.
  static constexpr std::size_t kOpRowsMax = 4096;

  struct OpRow {
    std::int64_t op = 0;        // first op record of the row
    std::int64_t max_half = 0;  // largest half-queue offset in it
  };
  struct Pending {
    TransactionStates::Snapshot snapshot;
    std::int64_t half_progress = 0;
    std::int64_t op_progress = 0;
  };

  Status recover(std::int64_t log_end);
  Result<std::int64_t> replay_ops(std::int64_t from);
  Status heal_torn(std::int64_t from);
  std::optional<std::int64_t> committed_half(const model::RecordView& record) const;
  Status append_ops(std::span<const OpEntry> entries);
  void apply(const OpEntry& entry) ONCE_REQUIRES(mutex);
  void note_op(std::int64_t op, std::int64_t max_half) ONCE_REQUIRES(mutex);
  void save();
  void take_snapshot() ONCE_REQUIRES(mutex);
  void save_pending();

  const Options& options_;
  ConsumerOffsets& offsets_;
  store::MessageStore& store_;
  os::Clock& clock_;
  const TopicEntry* op_topic_ = nullptr;
  store::ConsumeQueue* half_queue_ = nullptr;
  store::ConsumeQueue* op_queue_ = nullptr;
  std::int64_t inherited_end_ = 0;
  std::int64_t next_save_ms_ = 0;     // service thread
  std::int64_t saved_log_end_ = 0;    // service thread
  std::unique_ptr<Pending> pending_;  // service thread

  // For its read() and write(), which touch the disk and no state: no lock across them.
  const TransactionStates& states_on_disk() const ONCE_NO_ANALYSIS { return states_; }
  TransactionStates states_ ONCE_GUARDED_BY(mutex);
  std::int64_t floor_ ONCE_GUARDED_BY(mutex) = 0;  // nothing below is open
  std::deque<OpRow> op_rows_ ONCE_GUARDED_BY(mutex);
  bool changed_ ONCE_GUARDED_BY(mutex) = false;
};

}  // namespace oncemq::broker
