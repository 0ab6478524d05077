#include "client/sdk/workers.h"

#include <string>
#include <utility>

#include "base/check.h"

namespace oncemq::sdk {
namespace {

thread_local const Workers* current = nullptr;  // whose thread this is

}  // namespace

Workers::Workers(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i)
    threads_.emplace_back("handler-" + std::to_string(i), [this] { work(); });
}

Workers::~Workers() {
  ONCE_CHECK(!in_task(), "a consumer cannot end in its own handler");
  {
    const MutexLock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  threads_.clear();
}

void Workers::run(net::Task task) {
  const MutexLock lock(mutex_);
  tasks_.push_back(std::move(task));
  changed_.notify_one();
}

bool Workers::in_task() const {
  return current == this;
}

void Workers::work() {
  current = this;
  for (;;) {
    net::Task task;
    {
      const MutexLock lock(mutex_);
      while (tasks_.empty() && !ending_) changed_.wait(mutex_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace oncemq::sdk
