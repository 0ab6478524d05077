#include "store/flusher.h"

#include <algorithm>
#include <chrono>

namespace oncemq::store {

namespace {

// A connection that waits for its answer before it sends again leaves gaps of this order; zeros are
// for longer ones.
constexpr std::chrono::milliseconds kQuiet{2};
constexpr std::int64_t kLowWater = 1 << 20;  // bytes of zeros ahead below which load does not wait
constexpr std::int64_t kBigBatch = 256 << 10;  // its data outweighs the journal commit it costs

}  // namespace

Flusher::Flusher(CommitLog& log, Watermarks& marks, ZeroAhead& zeros, WriteGate& gate,
                 os::Clock& clock, std::int32_t interval_ms)
    : log_(log),
      marks_(marks),
      zeros_(zeros),
      gate_(gate),
      clock_(clock),
      interval_ms_(std::max(interval_ms, 1)) {}

void Flusher::set_callbacks(OnDurable on_durable, OnBroken on_broken) {
  on_durable_ = std::move(on_durable);
  on_broken_ = std::move(on_broken);
}

void Flusher::start() {
  thread_ = os::Thread("flusher", [this] { run(); });
}

void Flusher::stop() {
  stopping_.store(true);
  signal_.set();
  thread_.join();
}

void Flusher::run() {
  if (marks_.policy() == CommitPolicy::kDurable)
    run_durable();
  else
    run_flushed();
}

void Flusher::run_durable() {
  while (!stopping_.load()) {
    if (round()) {
      refill();
    } else if (!zeros_.wanted() || zeros_failed_) {
      signal_.wait();
    } else if (!signal_.wait_for(kQuiet)) {
      (void)idle_step();
    }
  }
}

void Flusher::run_flushed() {
  while (!stopping_.load()) {
    (void)signal_.wait_for(std::chrono::milliseconds(interval_ms_));
    (void)round();
  }
}

bool Flusher::round() {
  const FlushedOffset flushed = marks_.flushed();
  const DurableOffset durable = marks_.durable();
  if (flushed.value <= durable.value || gate_.broken()) return false;
  const std::int64_t begin = clock_.monotonic_ns();
  const Status done = log_.sync({durable.value}, {flushed.value});
  const auto took = static_cast<std::uint64_t>(clock_.monotonic_ns() - begin);
  if (!done) {
    // Whatever a second sync said, the bytes of this one may be gone: no retry.
    on_broken_(done.error());
    return false;
  }
  syncs_.fetch_add(1, std::memory_order_relaxed);
  ns_total_.fetch_add(took, std::memory_order_relaxed);
  sync_times_.add(static_cast<std::int64_t>(took));
  if (took > ns_max_.load(std::memory_order_relaxed)) ns_max_.store(took);
  last_batch_ = flushed.value - durable.value;
  marks_.advance(DurableOffset{flushed.value});
  on_durable_();
  return true;
}

void Flusher::refill() {
  if (zeros_failed_ || last_batch_ > kBigBatch || !zeros_.wanted()) return;
  if (zeros_.ahead() >= kLowWater) return;
  for (std::int64_t done = 0; done < kLowWater; done += ZeroAhead::kStep) {
    const Result<bool> step = zeros_.step();
    if (!step) zeros_failed_ = true;
    if (!step || !*step) return;
  }
}

bool Flusher::idle_step() {
  if (zeros_failed_ || gate_.broken() || !zeros_.wanted()) return false;
  const Result<bool> step = zeros_.step();
  if (!step) {
    // The blocks are reserved, so this is a broken disk; the next commit will say so. Without zeros
    // the store is slower, not wrong.
    zeros_failed_ = true;
    return false;
  }
  if (!*step) {
    zeros_failed_ = false;
    return false;
  }
  if (const Status done = zeros_.sync(); !done) {
    on_broken_(done.error());
    return false;
  }
  return true;
}

Flusher::Counters Flusher::counters() const {
  return {syncs_.load(), ns_total_.load(), ns_max_.load()};
}

}  // namespace oncemq::store
