#include "app/service_thread.h"

#include <gtest/gtest.h>

namespace oncemq::app {
namespace {

// Counts runs and lets the test wait for them; a run that never comes ends in the test's own limit.
class Runs {
 public:
  void ran() {
    MutexLock lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  int wait_for(int wanted) {
    MutexLock lock(mutex_);
    while (count_ < wanted) changed_.wait(mutex_);
    return count_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ ONCE_GUARDED_BY(mutex_) = 0;
};

TEST(ServiceThread, EveryJobRunsAtTheStart) {
  os::SystemClock clock;
  ServiceThread service(clock);
  Runs one;
  Runs two;
  const auto later = [&clock] { return clock.monotonic_ms() + 3'600'000; };
  service.add([&] { return one.ran(), later(); });
  service.add([&] { return two.ran(), later(); });
  service.start();
  EXPECT_EQ(one.wait_for(1), 1);
  EXPECT_EQ(two.wait_for(1), 1);
}

TEST(ServiceThread, AJobThatIsWokenRunsAloneAndSoon) {
  os::SystemClock clock;
  ServiceThread service(clock);
  Runs one;
  Runs two;
  const auto later = [&clock] { return clock.monotonic_ms() + 3'600'000; };
  service.add([&] { return one.ran(), later(); });
  const unsigned woken = service.add([&] { return two.ran(), later(); });
  service.start();
  (void)two.wait_for(1);
  service.wake(woken);
  EXPECT_EQ(two.wait_for(2), 2);
  service.stop();
  EXPECT_EQ(one.wait_for(1), 1);
}

TEST(ServiceThread, AJobRunsAgainWhenItWantedTo) {
  os::SystemClock clock;
  ServiceThread service(clock);
  Runs runs;
  service.add([&] { return runs.ran(), clock.monotonic_ms() + 1; });
  service.start();
  EXPECT_GE(runs.wait_for(3), 3);
}

TEST(ServiceThread, AWakeUpDuringAJobIsNotLost) {
  os::SystemClock clock;
  ServiceThread service(clock);
  Runs runs;
  bool first = true;
  service.add([&] {
    if (first) service.wake(0);
    first = false;
    runs.ran();
    return clock.monotonic_ms() + 3'600'000;
  });
  service.start();
  EXPECT_EQ(runs.wait_for(2), 2);
}

}  // namespace
}  // namespace oncemq::app
