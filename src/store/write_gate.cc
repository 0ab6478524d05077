#include "store/write_gate.h"

#include <string>
#include <utility>

#include "base/log.h"

namespace oncemq::store {

namespace {

// Reasons that come and go by themselves; start, stop and a broken disk are told elsewhere.
bool is_about_space(Refusal reason) {
  return reason == Refusal::kNoSpaceLog || reason == Refusal::kNoSpaceQueue ||
         reason == Refusal::kDiskFull;
}

}  // namespace

bool WriteGate::refuse(Refusal reason, Error error) {
  const std::string message = error.message;
  {
    MutexLock lock(mutex_);
    if (has(reason)) return false;
    causes_[static_cast<std::size_t>(reason)] = std::move(error);
    closed_by_.fetch_or(bit(reason), std::memory_order_acq_rel);
  }
  if (is_about_space(reason)) log::warn("store", "messages are refused: {}", message);
  return true;
}

void WriteGate::lift(Refusal reason) {
  if (reason == Refusal::kBroken || !has(reason)) return;
  bool accepts = false;
  {
    MutexLock lock(mutex_);
    closed_by_.fetch_and(~bit(reason), std::memory_order_acq_rel);
    accepts = open();
  }
  if (accepts && is_about_space(reason)) log::info("store", "messages are accepted again");
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
