#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "oncemq/message.h"

namespace oncemq::sdk {

// What handlers saw. Thread rule: monitor.
class Inbox {
 public:
  void add(const Delivery& delivery) {
    const MutexLock lock(mutex_);
    all_.push_back(delivery);
    changed_.notify_all();
  }
  void add(std::span<const Delivery> batch) {
    for (const Delivery& delivery : batch) add(delivery);
  }
  std::vector<Delivery> all() {
    const MutexLock lock(mutex_);
    return all_;
  }
  // Waits until that many different bodies are there.
  std::set<std::string> bodies(std::size_t count) {
    const MutexLock lock(mutex_);
    for (;;) {
      std::set<std::string> bodies;
      for (const Delivery& delivery : all_) bodies.insert(delivery.message.body);
      if (bodies.size() >= count) return bodies;
      changed_.wait(mutex_);
    }
  }
  // Waits until that many deliveries are there.
  std::vector<Delivery> deliveries(std::size_t count) {
    const MutexLock lock(mutex_);
    while (all_.size() < count) changed_.wait(mutex_);
    return all_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<Delivery> all_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::sdk
