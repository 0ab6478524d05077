#include "os/thread.h"

#include <exception>
#include <utility>

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/check.h"

namespace oncemq::os {

Thread::Thread(std::string name, std::function<void()> body) {
  ONCE_CHECK(name.size() <= 15, "thread name longer than the kernel keeps");
  thread_ = std::thread([name = std::move(name), body = std::move(body)] {
    ::pthread_setname_np(::pthread_self(), name.c_str());
    try {
      body();
    } catch (const std::exception& error) {
      check_failed("no exception reaches the thread's entry", name.c_str(), 0, error.what());
    }
  });
}

Thread& Thread::operator=(Thread&& other) noexcept {
  join();
  thread_ = std::move(other.thread_);
  return *this;
}

void Thread::join() {
  if (thread_.joinable()) thread_.join();
}

void wait_precisely() {
  ONCE_CHECK(::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL) == 0);
}

unsigned processor_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count > 0 ? static_cast<unsigned>(count) : 1;
}

std::int64_t process_id() {
  return ::getpid();
}

}  // namespace oncemq::os
