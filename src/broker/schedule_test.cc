#include "broker/schedule.h"

#include <gtest/gtest.h>

#include "broker/fixture.h"

namespace oncemq::broker {
namespace {

namespace property = model::property;

class ScheduleTest : public ::testing::Test, protected Nouns {
 protected:
  ScheduleTest() { make_topic("T"); }
  std::int64_t offset_of(std::int32_t level) const {
    return schedule.levels()[static_cast<std::size_t>(level - 1)].offset.value;
  }
};

TEST_F(ScheduleTest, DeliversWhenDueAndNotBefore) {
  send("T", "x", pairs("UNIQ_KEY=U;TAGS=red;DELAY=1;a=1"), 2);
  EXPECT_EQ(schedule.tick(), 100);
  clock.advance_ms(950);
  EXPECT_EQ(schedule.tick(), 50);
  clock.advance_ms(49);
  schedule.tick();
  EXPECT_EQ(store.count("T", 2), 0U);
  clock.advance_ms(1);
  schedule.tick();
  ASSERT_EQ(store.count("T", 2), 1U);
  const model::RecordView record = store.record("T", 2, 0);
  EXPECT_EQ(as_text(record.body), "x");
  EXPECT_EQ(record.topic, "T");
  EXPECT_EQ(record.queue_id, 2);
  EXPECT_EQ(record.born_host.to_string(), "10.0.0.9:50000");
  EXPECT_EQ(record.born_timestamp, 1'600'000'000'000);
  EXPECT_EQ(property_of(record, property::kUniqueKey), "U");
  EXPECT_EQ(property_of(record, property::kDelayLevel), "1");
  EXPECT_EQ(property_of(record, property::kRealTopic), "T");
  EXPECT_EQ(property_of(record, property::kWait), "false");
  EXPECT_EQ(property_of(record, "a"), "1");
  EXPECT_EQ(store.tags_code("T", 2, 0), model::tags_code("red"));
  schedule.tick();
  EXPECT_EQ(store.count("T", 2), 1U);
}

TEST_F(ScheduleTest, LevelsDoNotWaitForEachOther) {
  send("T", "slow", pairs("DELAY=4"));
  clock.advance_ms(100);
  send("T", "fast", pairs("DELAY=1"));
  clock.advance_ms(1'000);
  schedule.tick();
  ASSERT_EQ(store.count("T", 0), 1U);
  EXPECT_EQ(as_text(store.record("T", 0, 0).body), "fast");
}

TEST_F(ScheduleTest, ManyPerRoundInOrder) {
  constexpr std::size_t kCount = 1'000;
  for (std::size_t i = 0; i < kCount; ++i) send("T", std::to_string(i), pairs("DELAY=1"));
  const int before = store.appends;
  clock.advance_ms(1'000);
  schedule.tick();
  ASSERT_EQ(store.count("T", 0), kCount);
  EXPECT_LT(store.appends - before, 20);
  for (std::size_t i = 0; i < kCount; ++i)
    EXPECT_EQ(as_text(store.record("T", 0, i).body), std::to_string(i));
  EXPECT_EQ(offset_of(1), static_cast<std::int64_t>(kCount));
}

TEST_F(ScheduleTest, BudgetKeepsTheServiceThreadFree) {
  for (std::size_t i = 0; i < 3'000; ++i) send("T", "x", pairs("DELAY=1"));
  clock.advance_ms(1'000);
  EXPECT_EQ(schedule.tick(), 0);
  EXPECT_LT(store.count("T", 0), 3'000U);
  schedule.tick();
  EXPECT_EQ(store.count("T", 0), 3'000U);
}

TEST_F(ScheduleTest, DueAndNotYetDueInOneRead) {
  send("T", "a", pairs("DELAY=1"));
  clock.advance_ms(400);
  send("T", "b", pairs("DELAY=1"));
  clock.advance_ms(600);
  EXPECT_EQ(schedule.tick(), 100);
  EXPECT_EQ(store.count("T", 0), 1U);
  EXPECT_EQ(offset_of(1), 1);
  clock.advance_ms(399);
  EXPECT_EQ(schedule.tick(), 1);
  EXPECT_EQ(store.count("T", 0), 1U);
  clock.advance_ms(1);
  schedule.tick();
  EXPECT_EQ(store.count("T", 0), 2U);
}

TEST_F(ScheduleTest, ResumesAfterARestart) {
  send("T", "a", pairs("DELAY=1"));
  clock.advance_ms(1'000);
  schedule.tick();
  send("T", "b", pairs("DELAY=1"));
  EXPECT_TRUE(schedule.take_dirty());
  EXPECT_FALSE(schedule.take_dirty());
  const std::string saved = schedule.dump();
  Schedule other(options, topics, store, stats, clock);
  ASSERT_TRUE(other.load(saved).has_value());
  clock.advance_ms(10'000);
  other.tick();
  ASSERT_EQ(store.count("T", 0), 2U);
  EXPECT_EQ(as_text(store.record("T", 0, 1).body), "b");
}

TEST_F(ScheduleTest, WhatWasDeliveredBeforeACrashIsNotDeliveredAgain) {
  for (int i = 0; i < 3; ++i) send("T", std::to_string(i), pairs("DELAY=1"));
  send("T", "other level", pairs("DELAY=2"));
  clock.advance_ms(1'000);
  schedule.tick();
  const std::string saved = schedule.dump();
  for (int i = 3; i < 5; ++i) send("T", std::to_string(i), pairs("DELAY=1"));
  clock.advance_ms(4'000);
  schedule.tick();
  const std::size_t before = store.count("T", 0);
  EXPECT_EQ(before, 6U);
  send("T", "late", pairs("DELAY=1"));
  // With what was saved, with a file of Apache's, and with none at all.
  for (const std::string& file : {saved, std::string("{\"offsetTable\":{1:2}}"), std::string()}) {
    Schedule other(options, topics, store, stats, clock);
    ASSERT_TRUE(other.load(file).has_value());
    EXPECT_EQ(other.levels()[0].offset.value, 5);
    EXPECT_EQ(other.levels()[1].offset.value, 1);
    EXPECT_TRUE(other.take_dirty());
    other.tick();
    EXPECT_EQ(store.count("T", 0), before);
  }
}

TEST_F(ScheduleTest, MarksOfADeliveredMessageDoNotPileUp) {
  send("T", "a", pairs("DELAY=1"));
  clock.advance_ms(1'000);
  schedule.tick();
  const model::RecordView first = store.record("T", 0, 0);
  EXPECT_EQ(property_of(first, property::kOnceDelay), "1:0");
  // Sent back, it waits again with all its properties.
  send("T", "a", first.properties);
  send("T", "b", pairs("DELAY=1;ONCE_DELAY=9:9"));
  EXPECT_EQ(store.record("SCHEDULE_TOPIC_XXXX", 0, 2).properties.find("ONCE_DELAY"),
            std::string_view::npos);
  clock.advance_ms(1'000);
  schedule.tick();
  ASSERT_EQ(store.count("T", 0), 3U);
  const std::string_view text = store.record("T", 0, 1).properties;
  EXPECT_EQ(property_of(store.record("T", 0, 1), property::kOnceDelay), "1:1");
  EXPECT_EQ(text.find("ONCE_DELAY"), text.rfind("ONCE_DELAY"));
}

TEST_F(ScheduleTest, ALogThatGrowsIsReasonToSave) {
  send("T", "a", pairs("DELAY=1"));
  clock.advance_ms(1'000);
  schedule.tick();
  EXPECT_TRUE(schedule.take_dirty());
  (void)schedule.dump();
  EXPECT_FALSE(schedule.take_dirty());
  const std::string large(3 << 20, 'x');
  for (int i = 0; i < 22; ++i) send("T", large, {});
  EXPECT_TRUE(schedule.take_dirty());
  (void)schedule.dump();
  EXPECT_FALSE(schedule.take_dirty());
}

TEST_F(ScheduleTest, OffsetMovesOnlyPastWhatIsDurable) {
  send("T", "a", pairs("DELAY=1"));
  clock.advance_ms(1'000);
  store.autocommit = false;
  schedule.tick();
  EXPECT_EQ(store.count("T", 0), 1U);
  EXPECT_EQ(offset_of(1), 0);
  EXPECT_FALSE(schedule.take_dirty());
  schedule.tick();
  EXPECT_EQ(store.count("T", 0), 1U);  // delivered once all the same
  store.flush();
  schedule.tick();
  EXPECT_EQ(offset_of(1), 0);
  store.sync();
  schedule.tick();
  EXPECT_EQ(offset_of(1), 1);
  EXPECT_TRUE(schedule.take_dirty());
}

TEST_F(ScheduleTest, RefusedDeliveryIsTriedAgain) {
  send("T", "a", pairs("DELAY=1"));
  clock.advance_ms(1'000);
  store.refuses = Error{Errc::kNotWritable, "disk full"};
  EXPECT_EQ(schedule.tick(), 100);
  EXPECT_EQ(store.count("T", 0), 0U);
  EXPECT_EQ(offset_of(1), 0);
  store.refuses.reset();
  clock.advance_ms(100);
  schedule.tick();
  EXPECT_EQ(store.count("T", 0), 1U);
}

TEST_F(ScheduleTest, WhatHasNoPlaceToGoIsPassedOver) {
  make_topic("Gone");
  send("Gone", "a", pairs("DELAY=1"));
  send("T", "b", pairs("DELAY=1"));
  ASSERT_TRUE(topics.remove("Gone").has_value());
  clock.advance_ms(1'000);
  schedule.tick();
  EXPECT_EQ(store.count("Gone", 0), 0U);
  EXPECT_EQ(store.count("T", 0), 1U);
  EXPECT_EQ(offset_of(1), 2);
}

TEST_F(ScheduleTest, OnlyUndeliverableMessagesStillMoveTheOffset) {
  make_topic("Gone");
  send("Gone", "a", pairs("DELAY=1"));
  ASSERT_TRUE(topics.remove("Gone").has_value());
  clock.advance_ms(1'000);
  schedule.tick();
  EXPECT_EQ(offset_of(1), 1);
  EXPECT_TRUE(schedule.take_dirty());
}

TEST_F(ScheduleTest, ClockThatWasAheadDelaysNobodyForLong) {
  clock.jump_ms(3'600'000);
  send("T", "a", pairs("DELAY=1"));
  schedule.tick();
  clock.jump_ms(-3'600'000);
  schedule.tick();
  EXPECT_EQ(store.count("T", 0), 1U);
}

TEST_F(ScheduleTest, OffsetOutsideTheQueueIsCorrected) {
  for (int i = 0; i < 3; ++i) send("T", std::to_string(i), pairs("DELAY=1"));
  clock.advance_ms(1'000);
  store.fake("SCHEDULE_TOPIC_XXXX", 0).cut(2);
  schedule.tick();
  ASSERT_EQ(store.count("T", 0), 1U);
  EXPECT_EQ(as_text(store.record("T", 0, 0).body), "2");
  EXPECT_EQ(offset_of(1), 3);

  Schedule ahead(options, topics, store, stats, clock);
  ASSERT_TRUE(ahead.load("{\"offsetTable\":{1:99,77:5,0:3}}").has_value());
  ahead.tick();
  EXPECT_EQ(ahead.levels()[0].offset.value, 3);
  send("T", "new", pairs("DELAY=1"));
  clock.advance_ms(1'000);
  ahead.tick();
  EXPECT_EQ(as_text(store.record("T", 0, 1).body), "new");
}

TEST_F(ScheduleTest, LevelsTellHowFarTheyAre) {
  send("T", "a", pairs("DELAY=2"));
  const auto levels = schedule.levels();
  ASSERT_EQ(levels.size(), 4U);
  EXPECT_EQ(levels[1].level, 2);
  EXPECT_EQ(levels[1].offset.value, 0);
  EXPECT_EQ(levels[1].max.value, 1);
  EXPECT_EQ(levels[0].max.value, 0);
}

TEST_F(ScheduleTest, BrokenFileIsCorrupt) {
  EXPECT_EQ(schedule.load("{").error().code, Errc::kCorrupt);
  EXPECT_EQ(schedule.load("[]").error().code, Errc::kCorrupt);
  EXPECT_TRUE(schedule.load("").has_value());
}

}  // namespace
}  // namespace oncemq::broker
