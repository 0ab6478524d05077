#include "dedup/key_filter.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "dedup/wide.h"

namespace oncemq::dedup {

namespace {

// Upper half of a product: spreads a hash evenly over [0, n).
std::size_t scale(std::uint64_t hash, std::size_t n) {
  return static_cast<std::size_t>((static_cast<Wide>(hash) * n) >> 64);
}

}  // namespace

KeyFilter::KeyFilter(std::uint64_t keys)
    : cells_(std::max<std::uint64_t>(2, keys / 4 * 5 / 16 + 1)) {}

KeyFilter::Place KeyFilter::place(std::uint64_t key) const {
  // Odd constants from the digits of pi and e.
  const std::uint64_t mixed = significant(key) * 0x243F'6A88'85A3'08D3ULL;
  const std::uint64_t again = (mixed ^ (mixed >> 32)) * 0xADF8'5458'A2BB'4A9BULL;
  return {.first = scale(mixed, cells_.size()),
          .second = scale(again, cells_.size()),
          .print = static_cast<std::uint16_t>((again >> kTagBits) << kTagBits)};
}

void KeyFilter::prefetch(std::uint64_t key) const {
  const Place at = place(key);
  __builtin_prefetch(&cells_[at.first]);
  __builtin_prefetch(&cells_[at.second]);
}

void KeyFilter::add(std::span<const std::uint64_t> keys, unsigned tag) {
  constexpr std::size_t kAhead = 16;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i + kAhead < keys.size()) prefetch(keys[i + kAhead]);
    add(keys[i], tag);
  }
}

KeyFilter::Mask KeyFilter::find(std::uint64_t key) const {
  const Place at = place(key);
  Mask found = 0;
  const auto look = [&](const Bucket& bucket) {
    for (std::uint16_t cell : bucket.cells) {
      const bool same = ((cell ^ at.print) >> kTagBits) == 0;
      found |= static_cast<Mask>(same) << (cell & (kTags - 1));
    }
  };
  look(cells_[at.first]);
  look(cells_[at.second]);
  return (found | always_) & ~Mask{1};  // free cells say 0
}

void KeyFilter::add(std::uint64_t key, unsigned tag) {
  ONCE_CHECK(tag > 0 && tag < kTags);
  const Place at = place(key);
  const auto cell = static_cast<std::uint16_t>(at.print | tag);
  Bucket* best = nullptr;
  unsigned best_free = 0;
  for (Bucket* bucket : {&cells_[at.first], &cells_[at.second]}) {
    unsigned same = 0;
    unsigned free = 0;
    for (std::uint16_t other : bucket->cells) {  // without a branch: one pass of vector code
      same += other == cell ? 1U : 0U;
      free += other == 0 ? 1U : 0U;
    }
    if (same != 0) return;
    if (free > best_free) {
      best = bucket;
      best_free = free;
    }
  }
  if (best == nullptr) {
    ++overflowed_[tag];
    always_ |= Mask{1} << tag;
    return;
  }
  *std::find(best->cells.begin(), best->cells.end(), 0) = cell;
}

std::size_t KeyFilter::remove(unsigned tag, std::size_t first, std::size_t buckets) {
  const std::size_t end = std::min(cells_.size(), first + buckets);
  for (std::size_t i = first; i < end; ++i)
    for (std::uint16_t& cell : cells_[i].cells)
      if ((cell & (kTags - 1)) == tag) cell = 0;
  if (end == cells_.size()) {
    overflowed_[tag] = 0;
    always_ &= ~(Mask{1} << tag);
  }
  return end;
}

std::uint64_t KeyFilter::overflowed() const {
  return std::accumulate(overflowed_.begin(), overflowed_.end(), std::uint64_t{0});
}

}  // namespace oncemq::dedup
