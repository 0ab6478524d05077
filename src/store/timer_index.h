#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "os/disk.h"

namespace oncemq::store {

// Timers are ordered by due time, then by arrival (offset in the wheel queue). Thread rule:
// immutable value.
struct TimerKey {
  std::int64_t due_ms = 0;
  std::int64_t offset = 0;
  auto operator<=>(const TimerKey&) const = default;
};

struct TimerEntry {
  TimerKey key;
  std::int64_t log_offset = 0;  // of the timer's record
};

// Which timers are due when: one file of entries per hour of due time, in order of arrival
// (docs/timers.md, Index). Derived data: it is made again from the wheel queue when it is missing
// or broken, so nothing here is synced except at an orderly stop. Memory: about 40 bytes per hour
// with timers (960 for 40 days), kBufferMax of unwritten entries, and what a Load holds. Thread
// rule: confined.
class TimerIndex {
 public:
  static constexpr std::int64_t kSpanMs = 3'600'000;
  static constexpr std::size_t kEntrySize = 24;
  static constexpr std::size_t kBufferMax = 1 << 20;

  // Start of the hour -> entries in its file.
  using Spans = std::map<std::int64_t, std::uint64_t>;

  static std::int64_t span_of(std::int64_t due_ms) { return due_ms - due_ms % kSpanMs; }

  TimerIndex(os::Disk& disk, std::string folder) : disk_(disk), folder_(std::move(folder)) {}

  // Takes over the files of an earlier process, cut to `spans`; files that are not in it are
  // removed. kCorrupt when one is missing or shorter, kIo | kNoSpace.
  Status open(const Spans& spans);
  // Removes all files. kIo.
  Status clear();

  // Times are >= 0. Buffered; kept when an implied flush fails, and tried again with the next.
  void add(const TimerEntry& entry);
  // The timer `key` will not be delivered (recalled, moved).
  void remove(const TimerKey& key);

  // Bytes that are not with the kernel. Above kBufferMax they could not be written: the caller adds
  // no more until they could.
  std::size_t buffered() const { return buffered_; }

  // Entries to the kernel. kNoSpace | kIo.
  Status flush();
  // Everything durable. kNoSpace | kIo.
  Status sync();
  // After flush().
  Spans spans() const;
  // The files of hours that end at or before `due_ms` are no longer listed, and are deleted by
  // collect(): after the caller has saved spans().
  void forget_before(std::int64_t due_ms);
  Status collect();

  // Start of the first hour with entries that ends behind `due_ms`.
  std::optional<std::int64_t> next_span(std::int64_t due_ms) const;

  // Selects the smallest `limit` keys >= `from` of one hour. Reading goes in steps, so that a large
  // hour does not stop other work; entries that are added meanwhile are seen.
  class Load {
   public:
    Load(std::int64_t span, TimerKey from, std::size_t limit)
        : span_(span), from_(from), limit_(limit) {}

    // Valid when step() said true. Sorted, without the removed.
    std::vector<TimerEntry> take() { return std::move(result_); }
    // All keys in [from, horizon) are in the result; the next load starts there.
    TimerKey horizon() const { return horizon_; }
    std::size_t memory_bytes() const {
      return heap_.capacity() * sizeof(Row) + result_.capacity() * sizeof(TimerEntry);
    }

   private:
    friend class TimerIndex;
    struct Row {
      TimerKey key;
      std::int64_t log_offset;  // kRemoved: the timer is removed
      bool operator<(const Row& other) const { return key < other.key; }
    };
    void offer(const Row& row);
    void finish();

    const std::int64_t span_;
    const TimerKey from_;
    const std::size_t limit_;
    std::uint64_t read_ = 0;  // entries
    bool truncated_ = false;
    std::vector<Row> heap_;  // the smallest so far, the largest of them in front
    std::vector<TimerEntry> result_;
    TimerKey horizon_;
  };
  // Reads up to `budget` entries; true when the load is complete. kCorrupt | kIo | kNoSpace.
  Result<bool> step(Load& load, std::size_t budget);

 private:
  static constexpr std::int64_t kRemoved = -1;
  struct Span {
    std::uint64_t written = 0;  // entries in the file
    std::string buffer;
  };

  std::string path(std::int64_t span) const;
  void put(const TimerKey& key, std::int64_t log_offset);
  Status flush(std::int64_t start, Span& span);

  os::Disk& disk_;
  const std::string folder_;
  std::map<std::int64_t, Span> spans_;
  std::size_t buffered_ = 0;
  std::vector<std::int64_t> forgotten_;
};

}  // namespace oncemq::store
