#include "os/random.h"

#include <sys/random.h>

#include "base/check.h"

namespace oncemq::os {

std::uint64_t SystemRandom::next() {
  std::uint64_t value = 0;
  // Up to 256 bytes are never cut and never interrupted once the kernel's pool is filled.
  ONCE_CHECK(::getrandom(&value, sizeof value, 0) == sizeof value, "no random numbers");
  return value;
}

std::uint64_t SeededRandom::next() {
  // SplitMix64: every call takes one step of the counter, so threads share it without a lock.
  std::uint64_t value = state_.fetch_add(kStep, std::memory_order_relaxed) + kStep;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

}  // namespace oncemq::os
