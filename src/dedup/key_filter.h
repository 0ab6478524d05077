#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "os/large_memory.h"

namespace oncemq::dedup {

// Where a key may be remembered: for each key of each sealed partition a cell of two bytes, 5 bits
// that name the partition and 11 bits of the key. A key has two buckets of 16 cells in one page; a
// lookup touches two half cache lines. "Not there" is certain; a key that is nowhere is said to be
// in some partition once in about 80 lookups when the table is full.
//
// Pages are in the order of keys: a sorted partition goes through the table from its beginning to
// its end. Keys are hashes that nobody outside can choose, so all pages get the same share.
//
// Memory: 2.5 bytes for each key that was announced (capacity), whether it is there or not. Thread
// rule: external.
class KeyFilter {
 public:
  // Partitions are named 1..31; a mask has bit n for partition n.
  static constexpr unsigned kTags = 32;
  using Mask = std::uint32_t;

  // Room for `keys` keys: the table is then four fifths full.
  explicit KeyFilter(std::uint64_t keys);

  // Bits of `key` that matter. Whoever has these can add() it again.
  static constexpr unsigned kKeyBits = 48;
  static std::uint64_t significant(std::uint64_t key) { return key >> (64 - kKeyBits); }

  // Brings what find() and add() will touch nearer; a loop over keys in no order does it some keys
  // ahead.
  void prefetch(std::uint64_t key) const;
  // Where a key may be.
  Mask find(std::uint64_t key) const;
  // The key is in the partition. When there is no room, find() names that partition always.
  void add(std::uint64_t key, unsigned tag);
  // Fast when they are sorted: then a page is in the cache for all of its keys.
  void add(std::span<const std::uint64_t> keys, unsigned tag);
  // Clears the partition's cells in `count` buckets from `first`; returns where to go on, or
  // buckets() when all are done. Then the name may be used again.
  std::size_t remove(unsigned tag, std::size_t first, std::size_t count);

  std::size_t buckets() const { return buckets_.size(); }
  std::size_t memory() const { return buckets_.size_bytes(); }
  // Keys that found no room, of the partitions that are there.
  std::uint64_t overflowed() const;

 private:
  static constexpr unsigned kTagBits = 5;
  static constexpr unsigned kPrintBits = 16 - kTagBits;
  static constexpr unsigned kPageBuckets = 128;
  struct alignas(32) Bucket {
    std::array<std::uint16_t, 16> cells{};  // 0: free
  };
  struct Place {
    std::size_t first;  // bucket
    std::size_t second;
    std::uint16_t print;  // in the upper 11 bits
  };
  Place place(std::uint64_t key) const;
  static std::size_t other(std::size_t bucket, std::uint16_t cell);
  Bucket* make_room(const Place& at);

  Bucket& bucket(std::size_t at) { return buckets_[at]; }
  const Bucket& bucket(std::size_t at) const { return buckets_[at]; }

  const std::uint64_t pages_;
  os::LargeMemory memory_;
  std::span<Bucket> buckets_;
  std::array<std::uint64_t, kTags> overflowed_{};
  Mask always_ = 0;
};

}  // namespace oncemq::dedup
