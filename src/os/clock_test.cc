#include "os/clock.h"

#include <gtest/gtest.h>

namespace oncemq::os {
namespace {

TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock(1000);
  const std::int64_t start = clock.monotonic_ms();
  clock.advance_ms(5);
  EXPECT_EQ(clock.wall_ms(), 1005);
  EXPECT_EQ(clock.monotonic_ms(), start + 5);
  clock.jump_ms(-100);
  EXPECT_EQ(clock.wall_ms(), 905);
  EXPECT_EQ(clock.monotonic_ms(), start + 5);
}

TEST(ManualClock, LocalTimeIsUtc) {
  const ManualClock clock;
  const Clock::Local local = clock.local(1'700'000'000'123);
  EXPECT_EQ(local.year, 2023);
  EXPECT_EQ(local.month, 11);
  EXPECT_EQ(local.day, 14);
  EXPECT_EQ(local.hour, 22);
  EXPECT_EQ(local.minute, 13);
  EXPECT_EQ(local.second, 20);
  EXPECT_EQ(local.millisecond, 123);
}

TEST(SystemClock, NeverRunsBackwards) {
  const SystemClock clock;
  const std::int64_t first = clock.monotonic_ns();
  EXPECT_GE(clock.monotonic_ns(), first);
  EXPECT_GT(clock.wall_ms(), 1'600'000'000'000);
  EXPECT_EQ(clock.local(clock.wall_ms() / 1000 * 1000 + 7).millisecond, 7);
}

}  // namespace
}  // namespace oncemq::os
