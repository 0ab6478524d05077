#include "os/thread.h"

#include <atomic>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/prctl.h>

namespace oncemq::os {
namespace {

TEST(Thread, RunsUnderItsNameAndIsJoined) {
  std::string name;
  {
    Thread thread("flusher", [&] {
      char buffer[16] = {};
      pthread_getname_np(pthread_self(), buffer, sizeof buffer);
      name = buffer;
    });
    EXPECT_TRUE(thread.running());
  }
  EXPECT_EQ(name, "flusher");
}

TEST(Thread, AssignmentJoinsWhatRanBefore) {
  std::atomic<int> done{0};
  Thread thread("first", [&] { ++done; });
  thread = Thread("second", [&] { done += 10; });
  EXPECT_GE(done.load(), 1);
  thread.join();
  EXPECT_EQ(done.load(), 11);
  EXPECT_FALSE(thread.running());
  thread.join();
}

TEST(Thread, WaitsPreciselyWhereItIsAskedTo) {
  int slack_ns = 0;
  Thread thread("load", [&] {
    wait_precisely();
    slack_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  });
  thread.join();
  EXPECT_EQ(slack_ns, 1);
}

TEST(ThreadDeathTest, AnExceptionAtTheEntryStopsTheProcess) {
  EXPECT_DEATH(Thread("broken", [] { throw std::runtime_error("why"); }).join(), "why");
}

TEST(Thread, ProcessorCount) {
  EXPECT_GE(processor_count(), 1U);
}

}  // namespace
}  // namespace oncemq::os
