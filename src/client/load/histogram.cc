#include "client/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace oncemq::client {

// With e = how far the value is shifted to have 7 bits, the slot is e * 64 + (value >> e): e = 0
// fills slots 0 ... 127, every further e the next 64.
std::size_t Histogram::slot_of(std::uint64_t ns) {
  const auto width = static_cast<unsigned>(std::bit_width(ns));
  const unsigned shift = width > kStepBits + 1 ? width - kStepBits - 1 : 0;
  return (static_cast<std::size_t>(shift) << kStepBits) + static_cast<std::size_t>(ns >> shift);
}

std::int64_t Histogram::end_of(std::size_t slot) {
  const std::size_t shift = slot < (2U << kStepBits) ? 0 : (slot >> kStepBits) - 1;
  const std::uint64_t first = (slot - (shift << kStepBits)) << shift;
  return static_cast<std::int64_t>(first + (std::uint64_t{1} << shift) - 1);
}

void Histogram::add(std::int64_t ns) {
  ns = std::max<std::int64_t>(ns, 0);
  ++counts_[slot_of(static_cast<std::uint64_t>(ns))];
  ++count_;
  sum_ += static_cast<double>(ns);
  max_ = std::max(max_, ns);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kSlots; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

double Histogram::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::int64_t Histogram::quantile(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kSlots; ++i) {
    seen += counts_[i];
    if (seen >= wanted) return std::min(end_of(i), max_);
  }
  return max_;
}

}  // namespace oncemq::client
