#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "base/mutex.h"
#include "net/task.h"
#include "os/thread.h"

namespace oncemq::sdk {

// Threads "handler-N" that run tasks. Thread rule: monitor.
class Workers {
 public:
  explicit Workers(std::size_t threads);
  ~Workers();  // runs what was given, then ends the threads; not in a task

  // The giver bounds what waits: a task for each thread.
  void run(net::Task task);
  // Whether this is one of its threads.
  bool in_task() const;

 private:
  void work();

  Mutex mutex_;
  CondVar changed_;
  std::deque<net::Task> tasks_ ONCE_GUARDED_BY(mutex_);
  bool ending_ ONCE_GUARDED_BY(mutex_) = false;
  std::vector<os::Thread> threads_;
};

}  // namespace oncemq::sdk
