#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "model/message.h"
#include "os/clock.h"
#include "os/disk.h"
#include "store/index_file.h"
#include "store/layout.h"

namespace oncemq::store {

// Finds messages by topic and key: unique key, and each part of KEYS (store.md §7). Hash index over
// files named by the time they were made. Thread rule: monitor; everything but find() comes from
// the dispatcher role. The lock is held for single small reads of a query, as no message waits for
// it.
class KeyIndex {
 public:
  // Loads what is there. `clean`: the slots on disk may be trusted. Files of another size, or
  // without a sensible header, are an error (kCorrupt). Entries at or behind `log_end` are dropped
  // by recover().
  static Result<std::unique_ptr<KeyIndex>> open(os::Disk& disk, os::Clock& clock,
                                                const Layout& layout, IndexGeometry geometry,
                                                bool clean);

  // Unclean start: drops what lies at or behind `end` of the log. Keys of records behind are added
  // again.
  Status recover(LogOffset end);
  // The newest record that is indexed, or -1: records up to it are ignored by add().
  LogOffset end_offset() const;

  // Of all files.
  std::uint64_t entries() const;
  // Of the file that grows. Takes no lock.
  std::size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

  // Indexes the record's keys. kNoSpace | kIo.
  Status add(const model::RecordView& record);
  // What was added reaches the kernel.
  Status write_out();
  // And the disk.
  Status checkpoint();
  // With the slots: the files are complete for any reader.
  Status finish();
  // Store time up to which finished files are complete.
  std::int64_t durable_timestamp() const;

  // Offsets of records that may carry the key, newest first; other keys of the same hash are among
  // them.
  std::vector<LogOffset> find(std::string_view topic, std::string_view key, std::size_t max,
                              std::int64_t begin_ms, std::int64_t end_ms);
  // Removes files that only speak of records below `min`.
  Status remove_below(LogOffset min);
  // Removes everything.
  Status clear();

  static std::int32_t hash(std::string_view topic, std::string_view key);

 private:
  KeyIndex(os::Disk& disk, os::Clock& clock, Layout layout, IndexGeometry geometry)
      : disk_(disk), clock_(clock), layout_(std::move(layout)), geometry_(geometry) {}
  Status roll() ONCE_REQUIRES(mutex_);
  std::string new_name() const ONCE_REQUIRES(mutex_);
  void find_in(IndexFile& file, std::int32_t hash, std::size_t max, std::int64_t begin_ms,
               std::int64_t end_ms, std::vector<LogOffset>& found) ONCE_REQUIRES(mutex_);

  os::Disk& disk_;
  os::Clock& clock_;
  const Layout layout_;
  const IndexGeometry geometry_;
  std::atomic<std::size_t> memory_bytes_{0};
  mutable Mutex mutex_;
  std::vector<std::shared_ptr<IndexFile>> files_ ONCE_GUARDED_BY(mutex_);  // oldest first
  std::int64_t durable_timestamp_ ONCE_GUARDED_BY(mutex_) = 0;
  std::vector<std::int32_t> hashes_ ONCE_GUARDED_BY(mutex_);  // of the record being added
};

}  // namespace oncemq::store
