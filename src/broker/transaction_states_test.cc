#include "broker/transaction_states.h"

#include <gtest/gtest.h>

#include "os/clock.h"
#include "os/memory_disk.h"

namespace oncemq::broker {
namespace {

constexpr std::int64_t kSegment = TransactionStates::kSegment;

struct TransactionStatesTest : ::testing::Test {
  os::ManualClock clock;
  os::MemoryDisk disk{&clock};
  TransactionStates states{disk, "tx"};

  void save(std::int64_t end, std::int64_t min = 0) {
    const auto snapshot =
        states.snapshot({.floor = 1, .op_needed = 2, .op_applied = 3, .log_end = 4}, min, end);
    ASSERT_TRUE(states.write(snapshot).has_value());
  }
};

TEST_F(TransactionStatesTest, WhatWasNeverDecidedIsOpen) {
  EXPECT_EQ(states.get(7), TransactionState::kOpen);
  EXPECT_EQ(states.checks(7), 0);
  EXPECT_EQ(states.next_open(5, 10), 5);
  EXPECT_EQ(states.next_open(10, 10), 10);
}

TEST_F(TransactionStatesTest, OpenOnesKeepTheirChecks) {
  states.set_checks(3, 15);
  EXPECT_EQ(states.checks(3), 15);
  EXPECT_EQ(states.get(3), TransactionState::kOpen);
  states.set_checks(3, 255);
  EXPECT_EQ(states.checks(3), TransactionStates::kMaxChecks);
  EXPECT_EQ(states.get(3), TransactionState::kOpen);
  states.set(3, TransactionState::kCommitted);
  EXPECT_EQ(states.checks(3), 0);
}

TEST_F(TransactionStatesTest, EveryStateIsKept) {
  for (const TransactionState state :
       {TransactionState::kCommitted, TransactionState::kRolledBack, TransactionState::kDiscarded,
        TransactionState::kResumed, TransactionState::kDone, TransactionState::kOpen}) {
    states.set(9, state);
    EXPECT_EQ(states.get(9), state);
  }
}

TEST_F(TransactionStatesTest, OpenOnesAreCounted) {
  EXPECT_EQ(states.count_open(0, 0), 0);
  EXPECT_EQ(states.count_open(5, 2 * kSegment + 7), 2 * kSegment + 2);
  states.set(3, TransactionState::kCommitted);
  states.set(10, TransactionState::kRolledBack);
  states.set(kSegment + 1, TransactionState::kDiscarded);
  states.set(kSegment + 9, TransactionState::kCommitted);
  states.set(kSegment + 9, TransactionState::kOpen);
  EXPECT_EQ(states.count_open(0, 3 * kSegment), 3 * kSegment - 3);
  EXPECT_EQ(states.count_open(4, 11), 6);
  EXPECT_EQ(states.count_open(3, kSegment + 2), kSegment - 4);
  // A segment without open ones is on disk only.
  for (std::int64_t half = 0; half < kSegment; ++half)
    states.set(half, TransactionState::kCommitted);
  save(2 * kSegment + 1);
  EXPECT_EQ(states.count_open(0, 2 * kSegment), kSegment - 1);
}

TEST_F(TransactionStatesTest, NextOpenCrossesSegments) {
  const std::int64_t last = 2 * kSegment + 5;
  for (std::int64_t half = 0; half < last; ++half) states.set(half, TransactionState::kCommitted);
  EXPECT_EQ(states.next_open(0, last + 1), last);
  EXPECT_EQ(states.next_open(0, last), last);
  states.set(kSegment, TransactionState::kOpen);
  EXPECT_EQ(states.next_open(0, last), kSegment);
  EXPECT_EQ(states.next_open(kSegment + 1, last), last);
}

TEST_F(TransactionStatesTest, DecidedSegmentsLeaveMemoryOnceTheyAreFiles) {
  for (std::int64_t half = 0; half < kSegment; ++half)
    states.set(half, TransactionState::kRolledBack);
  states.set(kSegment, TransactionState::kCommitted);
  save(kSegment + 1);
  EXPECT_EQ(states.segments_in_memory(), 2);
  EXPECT_TRUE(states.present(0));
  save(kSegment + 1);
  EXPECT_EQ(states.segments_in_memory(), 1);
  EXPECT_FALSE(states.present(0));
  EXPECT_EQ(states.next_open(0, kSegment + 2), kSegment + 1);
  auto bytes = states.read(0);
  ASSERT_TRUE(bytes.has_value()) << bytes.error().message;
  states.insert(0, std::move(*bytes));
  EXPECT_EQ(states.get(17), TransactionState::kRolledBack);
}

TEST_F(TransactionStatesTest, ComesBackFromDisk) {
  states.set(1, TransactionState::kCommitted);
  states.set_checks(2, 4);
  save(3);
  TransactionStates again(disk, "tx");
  const auto mark = again.load();
  ASSERT_TRUE(mark.has_value() && mark->has_value());
  EXPECT_EQ((*mark)->floor, 1);
  EXPECT_EQ((*mark)->op_needed, 2);
  EXPECT_EQ((*mark)->op_applied, 3);
  EXPECT_EQ((*mark)->log_end, 4);
  EXPECT_EQ(again.get(1), TransactionState::kCommitted);
  EXPECT_EQ(again.checks(2), 4);
  EXPECT_EQ(again.next_open(1, 3), 2);
}

TEST_F(TransactionStatesTest, NothingThereIsNoError) {
  const auto mark = states.load();
  ASSERT_TRUE(mark.has_value());
  EXPECT_FALSE(mark->has_value());
}

TEST_F(TransactionStatesTest, BrokenSegmentMeansDerivingAnew) {
  states.set(1, TransactionState::kCommitted);
  save(3);
  const std::string path = "tx/00000000000000000000";
  const std::byte flipped{0x11};
  ASSERT_TRUE(disk.open(path, os::OpenMode::kReadWrite)
                  .value()
                  ->write_at(77, Bytes(&flipped, 1))
                  .has_value());
  TransactionStates again(disk, "tx");
  const auto mark = again.load();
  ASSERT_TRUE(mark.has_value());
  EXPECT_FALSE(mark->has_value());
  EXPECT_EQ(again.get(1), TransactionState::kOpen);
  EXPECT_FALSE(disk.stat(path).has_value());
}

TEST_F(TransactionStatesTest, BrokenMarkMeansDerivingAnew) {
  states.set(1, TransactionState::kCommitted);
  save(3);
  ASSERT_TRUE(
      disk.open("tx/state.json", os::OpenMode::kReadWrite).value()->truncate(5).has_value());
  TransactionStates again(disk, "tx");
  const auto mark = again.load();
  ASSERT_TRUE(mark.has_value());
  EXPECT_FALSE(mark->has_value());
}

TEST_F(TransactionStatesTest, FilesBelowTheOldestHalfMessageGo) {
  states.set(1, TransactionState::kCommitted);
  states.set(kSegment, TransactionState::kCommitted);
  save(kSegment + 1);
  EXPECT_TRUE(disk.stat("tx/00000000000000000000").has_value());
  save(kSegment + 1, kSegment);
  EXPECT_FALSE(disk.stat("tx/00000000000000000000").has_value());
  EXPECT_TRUE(disk.stat("tx/00000000000000065536").has_value());
}

TEST_F(TransactionStatesTest, SnapshotThatWasNotWrittenIsTakenAgain) {
  states.set(1, TransactionState::kCommitted);
  const auto snapshot = states.snapshot({}, 0, 2);
  EXPECT_EQ(snapshot.segments.size(), 1U);
  EXPECT_TRUE(states.snapshot({}, 0, 2).segments.empty());
  states.not_written(snapshot);
  EXPECT_EQ(states.snapshot({}, 0, 2).segments.size(), 1U);
}

}  // namespace
}  // namespace oncemq::broker
