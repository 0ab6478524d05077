#include "app/service_thread.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"

namespace oncemq::app {

unsigned ServiceThread::add(Job job) {
  ONCE_CHECK(jobs_.size() < 32 && !thread_.running());
  jobs_.push_back({std::move(job)});
  return static_cast<unsigned>(jobs_.size() - 1);
}

void ServiceThread::start() {
  thread_ = os::Thread("service", [this] { run(); });
}

void ServiceThread::wake(unsigned job) {
  {
    MutexLock lock(mutex_);
    woken_ |= 1U << job;
  }
  changed_.notify_all();
}

void ServiceThread::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ServiceThread::run() {
  constexpr std::int64_t kLongestMs = 60'000;
  std::uint32_t asked = UINT32_MAX;
  for (;;) {
    std::int64_t next_ms = clock_.monotonic_ms() + kLongestMs;
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      Due& due = jobs_[i];
      if ((asked >> i & 1U) != 0 || due.at_ms <= clock_.monotonic_ms()) due.at_ms = due.job();
      next_ms = std::min(next_ms, due.at_ms);
    }
    MutexLock lock(mutex_);
    while (woken_ == 0 && !stopping_) {
      const std::int64_t left_ms = next_ms - clock_.monotonic_ms();
      if (left_ms <= 0) break;
      (void)changed_.wait_for(mutex_, std::chrono::milliseconds(left_ms));
    }
    if (stopping_) return;
    asked = std::exchange(woken_, 0);
  }
}

}  // namespace oncemq::app
