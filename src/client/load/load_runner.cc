#include "client/load/load_runner.h"

#include <chrono>
#include <utility>

#include "base/mutex.h"

namespace oncemq::client {

LoadRunner::LoadRunner(const os::Clock& clock) : clock_(clock), shared_(net::Limits{}) {}

Result<std::unique_ptr<LoadRunner>> LoadRunner::open(const os::Clock& clock) {
  std::unique_ptr<LoadRunner> runner(new LoadRunner(clock));
  auto loop = net::EventLoop::open(0, clock, runner->shared_);
  if (!loop) return fail(std::move(loop.error()));
  runner->loop_ = std::move(*loop);
  return runner;
}

LoadRunner::~LoadRunner() {
  stop();
}

void LoadRunner::run() {
  thread_ = os::Thread("load", [this] {
    os::wait_precisely();
    loop_->run();
  });
}

void LoadRunner::on_loop(const std::function<void()>& function) {
  Mutex mutex;
  CondVar done;
  bool ran = false;
  loop_->post([&] {
    function();
    const MutexLock lock(mutex);
    ran = true;
    done.notify_one();
  });
  const MutexLock lock(mutex);
  while (!ran) done.wait(mutex);
}

void LoadRunner::sleep_ms(std::int64_t ms) {
  Mutex mutex;
  CondVar never;
  const std::int64_t end_ms = clock_.monotonic_ms() + ms;
  const MutexLock lock(mutex);
  for (std::int64_t left = ms; left > 0; left = end_ms - clock_.monotonic_ms())
    never.wait_for(mutex, std::chrono::milliseconds(left));
}

void LoadRunner::stop() {
  loop_->stop();
  thread_.join();
}

}  // namespace oncemq::client
