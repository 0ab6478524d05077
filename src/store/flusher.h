#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/metrics.h"
#include "base/result.h"
#include "os/clock.h"
#include "os/thread.h"
#include "store/commit_log.h"
#include "store/signal.h"
#include "store/watermarks.h"
#include "store/write_gate.h"
#include "store/zero_ahead.h"

namespace oncemq::store {

// Makes flushed bytes durable. One round syncs everything that is flushed when it begins; what
// comes meanwhile forms the next round, so that commits group themselves without a timer.
//   SYNC_FLUSH:  rounds follow each other while something is flushed and not durable; quiet moments
//                go into zeros ahead of the head.
//   ASYNC_FLUSH: one round per interval.
// A failed sync is final: the error is reported once and durable never moves again.
// Thread rule: monitor; round() and idle_step() by one thread at a time (thread "flusher").
class Flusher {
 public:
  using OnDurable = std::function<void()>;  // without a lock, after durable has advanced
  using OnBroken = std::function<void(const Error&)>;

  Flusher(CommitLog& log, Watermarks& marks, ZeroAhead& zeros, WriteGate& gate, os::Clock& clock,
          std::int32_t interval_ms);
  void set_callbacks(OnDurable on_durable, OnBroken on_broken);

  void start();
  void stop();
  // Something was flushed (SYNC_FLUSH).
  void wake() { signal_.set(); }

  // True when durable advanced.
  bool round();
  // A piece of zeros, with its own sync so that the next commit does not pay for it. True when
  // there was something to do.
  bool idle_step();

  struct Counters {
    std::uint64_t syncs = 0;
    std::uint64_t ns_total = 0;
    std::uint64_t ns_max = 0;
  };
  Counters counters() const;
  DurationHistogram::View sync_times() const { return sync_times_.view(); }

 private:
  void run();
  void run_durable();
  void run_flushed();
  // Under load there are no quiet moments; this keeps the head from leaving the zeros.
  void refill();

  CommitLog& log_;
  Watermarks& marks_;
  ZeroAhead& zeros_;
  WriteGate& gate_;
  os::Clock& clock_;
  const std::int32_t interval_ms_;
  OnDurable on_durable_;
  OnBroken on_broken_;

  Signal signal_;
  std::atomic<bool> stopping_{false};
  bool zeros_failed_ = false;  // flusher only
  std::int64_t last_batch_ = 0;
  std::atomic<std::uint64_t> syncs_{0};
  std::atomic<std::uint64_t> ns_total_{0};
  std::atomic<std::uint64_t> ns_max_{0};
  DurationHistogram sync_times_;
  os::Thread thread_;
};

}  // namespace oncemq::store
