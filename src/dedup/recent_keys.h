#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dedup/key.h"
#include "dedup/original.h"
#include "os/large_memory.h"

namespace oncemq::dedup {

// The youngest keys, and those whose message is being stored right now. Rows are never moved; when
// they are all taken a new table takes over (DedupIndex).
//
// Memory: 64 bytes for each row, and 22 to 43 bytes of slots for each of rows_max; the kernel gives
// both as they are used. Thread rule: external.
class RecentKeys {
 public:
  enum class State : std::uint8_t {
    kReleased,  // free: the message was not stored, or its window is over
    kPending,   // claimed, its message may be stored
    kKnown,
  };
  struct alignas(64) Row {  // one cache line
    PartitionEntry entry;   // pending: log_offset is a bound, the record will not lie before it
    State state = State::kReleased;
    bool saved = false;  // for the owner
  };
  static_assert(sizeof(Row) == 64);

  explicit RecentKeys(std::size_t rows_max);
  // As new, but with its memory: taking that from the kernel costs more than all else that is done
  // for a key.
  void clear();

  std::size_t size() const { return size_; }  // rows, also released ones
  std::size_t live() const { return size_ - free_.size(); }
  bool full() const { return live() >= rows_max_; }
  Row& row(std::size_t number) { return rows_[number]; }
  const Row& row(std::size_t number) const { return rows_[number]; }

  // As KeyFilter::prefetch.
  void prefetch(const MessageKey& key) const;
  // Of the same send; null when there is none. Valid until the next add().
  Row* find(const MessageKey& key);
  // Is there a row of this key, whatever its body?
  bool has_key(std::uint64_t key) const;
  // Not full, and find() gives null. The number of the row, which may have been another's.
  std::size_t add(const MessageKey& key, const Original& original, State state);
  void release(Row& row);
  // The same of a table that nobody adds to any more: faster.
  void abandon(Row& row);

  std::size_t memory() const {
    const std::size_t used = std::max(used_, size_);
    return used * sizeof(Row) + std::min(slots_.size_bytes(), used * 2 * os::LargeMemory::kPage);
  }

 private:
  struct Slot {
    std::uint32_t row = 0;    // + 1; 0: free
    std::uint32_t print = 0;  // middle of the hash, so that rows are touched when they match
  };
  template <class Matches>
  std::size_t look(std::uint64_t hash, const Matches& matches) const;
  void put(std::uint64_t hash, std::size_t row);
  void take_out(std::uint64_t hash, std::size_t row);

  // Upper half, whose lower bits choose the slot: so a slot knows where it would like to be.
  static std::uint32_t print(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  std::size_t home(std::uint32_t print) const { return print & (slots_.size() - 1); }

  const std::size_t rows_max_;
  os::LargeMemory rows_memory_;
  std::span<Row> rows_;
  std::size_t size_ = 0;
  std::size_t used_ = 0;             // rows before clear(), whose memory is here still
  std::vector<std::uint32_t> free_;  // released rows
  // Open addressing, linear; each row has a slot by its digest, and one by its key unless another
  // row of that key had one. At most three quarters of it are used.
  os::LargeMemory slots_memory_;
  std::span<Slot> slots_;
};

}  // namespace oncemq::dedup
