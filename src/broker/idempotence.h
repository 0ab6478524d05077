#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/claims.h"
#include "broker/duplicate_report.h"
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

// Which sends are stored and which were stored before (docs/idempotent-produce.md). Keeps the index
// of remembered keys while a topic wants one: makes it with the first idempotent topic, brings it
// up to the log's end at a start, and runs its periodic work on a thread of its own ("keys"),
// because sorting a partition takes longer than others on the service thread may wait. Thread rule:
// monitor; start, tick and stop belong to app and the service thread.
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

  // ---- sending
  // A message of a client for `topic`, which is idempotent. `claim` says where it goes; its policy,
  // topic and key are filled here. Nothing is added when the message has no key. kBusy: the index
  // is being made.
  Status add(const TopicEntry& topic, std::string_view unique_key, std::string_view properties,
             Bytes body, Claim claim, Claims& claims);
  // What becomes of each. Whoever got kStore appends the message at once and calls settle().
  void decide(Claims& claims);
  // As Claim::stored says; of other decisions than kStore it does not matter.
  void settle(Claims& claims);
  // A message that was stored without a claim: what a crash had cut off, at a start.
  Status remember(const model::RecordView& record);
  // What is remembered of a message that was appended.
  static dedup::Original original(const store::Appended& appended, std::int32_t queue_id);

  // ---- figures
  const DuplicateReport& report() const { return report_; }
  // All zero while there is no index.
  dedup::DedupIndex::Stats stats() const;

 private:
  static constexpr std::int64_t kIntervalMs = 500;

  dedup::DedupIndex* index() const { return index_.load(std::memory_order_acquire); }
  // Of the idempotent topics; 0 when there is none.
  std::int64_t longest_window() const;
  // An index that is not there yet begins at `begin`.
  Status open(store::LogOffset begin);
  // Keys of messages that the index's files do not have yet.
  Status restore(dedup::DedupIndex& index);
  Status restore(dedup::DedupIndex& index, const model::RecordView& record);
  static std::string_view key_of(const model::IdempotencePolicy& policy,
                                 std::string_view unique_key, std::string_view properties);
  Claim::Decision decision(Claims& claims, std::size_t number, bool& sorted, std::int64_t now_ms);
  void run();

  const Options& options_;
  TopicTable& topics_;
  store::MessageStore& store_;
  os::Disk& disk_;
  os::Clock& clock_;
  os::Random& random_;
  DuplicateReport report_;
  std::unique_ptr<dedup::DedupIndex> owned_;
  std::atomic<dedup::DedupIndex*> index_{nullptr};
  // Of the service thread.
  std::int64_t retry_at_ms_ = 0;
  std::optional<model::DataVersion> seen_topics_;

  // Asks the thread to come now, at most once in kHurryMs.
  void hurry(std::int64_t now_ms);
  static constexpr std::int64_t kHurryMs = 50;
  std::atomic<std::int64_t> hurried_ms_{0};  // wall clock, when the thread was asked to come
  std::atomic<bool> failing_{false};         // the last step; nobody hurries the next one

  Mutex mutex_;
  CondVar wake_;
  bool stop_ ONCE_GUARDED_BY(mutex_) = false;
  os::Thread thread_;
};

}  // namespace oncemq::broker
