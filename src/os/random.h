#pragma once

#include <atomic>
#include <cstdint>

namespace oncemq::os {

// Source of chance; seeded in tests. Thread rule: monitor.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;
  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
};

// The kernel's.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;
};

// The same numbers for the same seed (as long as one thread asks).
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override;
  void seed(std::uint64_t seed) { state_.store(seed, std::memory_order_relaxed); }

 private:
  static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15ULL;
  std::atomic<std::uint64_t> state_;
};

}  // namespace oncemq::os
