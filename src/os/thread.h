#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace oncemq::os {

// A named thread that is joined on destruction. The name (at most 15 characters) appears in `top
// -H` and has a row in docs/threads.md. An exception that reaches the thread's entry is our own
// mistake: it stops the process.
class Thread {
 public:
  Thread() = default;
  Thread(std::string name, std::function<void()> body);
  ~Thread() { join(); }
  Thread(Thread&&) noexcept = default;
  Thread& operator=(Thread&& other) noexcept;

  void join();
  bool running() const { return thread_.joinable(); }

 private:
  std::thread thread_;
};

// This thread's timed waits end within microseconds; by default the kernel takes 50 more of them to
// wake several threads at once. For what measures time.
void wait_precisely();
// Logical processors that this process may use, at least 1.
unsigned processor_count();
// Number of this process.
std::int64_t process_id();

}  // namespace oncemq::os
