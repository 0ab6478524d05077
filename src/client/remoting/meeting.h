#pragma once

#include <optional>
#include <utility>

#include "base/mutex.h"

namespace oncemq::client {

// Where a waiting caller and the loop meet. Thread rule: monitor.
template <class T>
class Meeting {
 public:
  void bring(T value) {
    const MutexLock lock(mutex_);
    value_ = std::move(value);
    there_.notify_one();
  }
  T wait() {
    const MutexLock lock(mutex_);
    while (!value_) there_.wait(mutex_);
    return std::move(*value_);
  }

 private:
  Mutex mutex_;
  CondVar there_;
  std::optional<T> value_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::client
