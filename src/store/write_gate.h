#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/mutex.h"
#include "base/result.h"

namespace oncemq::store {

// Why appends are refused. Several reasons may stand at once; each is lifted by whoever set it.
enum class Refusal : std::uint8_t {
  kStopped,       // not started, or closed
  kBroken,        // a write or sync failed for good; never lifted
  kNoSpaceLog,    // a log write met ENOSPC; what is staged is tried again by housekeep()
  kNoSpaceQueue,  // a queue or index file met ENOSPC; the dispatcher tries again
  kDiskFull,      // the partition is above its warning level
};
inline constexpr std::size_t kRefusalCount = 5;

// The one place that says whether the store accepts messages. Thread rule: monitor.
class WriteGate {
 public:
  bool open() const { return closed_by_.load(std::memory_order_acquire) == 0; }
  bool broken() const { return has(Refusal::kBroken); }
  bool has(Refusal reason) const {
    return (closed_by_.load(std::memory_order_acquire) & bit(reason)) != 0;
  }
  // The first call with a reason keeps its error; true when the reason was not there yet.
  bool refuse(Refusal reason, Error error);
  void lift(Refusal reason);
  // The gravest standing reason as the caller should report it (kNotWritable), or nothing.
  std::optional<Error> refusal() const;

 private:
  static constexpr std::uint32_t bit(Refusal reason) {
    return 1U << static_cast<std::uint32_t>(reason);
  }

  std::atomic<std::uint32_t> closed_by_{0};
  mutable Mutex mutex_;
  std::array<Error, kRefusalCount> causes_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::store
