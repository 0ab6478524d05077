#include "store/write_gate.h"

namespace oncemq::store {

bool WriteGate::refuse(Refusal reason, Error error) {
  MutexLock lock(mutex_);
  if (has(reason)) return false;
  causes_[static_cast<std::size_t>(reason)] = std::move(error);
  closed_by_.fetch_or(bit(reason), std::memory_order_acq_rel);
  return true;
}

void WriteGate::lift(Refusal reason) {
  if (reason == Refusal::kBroken) return;
  MutexLock lock(mutex_);
  closed_by_.fetch_and(~bit(reason), std::memory_order_acq_rel);
}

std::optional<Error> WriteGate::refusal() const {
  if (open()) return std::nullopt;
  MutexLock lock(mutex_);
  for (Refusal reason : {Refusal::kBroken, Refusal::kStopped, Refusal::kNoSpaceLog,
                         Refusal::kNoSpaceQueue, Refusal::kDiskFull}) {
    if (has(reason)) {
      return Error{Errc::kNotWritable, causes_[static_cast<std::size_t>(reason)].message};
    }
  }
  return std::nullopt;
}

}  // namespace oncemq::store
