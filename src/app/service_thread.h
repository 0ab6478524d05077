#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "os/clock.h"
#include "os/thread.h"

namespace oncemq::app {

// The one thread for periodic work: each job says when it wants to run again. Thread rule: monitor;
// jobs run on the thread, one after the other.
class ServiceThread {
 public:
  // Returns the next due time (monotonic ms).
  using Job = std::function<std::int64_t()>;

  explicit ServiceThread(const os::Clock& clock) : clock_(clock) {}
  ~ServiceThread() { stop(); }

  // Before start(). Every job runs once at the start. Returns its number, below 32.
  unsigned add(Job job);
  void start();
  // The job runs soon. Any thread.
  void wake(unsigned job);
  void stop();

 private:
  struct Due {
    Job job;
    std::int64_t at_ms = 0;
  };
  void run();

  const os::Clock& clock_;
  std::vector<Due> jobs_;
  Mutex mutex_;
  CondVar changed_;
  std::uint32_t woken_ ONCE_GUARDED_BY(mutex_) = 0;  // one bit for each job
  bool stopping_ ONCE_GUARDED_BY(mutex_) = false;
  os::Thread thread_;
};

}  // namespace oncemq::app
