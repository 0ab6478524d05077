#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/mutex.h"

namespace oncemq::store {

// Wakes one thread. set() costs one atomic exchange while that thread is busy; a set() that comes
// before the wait is not lost. Thread rule: monitor; wait() by one thread.
class Signal {
 public:
  void set() {
    if (state_.exchange(kSet) != kWaiting) return;
    MutexLock lock(mutex_);  // the waiter is between its check and its sleep, or asleep
    condition_.notify_one();
  }

  void wait() { (void)wait_or_give_up(nullptr); }
  // False when the time passed without set().
  bool wait_for(std::chrono::milliseconds timeout) { return wait_or_give_up(&timeout); }
  // Takes a set() that came meanwhile, without waiting.
  bool take() { return state_.exchange(kIdle) == kSet; }

 private:
  enum State : std::uint32_t { kIdle, kSet, kWaiting };

  bool wait_or_give_up(const std::chrono::milliseconds* timeout) {
    std::uint32_t expected = kIdle;
    if (state_.compare_exchange_strong(expected, kWaiting)) {
      MutexLock lock(mutex_);
      while (state_.load() != kSet) {
        if (timeout == nullptr) {
          condition_.wait(mutex_);
        } else if (!condition_.wait_for(mutex_, *timeout)) {  // woken for nothing: starts anew
          expected = kWaiting;
          if (state_.compare_exchange_strong(expected, kIdle)) return false;
        }
      }
    }
    state_.store(kIdle);
    return true;
  }

  std::atomic<std::uint32_t> state_{kIdle};
  Mutex mutex_;
  CondVar condition_;
};

}  // namespace oncemq::store
