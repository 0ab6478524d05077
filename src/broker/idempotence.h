#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/idempotence_policy.h"
#include "broker/options.h"
#include "broker/topic_table.h"
#include "dedup/dedup_index.h"
#include "model/record_codec.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/random.h"
#include "os/thread.h"
#include "store/message_store.h"

namespace oncemq::broker {

// What became of sends to idempotent topics since the start. Thread rule: monitor (atomics).
struct IdempotenceCounters {
  std::atomic<std::uint64_t> suppressed{0};   // duplicates that were not stored
  std::atomic<std::uint64_t> shadowed{0};     // duplicates that were stored all the same
  std::atomic<std::uint64_t> other_body{0};   // known key, other body: stored
  std::atomic<std::uint64_t> refused{0};      // the same: refused
  std::atomic<std::uint64_t> undecided{0};    // told to try again
  std::atomic<std::uint64_t> without_key{0};  // stored, because they have no key
};

// Keeps the index of remembered keys while a topic wants one: makes it with the first idempotent
// topic, brings it up to the log's end at a start, and runs its periodic work on a thread of its own
// ("keys"), because sorting a partition takes longer than others on the service thread may wait.
// Thread rule: monitor; start, tick and stop belong to app and the service thread.
class Idempotence {
 public:
  Idempotence(const Options& options, TopicTable& topics, store::MessageStore& store,
              os::Disk& disk, os::Clock& clock, os::Random& random);
  ~Idempotence();

  // The store has started and nothing is sent yet. kIo, kNoSpace, kCorrupt.
  Status start();
  // Service thread: makes the index when a topic has become idempotent.
  void tick();
  // Nothing is sent any more.
  void stop();
  // Without a thread (tests, simulation): one round of periodic work.
  Status step();

  // Null while there is none: sends to idempotent topics have to wait for it.
  dedup::DedupIndex* index() const { return index_.load(std::memory_order_acquire); }
  // The key of a message; empty when it has none.
  static std::string_view key_of(const IdempotencePolicy& policy, std::string_view unique_key,
                                 std::string_view properties);
  IdempotenceCounters& counters() { return counters_; }

 private:
  static constexpr std::int64_t kIntervalMs = 500;

  // Of the idempotent topics; 0 when there is none.
  std::int64_t longest_window() const;
  Status open();
  // Keys of messages that the index's files do not have yet.
  Status restore(dedup::DedupIndex& index);
  Status restore(dedup::DedupIndex& index, const model::RecordView& record);
  void run();

  const Options& options_;
  TopicTable& topics_;
  store::MessageStore& store_;
  os::Disk& disk_;
  os::Clock& clock_;
  os::Random& random_;
  IdempotenceCounters counters_;
  std::unique_ptr<dedup::DedupIndex> owned_;
  std::atomic<dedup::DedupIndex*> index_{nullptr};
  std::int64_t retry_at_ms_ = 0;  // service thread

  Mutex mutex_;
  CondVar stopping_;
  bool stop_ ONCE_GUARDED_BY(mutex_) = false;
  os::Thread thread_;
};

}  // namespace oncemq::broker
