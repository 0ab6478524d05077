#include "store/timer_index.h"

#include <gtest/gtest.h>

#include "os/memory_disk.h"

namespace oncemq::store {
namespace {

constexpr std::int64_t kHour = TimerIndex::kSpanMs;

class TimerIndexTest : public ::testing::Test {
 protected:
  TimerIndexTest() { EXPECT_TRUE(index.clear().has_value()); }

  // Offsets of everything that is loaded from `span` on, `limit` at a time.
  std::vector<std::int64_t> load(std::int64_t span, TimerKey from, std::size_t limit,
                                 std::size_t budget = 7) {
    std::vector<std::int64_t> offsets;
    while (from.due_ms < span + kHour) {
      TimerIndex::Load part(span, from, limit);
      for (;;) {
        auto complete = index.step(part, budget);
        EXPECT_TRUE(complete.has_value());
        if (!complete || *complete) break;
      }
      for (const TimerEntry& entry : part.take()) {
        EXPECT_GE(entry.key, from);
        EXPECT_LT(entry.key, part.horizon());
        EXPECT_EQ(entry.log_offset, entry.key.offset * 100);
        offsets.push_back(entry.key.offset);
      }
      EXPECT_GT(part.horizon(), from);
      if (part.horizon() <= from) break;
      from = part.horizon();
    }
    return offsets;
  }
  void add(std::int64_t due, std::int64_t offset) { index.add({{due, offset}, offset * 100}); }

  os::MemoryDisk disk;
  TimerIndex index{disk, "once/timers"};
};

TEST_F(TimerIndexTest, GivesAnHourInOrderWhateverTheLimit) {
  std::vector<std::int64_t> wanted;
  for (std::int64_t i = 0; i < 100; ++i) add(kHour + (100 - i) * 10, i);
  for (std::int64_t i = 99; i >= 0; --i) wanted.push_back(i);
  add(2 * kHour, 500);
  for (const std::size_t limit : {2U, 3U, 50U, 99U, 100U, 101U, 1000U})
    EXPECT_EQ(load(kHour, {0, 0}, limit), wanted) << limit;
  EXPECT_EQ(load(2 * kHour, {0, 0}, 10), std::vector<std::int64_t>{500});
}

TEST_F(TimerIndexTest, RemovedAndDoubledEntries) {
  for (std::int64_t i = 0; i < 20; ++i) add(kHour + i, i);
  for (std::int64_t i = 0; i < 20; i += 2) index.remove({kHour + i, i});
  add(kHour + 5, 5);
  index.remove({kHour + 4, 4});
  const std::vector<std::int64_t> wanted{1, 3, 5, 7, 9, 11, 13, 15, 17, 19};
  for (const std::size_t limit : {4U, 5U, 13U, 100U}) EXPECT_EQ(load(kHour, {0, 0}, limit), wanted);
}

TEST_F(TimerIndexTest, SeesWhatIsAddedWhileLoading) {
  for (std::int64_t i = 0; i < 20; ++i) add(kHour + i, i);
  TimerIndex::Load part(kHour, {0, 0}, 100);
  EXPECT_FALSE(index.step(part, 10).value());
  add(kHour, 90);
  index.remove({kHour + 3, 3});
  EXPECT_FALSE(index.step(part, 10).value());
  EXPECT_TRUE(index.step(part, 10).value());
  EXPECT_EQ(part.take().size(), 20U);
}

TEST_F(TimerIndexTest, NextHourWithTimers) {
  EXPECT_FALSE(index.next_span(0).has_value());
  add(5 * kHour + 17, 1);
  EXPECT_EQ(index.next_span(0), 5 * kHour);
  EXPECT_EQ(index.next_span(6 * kHour - 1), 5 * kHour);
  EXPECT_FALSE(index.next_span(6 * kHour).has_value());
}

TEST_F(TimerIndexTest, OpensCutToTheCheckpoint) {
  for (std::int64_t i = 0; i < 10; ++i) add(kHour + i, i);
  ASSERT_TRUE(index.flush().has_value());
  const TimerIndex::Spans spans = index.spans();
  add(kHour + 20, 20);
  add(9 * kHour, 21);
  ASSERT_TRUE(index.flush().has_value());
  TimerIndex again(disk, "once/timers");
  ASSERT_TRUE(again.open(spans).has_value());
  EXPECT_EQ(again.spans(), spans);
  EXPECT_FALSE(again.next_span(2 * kHour).has_value());
  EXPECT_EQ(disk.files().size(), 1U);
}

TEST_F(TimerIndexTest, MissingShortAndBrokenFilesAreNoticed) {
  add(kHour, 1);
  add(kHour, 2);
  add(2 * kHour, 3);
  ASSERT_TRUE(index.flush().has_value());
  TimerIndex::Spans spans = index.spans();
  TimerIndex other(disk, "once/timers");
  spans[kHour] = 3;
  EXPECT_EQ(other.open(spans).error().code, Errc::kCorrupt);
  spans[kHour] = 2;
  spans[7 * kHour] = 1;
  EXPECT_EQ(other.open(spans).error().code, Errc::kCorrupt);
  spans.erase(7 * kHour);
  ASSERT_TRUE(other.open(spans).has_value());
  ASSERT_TRUE(disk.corrupt("once/timers/00000000000003600000", 30, std::byte{1}));
  TimerIndex::Load part(kHour, {0, 0}, 10);
  EXPECT_EQ(other.step(part, 10).error().code, Errc::kCorrupt);
}

TEST_F(TimerIndexTest, ForgottenHoursGoWhenCollected) {
  add(kHour, 1);
  add(2 * kHour, 2);
  ASSERT_TRUE(index.flush().has_value());
  index.forget_before(2 * kHour);
  EXPECT_EQ(index.spans().size(), 1U);
  EXPECT_EQ(disk.files().size(), 2U);
  add(kHour + 5, 3);  // the clock went back
  ASSERT_TRUE(index.flush().has_value());
  ASSERT_TRUE(index.collect().has_value());
  EXPECT_EQ(disk.files().size(), 2U);
  EXPECT_EQ(load(kHour, {0, 0}, 10), std::vector<std::int64_t>{3});
  index.forget_before(2 * kHour);
  ASSERT_TRUE(index.collect().has_value());
  EXPECT_EQ(disk.files().size(), 1U);
}

TEST_F(TimerIndexTest, FullDiskKeepsEntriesUntilThereIsRoom) {
  add(kHour, 1);
  disk.set_capacity(0);
  EXPECT_EQ(index.flush().error().code, Errc::kNoSpace);
  EXPECT_EQ(index.buffered(), TimerIndex::kEntrySize);
  disk.set_capacity(os::MemoryDisk::kUnlimited);
  ASSERT_TRUE(index.flush().has_value());
  EXPECT_EQ(load(kHour, {0, 0}, 10), std::vector<std::int64_t>{1});
}

}  // namespace
}  // namespace oncemq::store
