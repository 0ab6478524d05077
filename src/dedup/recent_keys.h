#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "dedup/key.h"
#include "dedup/original.h"

namespace oncemq::dedup {

// The youngest keys, and those whose message is being stored right now. Rows are never moved; when
// they are all taken a new table takes over (DedupIndex).
//
// Memory: 72 bytes for each row, and 32 bytes of slots for each of rows_max; the kernel gives both
// as they are used. Thread rule: external.
class RecentKeys {
 public:
  enum class State : std::uint8_t {
    kReleased,  // free: the message was not stored, or its window is over
    kPending,   // claimed, its message may be stored
    kKnown,
  };
  struct Row {
    MessageKey key;
    Original original;  // pending: log_offset is a bound, the record will not lie before it
    State state = State::kReleased;
    bool saved = false;  // for the owner
  };

  explicit RecentKeys(std::size_t rows_max);

  std::size_t size() const { return rows_.size(); }  // rows, also released ones
  std::size_t live() const { return rows_.size() - free_.size(); }
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

  std::size_t memory() const {
    return rows_.size() * sizeof(Row) + std::min(slots_.size_bytes(), rows_.size() * 2 * kPage);
  }

 private:
  struct Slot {
    std::uint32_t row = 0;    // + 1; 0: free
    std::uint32_t print = 0;  // middle of the hash, so that rows are touched when they match
  };
  struct Free {
    // tidy: malloc: they come from calloc, which leaves untouched pages to the kernel.
    void operator()(Slot* slots) const { std::free(slots); }
  };
  static constexpr std::size_t kPage = 4096;

  template <class Matches>
  std::size_t look(std::uint64_t hash, const Matches& matches) const;
  void put(std::uint64_t hash, std::size_t row);
  void take_out(std::uint64_t hash, std::size_t row);

  // Upper half, whose lower bits choose the slot: so a slot knows where it would like to be.
  static std::uint32_t print(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  std::size_t home(std::uint32_t print) const { return print & (slots_.size() - 1); }

  const std::size_t rows_max_;
  std::vector<Row> rows_;
  std::vector<std::uint32_t> free_;  // released rows
  // Open addressing, linear; each row has a slot by its digest, and one by its key unless another
  // row of that key had one. At most half of it is used.
  std::unique_ptr<Slot[], Free> slots_memory_;
  std::span<Slot> slots_;
};

}  // namespace oncemq::dedup
