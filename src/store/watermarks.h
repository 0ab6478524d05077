#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "model/offsets.h"

namespace oncemq::store {

using model::AppendedOffset;
using model::CommittedOffset;
using model::DurableOffset;
using model::FlushedOffset;

// What an OK to a sender promises.
enum class CommitPolicy : std::uint8_t {
  kFlushed,  // ASYNC_FLUSH: in the kernel; survives the death of the process
  kDurable,  // SYNC_FLUSH: on stable storage; survives the death of the machine
};

// The four ends of the log, and the one place where *committed* is computed. Each value only grows;
// readers need no lock. Invariant: appended >= flushed >= durable, and committed <= flushed.
// Replicas will take part here: committed is then also bounded by what the in-sync set holds.
// Thread rule: monitor (atomics).
class Watermarks {
 public:
  Watermarks(CommitPolicy policy, std::int64_t end)
      : policy_(policy), appended_(end), flushed_(end), durable_(end) {}

  // Sequentially consistent, because "advance, then look who watches" races with "watch, then look
  // how far it is" (ConsumeQueue::set_watched).
  AppendedOffset appended() const { return {appended_.load()}; }
  FlushedOffset flushed() const { return {flushed_.load()}; }
  DurableOffset durable() const { return {durable_.load()}; }
  CommittedOffset committed() const {
    return {policy_ == CommitPolicy::kFlushed ? flushed().value : durable().value};
  }
  CommitPolicy policy() const { return policy_; }

  // Each advances to `end` if it is higher. appended: append lock held. flushed: writer role held.
  // durable: flusher thread.
  void advance(AppendedOffset end) { raise(appended_, end.value); }
  void advance(FlushedOffset end) { raise(flushed_, end.value); }
  void advance(DurableOffset end) { raise(durable_, end.value); }

 private:
  static void raise(std::atomic<std::int64_t>& mark, std::int64_t end) {
    if (end > mark.load(std::memory_order_relaxed)) mark.store(end);
  }

  const CommitPolicy policy_;
  std::atomic<std::int64_t> appended_;
  std::atomic<std::int64_t> flushed_;
  std::atomic<std::int64_t> durable_;
};

}  // namespace oncemq::store
