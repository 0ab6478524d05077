#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/mutex.h"
#include "base/result.h"
#include "dedup/journal.h"
#include "dedup/key.h"
#include "dedup/key_filter.h"
#include "dedup/original.h"
#include "dedup/partition.h"
#include "dedup/recent_keys.h"
#include "model/offsets.h"
#include "os/disk.h"
#include "os/random.h"
#include "store/state_file.h"

namespace oncemq::dedup {

struct DedupIndexOptions {
  std::string folder;
  // Keys that are remembered before the oldest are given up early.
  std::uint64_t keys_max = 20'000'000;
  // Room for young keys at least: they leave only when they are durable, which takes a while at any
  // rate. 64 to 107 bytes of memory for each that is used.
  std::uint64_t rows_min = 1U << 19;
  // An empty folder begins here: nothing before it is asked for.
  std::int64_t begin = 0;
  // Sends that nobody may have meant twice: oldest store time that counts, behind the present.
  std::int64_t window_ms = 86'400'000;  // of the topic with the longest one
};

// What became of a message that was claimed.
struct Settled {
  MessageKey key;
  std::optional<Original> stored;  // nothing: it was not appended
};

// One message that is about to be stored.
struct Ask {
  MessageKey key;
  std::int64_t since_ms = 0;  // originals that were stored earlier do not count
  bool refuse_other_body = false;
};

enum class Verdict : std::uint8_t {
  kNew,        // claimed: store it, then confirm() or release()
  kOtherBody,  // the key is known with another body; claimed as above unless refuse_other_body
  kDuplicate,  // stored before: `original`
  kUndecided,  // the original is being stored, or the index can't tell: the sender shall try again
};

struct Answer {
  Verdict verdict = Verdict::kNew;
  Original original;
};

// Which keys were stored in the last hours, and where (docs/idempotent-produce.md). Derived from
// the log: what is not saved here is read from the log's tail after a crash, so that a key is
// known exactly when its message survived.
//
// Thread rule: monitor. open, restore and close belong to one thread before and after; step()
// belongs to one thread at a time.
class DedupIndex {
 public:
  // Reads the folder, or begins with an empty one. `log_end`: end of the log as recovered; what the
  // index knows beyond it is forgotten. kIo, kNoSpace; kCorrupt when the list of files is broken.
  static Result<std::unique_ptr<DedupIndex>> open(os::Disk& disk, os::Random& random,
                                                  DedupIndexOptions options, std::int64_t log_end);

  // ---- before anything is sent
  // Messages from here on are not in the files: the owner reads the log from here and calls
  // restore(). Empty folder: options.begin.
  std::int64_t covered() const { return covered_; }
  // A message of the log. No effect when it is known. kIo, kNoSpace.
  Status restore(const MessageKey& key, const Original& original);

  const KeyHasher& hasher() const { return hasher_; }

  // ---- sending
  // One answer for each ask, in order; a send that comes twice in `asks` is undecided the second
  // time. `appended`: end of the log, read before. Whoever got a claim stores the message at once
  // and then says what became of it. Reads at most a block of a file, rarely, without a lock.
  void claim(std::span<const Ask> asks, std::span<Answer> answers, model::AppendedOffset appended);
  // What became of claimed messages, each once. A key is known from now on when its message was
  // appended; a sender that gets this original waits until it is committed.
  void settle(std::span<const Settled> settled);

  // ---- periodic work, every second or so
  // Saves what is durable, closes and deletes partitions. kNoSpace, kIo: nothing is lost, it is
  // tried again; when that lasts, claims become undecided.
  Status step(model::DurableOffset durable, std::int64_t now_ms);
  // So many keys are young that step() should come soon: when there are a third more, sends are
  // undecided.
  bool crowded() const { return crowded_.load(std::memory_order_relaxed); }
  // Longest window of all topics.
  void set_window(std::int64_t window_ms) {
    window_ms_.store(window_ms, std::memory_order_relaxed);
  }
  // Saves what is durable. Nothing is sent any more.
  Status close(model::DurableOffset durable);

  struct Stats {
    std::uint64_t keys = 0;  // remembered
    std::uint64_t partitions = 0;
    std::uint64_t memory = 0;  // bytes
    std::uint64_t file_bytes = 0;
    std::uint64_t evicted = 0;  // keys that were given up before their window was over
    std::uint64_t lost = 0;     // keys of files that could not be read
    std::int64_t covered = 0;
  };
  Stats stats() const;

