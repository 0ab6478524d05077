#include "os/process.h"

#include <csignal>

#include <gtest/gtest.h>

#include "os/thread.h"

namespace oncemq::os {
namespace {

TEST(Process, KnowsItselfAndItsMachine) {
  EXPECT_FALSE(host_name().empty());
  const auto addresses = host_addresses();
  ASSERT_FALSE(addresses.empty());
  bool loopback_seen = false;
  for (const std::string& address : addresses) {
    const bool loopback = address.rfind("127.", 0) == 0;
    EXPECT_FALSE(loopback_seen && !loopback) << "loopback addresses come last";
    loopback_seen = loopback_seen || loopback;
  }
}

TEST(Process, WaitsForTheEnd) {
  // A child of its own, so that the signal mask of the test program stays as it is.
  EXPECT_EXIT(
      {
        block_signals();
        std::raise(SIGHUP);
        Thread other("stopper", [] { stop_waiting(); });
        const int signal = wait_for_signal();
        other.join();
        exit_now(signal == SIGTERM ? 7 : 1);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(ProcessDeathTest, ATimedWaitEndsWithItsTimeOrASignal) {
  EXPECT_EXIT(
      {
        block_signals();
        bool good = !wait_for_signal(std::chrono::milliseconds(0));
        good = good && !wait_for_signal(std::chrono::milliseconds(1));
        std::raise(SIGHUP);
        good = good && !wait_for_signal(std::chrono::milliseconds(0));
        std::raise(SIGINT);
        good = good && wait_for_signal(std::chrono::milliseconds(0));
        std::raise(SIGTERM);
        good = good && wait_for_signal(std::chrono::hours(1));
        exit_now(good ? 7 : 1);
      },
      ::testing::ExitedWithCode(7), "");
}

TEST(Process, BecomesAnotherProgram) {
  const auto path = program_path();
  ASSERT_TRUE(path);
  EXPECT_TRUE(path->ends_with("/test_os")) << *path;
  std::string name = "sh";
  std::string option = "-c";
  std::string script = "exit 9";
  char* const arguments[] = {name.data(), option.data(), script.data(), nullptr};
  EXPECT_EXIT(
      {
        const auto failed = become("/bin/sh", arguments);
        exit_now(1);
      },
      ::testing::ExitedWithCode(9), "");
  const auto missing = become("/no/such/program", arguments);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::kNotFound);
  const auto folder = become("/", arguments);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, Errc::kIo);
}

}  // namespace
}  // namespace oncemq::os
