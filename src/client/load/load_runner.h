#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "client/load/load.h"
#include "net/event_loop.h"
#include "os/clock.h"
#include "os/thread.h"

namespace oncemq::client {

// An event loop on a thread of its own ("load") for loads. Thread rule: confined to the thread that
// made it.
class LoadRunner {
 public:
  static Result<std::unique_ptr<LoadRunner>> open(const os::Clock& clock);
  ~LoadRunner();

  net::EventLoop& loop() { return *loop_; }
  void run();
  // Runs a function on the loop and waits for it.
  void on_loop(const std::function<void()>& function);
  void sleep_ms(std::int64_t ms);
  // Ends the connections; loads may go afterwards.
  void stop();

 private:
  explicit LoadRunner(const os::Clock& clock);

  const os::Clock& clock_;
  net::Shared shared_;
  std::unique_ptr<net::EventLoop> loop_;
  os::Thread thread_;
};

}  // namespace oncemq::client
