#include "broker/timer_checkpoint.h"

#include <gtest/gtest.h>

#include "os/memory_disk.h"

namespace oncemq::broker {
namespace {

TEST(TimerCheckpointTest, ComesBack) {
  TimerCheckpoint check;
  check.session = "s";
  check.clean = true;
  check.frontier = {1'700'000'000'123, 77};
  check.enqueued = 90;
  check.log = 12'345'678'901;
  check.pending_from = 12;
  check.waiting = 13;
  check.spans = {{0, 1}, {3'600'000, 1'000'000}};
  check.apache_read_ms = 5;
  check.apache_offset = 6;
  const auto again = TimerCheckpoint::parse(check.to_json());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->to_json(), check.to_json());
  EXPECT_EQ(again->frontier, check.frontier);
  EXPECT_EQ(again->spans, check.spans);
}

TEST(TimerCheckpointTest, RefusesWhatCannotBe) {
  for (
      const char* text :
      {"", "7", "{}", R"({"frontierDue":1,"frontierOffset":1,"enqueued":1,"log":1})",
       R"({"frontierDue":1,"frontierOffset":1,"enqueued":-1,"log":1,"pendingFrom":0})",
       R"({"frontierDue":1,"frontierOffset":1,"enqueued":1,"log":1,"pendingFrom":0,"spans":{"5":1}})",
       R"({"frontierDue":1,"frontierOffset":1,"enqueued":1,"log":1,"pendingFrom":0,"spans":{"0":-1}})"})
    EXPECT_EQ(TimerCheckpoint::parse(text).error().code, Errc::kCorrupt) << text;
}

TEST(TimerCheckpointTest, ApachesFile) {
  os::MemoryDisk disk;
  EXPECT_FALSE(ApacheTimerCheck::load(disk, "timercheck")->has_value());
  ASSERT_TRUE((ApacheTimerCheck{1'000, 5}).save(disk, "timercheck", 9).has_value());
  EXPECT_EQ(disk.stat("timercheck")->size, 56U);
  const auto loaded = ApacheTimerCheck::load(disk, "timercheck");
  ASSERT_TRUE(loaded.has_value() && loaded->has_value());
  EXPECT_EQ((*loaded)->read_ms, 1'000);
  EXPECT_EQ((*loaded)->queue_offset, 5);
  ASSERT_TRUE(disk.open("timercheck", os::OpenMode::kReadWrite).value()->truncate(31).has_value());
  EXPECT_FALSE(ApacheTimerCheck::load(disk, "timercheck")->has_value());
}

}  // namespace
}  // namespace oncemq::broker