 private:
  static constexpr unsigned kPartitions = 20;  // that keys_max is cut into
  static constexpr unsigned kSpans = 8;        // that a window is cut into

  struct Sealed {
    std::uint64_t id = 0;
    unsigned tag = 0;
    std::shared_ptr<const Partition> partition;
  };
  // By tag; shared: lookups in flight keep the files that they read.
  using Table = std::array<std::shared_ptr<const Partition>, KeyFilter::kTags>;

  DedupIndex(os::Disk& disk, DedupIndexOptions options);

  // A start.
  Status load(os::Random& random, std::int64_t log_end);
  Status load_list(std::int64_t log_end);
  Status begin_anew();
  Status end_reading_again();
  Status load_partition(const Json& row, std::int64_t log_end);
  Status load_journals(std::int64_t log_end);
  void prefetch(std::span<const PartitionEntry> entries) const;
  Status remove_strangers();
  Status restore(const MessageKey& key, const Original& original, bool saved);

  // Sending.
  Answer claim_recent(const Ask& ask, model::AppendedOffset appended) ONCE_REQUIRES(mutex_);
  void look_at(const Ask& ask, KeyFilter::Mask mask, const Table& table, Answer& answer) const;
  void release_refused(std::span<const Ask> asks, std::span<const Answer> answers);
  void release_row(const MessageKey& key) ONCE_REQUIRES(mutex_);

  // Periodic work.
  Status save_rows(model::DurableOffset durable);
  bool is_ripe(std::int64_t now_ms) const;
  bool sealing() const;
  Status begin_sealing();
  void rotate(std::unique_ptr<RecentKeys> fresh, bool carry);
  Status make_partition_of_journals();
  Status make_partition();
  Status make_filter();
  Status add_to_filter(const Sealed& sealed);
  Status drop_oldest(bool early);
  void publish();
  Status save_list();

  std::string path(std::uint64_t id) const;
  std::string journal_path(std::uint64_t number) const;
  std::uint64_t sealed_keys() const;
  unsigned free_tag() const;  // 0: none
  std::size_t rows_max() const {
    return std::max<std::size_t>(partition_keys_ + partition_keys_ / 2 + 1, options_.rows_min);
  }
  std::unique_ptr<RecentKeys> take_spare();
  void recycle(std::unique_ptr<RecentKeys> done);

  os::Disk& disk_;
  const DedupIndexOptions options_;
  const std::size_t partition_keys_;
  std::uint64_t seed_ = 0;
  KeyHasher hasher_{0};
  std::atomic<std::int64_t> window_ms_;
  std::atomic<bool> crowded_{false};

  // Of the thread that calls step().
  store::StateFile list_;
  std::vector<Sealed> sealed_;  // oldest first
  std::uint64_t next_id_ = 1;
  std::int64_t covered_ = 0;
  bool read_again_ = false;  // covered_ was set back, and no journal has what lies behind it yet
  std::unique_ptr<Journal> journal_;
  std::uint64_t first_journal_ = 1;  // oldest that is needed
  std::uint64_t journal_number_ = 1;
  std::vector<PartitionEntry> to_save_;
  std::size_t unsaved_ = 0;  // rows that the last look had to leave
  std::vector<Partition::Ref> refs_;
  std::uint64_t filter_keys_ = 0;  // that filter_ has room for

  mutable Mutex mutex_;
  std::unique_ptr<RecentKeys> recent_ ONCE_GUARDED_BY(mutex_);
  std::size_t first_unsaved_ ONCE_GUARDED_BY(mutex_) = 0;        // row of recent_
  std::unique_ptr<RecentKeys> sealing_ ONCE_GUARDED_BY(mutex_);  // until its partition is there
  std::unique_ptr<RecentKeys> spare_ ONCE_GUARDED_BY(mutex_);    // empty; or null
  std::unique_ptr<KeyFilter> filter_ ONCE_GUARDED_BY(mutex_);
  std::shared_ptr<const Table> table_ ONCE_GUARDED_BY(mutex_);  // shared: see Table
  Stats stats_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::dedup
