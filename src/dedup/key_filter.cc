#include "dedup/key_filter.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "dedup/wide.h"

namespace oncemq::dedup {

KeyFilter::KeyFilter(std::uint64_t keys)
    : pages_(keys / 4 * 5 / (kPageBuckets * sizeof(Bucket) / sizeof(std::uint16_t)) + 1),
      memory_(pages_ * kPageBuckets * sizeof(Bucket)),
      buckets_(reinterpret_cast<Bucket*>(memory_.data()), pages_ * kPageBuckets) {}

// The upper bits of the key choose the page, the lowest 18 of those that matter the rest: up to
// 2^30 pages they are others. In a page the order of keys must not matter: keys that fill bucket
// after bucket would find the last ones full.
KeyFilter::Place KeyFilter::place(std::uint64_t key) const {
  const std::uint64_t bits = significant(key);
  const auto page = static_cast<std::size_t>((static_cast<Wide>(bits) * pages_) >> kKeyBits);
  const auto print = static_cast<std::uint16_t>(bits << kTagBits);
  const std::size_t first = page * kPageBuckets + (bits >> kPrintBits) % kPageBuckets;
  return {.first = first, .second = other(first, print), .print = print};
}

// The other bucket of a cell, which can be told without its key: so a cell can be moved.
std::size_t KeyFilter::other(std::size_t bucket, std::uint16_t cell) {
  return bucket ^ ((cell >> kTagBits) % (kPageBuckets - 1) + 1);
}

void KeyFilter::prefetch(std::uint64_t key) const {
  const Place at = place(key);
  __builtin_prefetch(&bucket(at.first));
  __builtin_prefetch(&bucket(at.second));
}

KeyFilter::Mask KeyFilter::find(std::uint64_t key) const {
  const Place at = place(key);
  Mask found = 0;
  const auto look = [&](const Bucket& some) {
    for (std::uint16_t cell : some.cells) {
      const bool same = ((cell ^ at.print) >> kTagBits) == 0;
      found |= static_cast<Mask>(same) << (cell & (kTags - 1));
    }
  };
  look(bucket(at.first));
  look(bucket(at.second));
  return (found | always_) & ~Mask{1};  // free cells say 0
}

void KeyFilter::add(std::uint64_t key, unsigned tag) {
  ONCE_CHECK(tag > 0 && tag < kTags);
  const Place at = place(key);
  const auto cell = static_cast<std::uint16_t>(at.print | tag);
  Bucket* best = nullptr;
  unsigned best_free = 0;
  for (Bucket* some : {&bucket(at.first), &bucket(at.second)}) {
    unsigned same = 0;
    unsigned free = 0;
    for (std::uint16_t other : some->cells) {  // without a branch: one pass of vector code
      same += other == cell ? 1U : 0U;
      free += other == 0 ? 1U : 0U;
    }
    if (same != 0) return;
    if (free > best_free) {
      best = some;
      best_free = free;
    }
  }
  if (best == nullptr) best = make_room(at);
  if (best == nullptr) {
    ++overflowed_[tag];
    always_ |= Mask{1} << tag;
    return;
  }
  *std::find(best->cells.begin(), best->cells.end(), 0) = cell;
}

void KeyFilter::add(std::span<const std::uint64_t> keys, unsigned tag) {
  constexpr std::size_t kAhead = 8;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i + kAhead < keys.size()) prefetch(keys[i + kAhead]);
    add(keys[i], tag);
  }
}

// Moves a cell of the two full buckets into its other one. Null: those are full, too.
KeyFilter::Bucket* KeyFilter::make_room(const Place& at) {
  for (std::size_t full : {at.first, at.second})
    for (std::uint16_t& cell : bucket(full).cells) {
      auto& cells = bucket(other(full, cell)).cells;
      const auto free = std::find(cells.begin(), cells.end(), 0);
      if (free == cells.end()) continue;
      *free = std::exchange(cell, std::uint16_t{0});
      return &bucket(full);
    }
  return nullptr;
}

std::size_t KeyFilter::remove(unsigned tag, std::size_t first, std::size_t count) {
  const std::size_t end = std::min(buckets(), first + count);
  for (std::size_t i = first; i < end; ++i)
    for (std::uint16_t& cell : bucket(i).cells)
      if ((cell & (kTags - 1)) == tag) cell = 0;
  if (end == buckets()) {
    overflowed_[tag] = 0;
    always_ &= ~(Mask{1} << tag);
  }
  return end;
}

std::uint64_t KeyFilter::overflowed() const {
  return std::accumulate(overflowed_.begin(), overflowed_.end(), std::uint64_t{0});
}

}  // namespace oncemq::dedup
