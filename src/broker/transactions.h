#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/broker_stats.h"
#include "broker/consumer_offsets.h"
#include "broker/idempotence.h"
#include "broker/options.h"
#include "broker/send_batch.h"
#include "broker/topic_table.h"
#include "broker/transaction_index.h"
#include "broker/transaction_listing.h"
#include "broker/transaction_records.h"
#include "broker/transaction_states.h"
#include "model/offsets.h"
#include "os/clock.h"
#include "os/disk.h"
#include "store/message_store.h"

namespace oncemq::broker {

enum class Verdict : std::uint8_t { kCommit, kRollback };

// A producer's verdict (request 37). Views must live until the batch is staged.
struct EndTransaction {
  std::string_view group;
  model::QueueOffset half;  // in the half queue
  model::LogOffset log;     // of the same record
  std::string_view message_id;
  std::string_view transaction_id;
  Verdict verdict = Verdict::kRollback;
};

// The verdicts of one loop tick. Thread rule: confined.
class TransactionBatch {
 public:
  struct Outcome {
    std::optional<Error> error;
    // The answer may leave when *committed* has reached this; also that of kInvalidArgument, which
    // tells of another verdict.
    store::AppendedOffset end;
  };

  bool empty() const { return requests_.empty(); }
  std::size_t size() const { return requests_.size(); }
  std::int64_t half(std::size_t request) const { return requests_[request].half; }
  std::size_t bytes() const { return bytes_; }
  // After Transactions::commit.
  const Outcome& outcome(std::size_t request) const { return requests_[request].outcome; }
  void clear();

 private:
  friend class Transactions;

  struct Request {
    std::int64_t half = 0;
    TransactionState verdict = TransactionState::kOpen;
    bool found_visible = false;  // an earlier broker committed it and had no time for an op record
    std::uint64_t identity = 0;  // of one that was there at start; its copies have the same
    const TopicEntry* topic = nullptr;
    store::AppendItem item;  // of a commit, a discard or a resumed message; without queue: none
    std::size_t place = 0;   // of the item in the append
    bool appended = false;
    std::optional<std::size_t> claim;  // of a commit to an idempotent topic
    Outcome outcome;
  };

  std::vector<Request> requests_;
  Claims claims_;
  std::vector<store::LogSpan> pins_;
  Arena arena_;
  std::size_t bytes_ = 0;
};

// The verdicts: takes them, once each, and remembers them (docs/transactions.md). Thread rule:
// monitor; start, stop and tick belong to app and the service thread.
class Transactions {
 public:
  Transactions(const Options& options, TopicTable& topics, ConsumerOffsets& offsets,
               Idempotence& idempotence, store::MessageStore& store, BrokerStats& stats,
               os::Disk& disk, os::Clock& clock);

  // Reads the index, brings it up to the log's end and heals what a crash cut off. The store has
  // started and nothing is sent yet. kIo, and whatever an append may refuse with.
  Status start();
  // Saves what is durable. Idempotent.
  void stop();
  // Saves the index now and then, and publishes the progress that an Apache broker needs.
  void tick();

  // Checks that the request names a half message and adds the verdict to the batch; returns its
  // number in it. kMessageNotFound (no such half message, or its offsets, group or id do not belong
  // together), kTopicNotFound, kMessageIllegal, kNotReady, kIo.
  Result<std::size_t> stage(const EndTransaction& request, TransactionBatch& batch);
  // The same for an operator, who names it by its half-queue offset only.
  Result<std::size_t> stage(std::int64_t half, Verdict verdict, TransactionBatch& batch);
  // What becomes of a half message that was asked about too often, or of one that `record` (from
  // the topic of the discarded) shall go on as. kMessageNotFound, kBusy.
  Result<std::size_t> stage_discard(const model::RecordView& record, std::int32_t checks,
                                    TransactionBatch& batch);
  Result<std::size_t> stage_resume(model::LogOffset discarded, TransactionBatch& batch);
  // Takes the verdicts: each is appended with its op record, in order. Outcomes: OK, also for a
  // repeated verdict; kInvalidArgument for the opposite one or a transaction that went on
  // elsewhere; kBusy, kNotWritable, kKeyConflict: nothing was decided. A commit whose message was
  // stored before (idempotent topics) is taken without storing it again.
  void commit(TransactionBatch& batch);

  // After start().
  bool ready() const { return ready_.load(std::memory_order_acquire); }
  TransactionIndex& index() { return index_; }
  TransactionListing& listing() { return listing_; }

 private:
  // Bytes of one append: with its op record it always fits the store's staging.
  static constexpr std::size_t kAppendBytes = 4U << 20;
  // Commits of inherited half messages that the key index may not have yet: it is behind by the
  // requests of a second or so, and by 4,096 of these only when more than as many were committed.
  static constexpr std::size_t kRecent = 4096;
  // What a run changes is put back when its append is refused.
  struct Before {
    std::int64_t half = 0;
    TransactionState state = TransactionState::kOpen;
    std::int32_t checks = 0;
  };

  Status delay(const HalfMessage& half, store::AppendItem& item, Arena& arena) const;
  Result<std::size_t> stage_half(const HalfMessage& half, std::int64_t offset, Verdict verdict,
                                 store::LogSpan pin, TransactionBatch& batch);
  bool is_visible(const HalfMessage& half) const;
  bool is_recent(std::uint64_t identity) const ONCE_REQUIRES(index_.mutex);
  using Run = std::span<TransactionBatch::Request* const>;
  void settle(Run requests, const Claims& claims) ONCE_REQUIRES(index_.mutex);
  void settle_run(Run run, const Claims& claims) ONCE_REQUIRES(index_.mutex);
  void judge(TransactionBatch::Request& request, const Claims& claims) ONCE_REQUIRES(index_.mutex);
  void decide(TransactionBatch::Request& request, TransactionState state, bool with_message)
      ONCE_REQUIRES(index_.mutex);
  Status claim(const HalfMessage& half, TransactionBatch& batch) const;
  // What the request's claim says of its commit: whether to store the message, or why not to
  // commit.
  static Result<bool> stores(const TransactionBatch::Request& request, const Claims& claims);
  void settle_claims(TransactionBatch& batch);
  void count(const TransactionBatch& batch);

  const Options& options_;
  TopicTable& topics_;
  Idempotence& idempotence_;
  store::MessageStore& store_;
  BrokerStats& stats_;
  os::Clock& clock_;
  const TopicEntry* half_topic_ = nullptr;
  const TopicEntry* op_topic_ = nullptr;
  TransactionIndex index_;
  TransactionListing listing_;
  std::atomic<bool> ready_{false};

  std::vector<std::uint64_t> recent_ ONCE_GUARDED_BY(index_.mutex);  // a ring
  std::size_t recent_next_ ONCE_GUARDED_BY(index_.mutex) = 0;
  // Scratch of a run.
  std::vector<store::AppendItem> items_ ONCE_GUARDED_BY(index_.mutex);
  std::vector<OpEntry> entries_ ONCE_GUARDED_BY(index_.mutex);
  std::vector<Before> before_ ONCE_GUARDED_BY(index_.mutex);
  Arena arena_ ONCE_GUARDED_BY(index_.mutex);
};

}  // namespace oncemq::broker
