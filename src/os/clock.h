#pragma once

#include <cstdint>

namespace oncemq::os {

// Thread rule: monitor.
class Clock {
 public:
  virtual ~Clock() = default;
  // Milliseconds since 1970 UTC. May jump in both directions.
  virtual std::int64_t wall_ms() const = 0;
  // Nanoseconds since an arbitrary start, never decreasing.
  virtual std::int64_t monotonic_ns() const = 0;
  // Broken-down local time, for deleteWhen and index file names.
  struct Local {
    int year, month, day, hour, minute, second, millisecond;
  };
  virtual Local local(std::int64_t wall_ms) const = 0;

  std::int64_t monotonic_ms() const { return monotonic_ns() / 1'000'000; }
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  std::int64_t wall_ms() const override;
  std::int64_t monotonic_ns() const override;
  Local local(std::int64_t wall_ms) const override;
};

// Moves only when told; local time is UTC. Thread rule: monitor.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t wall_ms = 1'700'000'000'000) : wall_ms_(wall_ms) {}
  std::int64_t wall_ms() const override { return __atomic_load_n(&wall_ms_, __ATOMIC_RELAXED); }
  std::int64_t monotonic_ns() const override {
    return __atomic_load_n(&monotonic_ns_, __ATOMIC_RELAXED);
  }
  Local local(std::int64_t wall_ms) const override;

  void advance_ms(std::int64_t ms) {
    __atomic_fetch_add(&wall_ms_, ms, __ATOMIC_RELAXED);
    __atomic_fetch_add(&monotonic_ns_, ms * 1'000'000, __ATOMIC_RELAXED);
  }
  // The wall clock alone jumps, as an operator or NTP would make it.
  void jump_ms(std::int64_t ms) { __atomic_fetch_add(&wall_ms_, ms, __ATOMIC_RELAXED); }

 private:
  std::int64_t wall_ms_;
  std::int64_t monotonic_ns_ = 1'000'000'000;
};

}  // namespace oncemq::os
