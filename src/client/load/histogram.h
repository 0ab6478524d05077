#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace oncemq::client {

// Counts of durations with a relative error below 1/64: exact below 128 ns, then 64 steps per power
// of two. 30 KiB. Thread rule: external.
class Histogram {
 public:
  void add(std::int64_t ns);
  void merge(const Histogram& other);

  std::uint64_t count() const { return count_; }
  std::int64_t max() const { return max_; }
  double mean() const;
  // The least duration that is not exceeded by `share` (0 ... 1) of the values, rounded up to the
  // end of its step; 0 without values.
  std::int64_t quantile(double share) const;

 private:
  static constexpr unsigned kStepBits = 6;
  static constexpr std::size_t kSlots = (64 - kStepBits) << kStepBits;
  static std::size_t slot_of(std::uint64_t ns);
  static std::int64_t end_of(std::size_t slot);

  std::array<std::uint64_t, kSlots> counts_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace oncemq::client
