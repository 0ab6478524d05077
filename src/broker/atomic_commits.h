#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/atomic_record.h"
#include "broker/consumer_offsets.h"
#include "broker/idempotence.h"
#include "broker/options.h"
#include "broker/popper.h"
#include "broker/sender.h"
#include "broker/topic_table.h"
#include "os/clock.h"
#include "store/message_store.h"

namespace oncemq::broker {

// Acks and sends that happen together, as the protocol edge understood them. Views as in
// SendRequest.
struct AtomicCommit {
  std::string_view id;  // the same in each attempt of one commit
  std::span<const PopHandle> acks;
  std::span<const OffsetMove> moves;
  std::span<const SendRequest> sends;  // neither batches nor half messages
};

// The memory of one commit, reused. Thread rule: confined.
class AtomicScratch {
 public:
  // What became of each send, until the next commit.
  SendOutcome outcome(std::size_t send) const { return sends_.outcome(send); }

 private:
  friend class AtomicCommits;
  SendBatch sends_;
  std::deque<std::string> properties_;  // of the sends
  std::vector<Popper::Decided> decided_;
  std::vector<OffsetMove> moves_;
  std::string record_;
};

// Consume-process-produce as one step (docs/atomic-commits.md): the acks of messages and what was
// made of them are decided by one record in the log. Thread rule: monitor; start and tick belong to
// app and the service thread.
class AtomicCommits {
 public:
  // Commits whose answer may have been lost are known for so long, as long as there are no more.
  static constexpr std::int64_t kRememberMs = 600'000;
  static constexpr std::size_t kIdsMax = 1U << 18;  // 110 bytes each: 29 MB
  // Committed and not yet on the disk; beyond, commits are refused as busy.
  static constexpr std::size_t kUnsettledMax = 1U << 16;

  struct Outcome {
    bool repeated = false;  // it was committed by an earlier attempt; nothing was done
    store::AppendedOffset end;
  };
  struct Figures {
    std::uint64_t committed = 0;
    std::uint64_t repeated = 0;
    std::uint64_t fenced = 0;
    std::uint64_t refused = 0;  // for another reason
    std::uint64_t healed = 0;   // at the start, after a crash
  };

  AtomicCommits(const Options& options, TopicTable& topics, ConsumerOffsets& offsets,
                Popper& popper, Sender& sender, Idempotence& idempotence,
                store::MessageStore& store, os::Clock& clock);

  // Brings rows and offsets up to the log's end and stores what a crash cut off. The store has
  // started, Popper and ConsumerOffsets have loaded, and nothing is served yet. kIo, kCorrupt, and
  // whatever an append may refuse with.
  Status start();

  // All or nothing. The caller then calls write_out() and answers when *committed* has reached
  // `end`. kFenced: a handle is stale, or a group is not where the commit says. Of a message, or of
  // the first one that has it: errors of Sender::stage and commit. kInvalidArgument (id, numbers),
  // kTopicNotFound, kMessageNotFound, kNotReady, kBusy, kNotWritable: nothing was done either.
  Result<Outcome> commit(const AtomicCommit& request, AtomicScratch& scratch);

  // Hands what was committed to the kernel; see MessageStore.
  void write_out() { store_.write_out(); }

  // Settles what is on the disk by now.
  void tick();
  // Nothing is committed any more. Idempotent.
  void stop();

  Figures figures() const;
  std::size_t memory_bytes() const;

 private:
  using Place = std::tuple<std::string, std::string, std::int32_t>;  // group, topic, queue
  struct Move {
    Place place;
    std::int64_t from = 0;
    std::int64_t to = 0;
  };
  // In the log; acks and offsets move when the log is on the disk, so that no file is ahead of it.
  struct Unsettled {
    std::int64_t log_end = 0;
    std::int64_t place = 0;  // of its record in the queue
    std::vector<Popper::Decided> acks;
    std::vector<Move> moves;
  };
  struct Known {
    std::int64_t log_end = 0;
    std::int64_t at_ms = 0;
  };
  using Ids = std::unordered_map<std::string, Known, TextHash, std::equal_to<>>;

  static Status check(const AtomicCommit& request);
  // `moves`: as they are to be recorded.
  Status check(std::vector<OffsetMove>& moves) const ONCE_REQUIRES(mutex_);
  Status decide(std::span<const PopHandle> acks, AtomicScratch& scratch);
  Result<Outcome> commit_new(const AtomicCommit& request, AtomicScratch& scratch)
      ONCE_REQUIRES(mutex_);
  void make_head(std::string_view id, std::string_view record, std::string& properties,
                 store::AppendItem& head) const;
  void settle() ONCE_REQUIRES(mutex_);
  void remember(std::string_view id, Known known) ONCE_REQUIRES(mutex_);
  void apply(const AtomicRecord& record, model::QueueOffset place) ONCE_REQUIRES(mutex_);
  Status replay(model::QueueOffset from) ONCE_REQUIRES(mutex_);
  Status heal(const store::LogSpan& last) ONCE_REQUIRES(mutex_);

  const Options& options_;
  TopicTable& topics_;
  ConsumerOffsets& offsets_;
  Popper& popper_;
  Sender& sender_;
  Idempotence& idempotence_;
  store::MessageStore& store_;
  os::Clock& clock_;
  store::ConsumeQueue& queue_;
  std::atomic<bool> ready_{false};

  // Held from looking at the acks over the append to what follows from it.
  mutable Mutex mutex_;
  Ids ids_ ONCE_GUARDED_BY(mutex_);
  std::deque<const std::string*> ids_by_age_ ONCE_GUARDED_BY(mutex_);
  std::deque<Unsettled> unsettled_ ONCE_GUARDED_BY(mutex_);
  // Where groups will be.
  std::map<Place, std::int64_t> moving_ ONCE_GUARDED_BY(mutex_);
  Figures figures_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
