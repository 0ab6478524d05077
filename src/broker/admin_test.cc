#include "broker/admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/fixture.h"
#include "broker/runtime_info.h"
#include "broker/timers.h"
#include "os/memory_disk.h"

namespace oncemq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AdminTest : public ::testing::Test, protected Nouns {
 protected:
  AdminTest() {
    make_topic("T", 2);
    EXPECT_TRUE(groups.find_or_create("g").has_value());
  }
  void commit(std::string_view group, std::string_view topic, std::int32_t queue,
              std::int64_t offset) {
    ASSERT_TRUE(offsets.commit(group, topic, queue, {offset}).has_value());
  }
  std::int64_t stored(std::string_view group, std::int32_t queue) const {
    const auto offset = offsets.query(group, "T", queue);
    return offset.has_value() ? offset->value : -1;
  }
};

TEST_F(AdminTest, TopicStats) {
  send("T", "a");
  clock.advance_ms(5);
  send("T", "b");
  const auto result = admin.topic_stats("T");
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->rows.size(), 2U);
  EXPECT_EQ(result->rows[0].max.value, 2);
  EXPECT_EQ(result->rows[0].last_update_ms, clock.wall_ms());
  EXPECT_EQ(result->rows[1].max.value, 0);
  EXPECT_EQ(result->rows[1].last_update_ms, 0);
  EXPECT_EQ(admin.topic_stats("U").error().code, Errc::kTopicNotFound);
}

TEST_F(AdminTest, ConsumeStats) {
  const std::int64_t first = clock.wall_ms();
  send("T", "a");
  clock.advance_ms(5);
  send("T", "b");
  commit("g", "T", 0, 1);
  ConsumeStats result = admin.consume_stats("g", {});
  ASSERT_EQ(result.rows.size(), 2U);
  EXPECT_EQ(result.rows[0].broker_offset.value, 2);
  EXPECT_EQ(result.rows[0].consumer_offset.value, 1);
  EXPECT_EQ(result.rows[0].pull_offset.value, 1);
  EXPECT_EQ(result.rows[0].last_timestamp_ms, first);
  EXPECT_EQ(result.rows[1].consumer_offset.value, 0);
  EXPECT_EQ(result.rows[1].last_timestamp_ms, 0);
  EXPECT_THAT(admin.consume_stats("g", {"nowhere"}).rows, IsEmpty());
  EXPECT_THAT(admin.consume_stats("h", {}).rows, IsEmpty());
  EXPECT_EQ(admin.consume_stats("h", {"T"}).rows.size(), 2U);

  // An online group's backlog is what it subscribes.
  make_topic("U", 1);
  commit("g", "U", 0, 1);
  EXPECT_EQ(admin.consume_stats("g", {}).rows.size(), 3U);
  ASSERT_TRUE(clients.heartbeat(beat(1, "c", "g", {subscription("T", "*")})).has_value());
  EXPECT_EQ(admin.consume_stats("g", {}).rows.size(), 2U);
  EXPECT_THAT(admin.consume_stats("g", {"U"}).rows, IsEmpty());
}

TEST_F(AdminTest, ConsumeStatsOfAllGroups) {
  send("T", "a");
  commit("g", "T", 0, 1);
  const auto all = admin.all_consume_stats(false);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].first, "g");
  EXPECT_EQ(all[0].second.size(), 1U);
  EXPECT_THAT(admin.all_consume_stats(true), IsEmpty());
}

TEST_F(AdminTest, ConsumeTimeSpan) {
  const std::int64_t first = clock.wall_ms();
  send("T", "a");
  clock.advance_ms(100);
  send("T", "b");
  auto spans = admin.consume_time_span("T", "g");
  ASSERT_TRUE(spans.has_value());
  EXPECT_EQ(spans->at(0).min_ms, first);
  EXPECT_EQ(spans->at(0).max_ms, first + 100);
  EXPECT_EQ(spans->at(0).consume_ms, first);
  EXPECT_EQ(spans->at(0).delay_ms, 100);
  EXPECT_EQ(spans->at(1).max_ms, 0);
  commit("g", "T", 0, 2);
  EXPECT_EQ(admin.consume_time_span("T", "g")->at(0).delay_ms, 0);
  EXPECT_EQ(admin.consume_time_span("U", "g").error().code, Errc::kTopicNotFound);
}

TEST_F(AdminTest, WhoConsumesWhat) {
  commit("g", "T", 0, 1);
  ASSERT_TRUE(clients.heartbeat(beat(1, "c", "h", {subscription("T", "a")})).has_value());
  EXPECT_THAT(admin.groups_of_topic("T"), ElementsAre("g", "h"));
  EXPECT_THAT(admin.topics_of_group("g"), ElementsAre("T"));
  EXPECT_THAT(admin.topics_of_group("h"), ElementsAre("T"));
  EXPECT_EQ(admin.subscription("h", "T")->expression, "a");
  EXPECT_EQ(admin.subscription("g", "T"), std::nullopt);
  EXPECT_TRUE(admin.consumer_connection("h").has_value());
  EXPECT_EQ(admin.consumer_connection("g").error().code, Errc::kConsumerOffline);
}

TEST_F(AdminTest, DeletedTopicTakesItsOffsetsAlong) {
  send("T", "a");
  commit("g", "T", 0, 1);
  ASSERT_TRUE(admin.delete_topic("T").has_value());
  EXPECT_EQ(stored("g", 0), -1);
  EXPECT_EQ(topics.find("T"), nullptr);
  EXPECT_EQ(admin.delete_topic("TBW102").error().code, Errc::kInvalidArgument);
}

TEST_F(AdminTest, DeletedGroupKeepsItsOffsetsUnlessAsked) {
  commit("g", "T", 0, 1);
  const QueueName queue{"T", 0};
  locks.lock("g", "c", {&queue, 1});
  ASSERT_TRUE(admin.delete_group("g", false).has_value());
  EXPECT_EQ(groups.find("g"), nullptr);
  EXPECT_EQ(stored("g", 0), 1);
  EXPECT_FALSE(locks.any_held("g"));
  ASSERT_TRUE(admin.delete_group("g", true).has_value());
  EXPECT_EQ(stored("g", 0), -1);
  EXPECT_EQ(admin.delete_group("CID_RMQ_SYS_TRANS", true).error().code, Errc::kInvalidArgument);
}

TEST_F(AdminTest, ResetByTime) {
  send("T", "a");
  clock.advance_ms(100);
  const std::int64_t middle = clock.wall_ms();
  send("T", "b");
  send("T", "c");
  commit("g", "T", 0, 3);
  const auto reset = admin.reset_offset({.topic = "T", .group = "g", .timestamp_ms = middle});
  ASSERT_TRUE(reset.has_value());
  ASSERT_EQ(reset->size(), 2U);
  EXPECT_EQ(reset->at(0).value, 1);
  EXPECT_EQ(reset->at(1).value, 0);
  EXPECT_EQ(stored("g", 0), 1);
  EXPECT_EQ(offsets.take_reset("g", "T", 0)->value, 1);
  ASSERT_TRUE(admin.reset_offset({.topic = "T", .group = "g", .timestamp_ms = -1}).has_value());
  EXPECT_EQ(stored("g", 0), 3);
}

TEST_F(AdminTest, ResetWithoutForceOnlyGoesBack) {
  for (int i = 0; i < 3; ++i) send("T", "x");
  commit("g", "T", 0, 1);
  auto reset = admin.reset_offset({.topic = "T", .group = "g", .timestamp_ms = -1, .force = false});
  EXPECT_EQ(reset->at(0).value, 1);
  reset = admin.reset_offset({.topic = "T", .group = "g", .timestamp_ms = 0, .force = false});
  EXPECT_EQ(reset->at(0).value, 0);
}

TEST_F(AdminTest, ResetOfOneQueueToAnOffset) {
  for (int i = 0; i < 3; ++i) send("T", "x");
  store.fake("T", 0).cut(1);
  const auto to = [&](std::int64_t offset) {
    return admin.reset_offset({.topic = "T", .group = "g", .queue_id = 0, .offset = offset});
  };
  EXPECT_EQ(to(2)->at(0).value, 2);
  EXPECT_EQ(to(2)->size(), 1U);
  EXPECT_EQ(to(4)->at(0).value, 3);
  EXPECT_EQ(to(0).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(to(5).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(stored("g", 0), 3);
  EXPECT_EQ(stored("g", 1), -1);
}

TEST_F(AdminTest, ResetRefusals) {
  EXPECT_EQ(admin.reset_offset({.topic = "U", .group = "g"}).error().code, Errc::kTopicNotFound);
  EXPECT_EQ(admin.reset_offset({.topic = "T", .group = "h"}).error().code, Errc::kGroupNotFound);
  EXPECT_EQ(admin.reset_offset({.topic = "T", .group = "g", .queue_id = 2}).error().code,
            Errc::kInvalidArgument);
  options.offsets_max = 0;
  EXPECT_EQ(admin.reset_offset({.topic = "T", .group = "g"}).error().code, Errc::kBusy);
}

TEST_F(AdminTest, CloneOffsets) {
  commit("g", "T", 0, 4);
  commit("g", "U", 0, 5);
  commit("g", "%RETRY%g", 0, 6);
  ASSERT_TRUE(admin.clone_offsets("g", "h", "T").has_value());
  EXPECT_THAT(offsets.topics_of("h"), ElementsAre("T"));
  ASSERT_TRUE(admin.clone_offsets("g", "i", "").has_value());
  EXPECT_THAT(offsets.topics_of("i"), ElementsAre("T", "U"));
}

TEST_F(AdminTest, CorrectionOffsetsAreTheSmallestBehind) {
  commit("g", "T", 0, 10);
  commit("h", "T", 0, 7);
  commit("i", "T", 0, 5);
  commit("j", "T", 0, 20);
  EXPECT_EQ(admin.correction_offsets("T", "g", {}).at(0).value, 5);
  EXPECT_EQ(admin.correction_offsets("T", "g", {"i"}).at(0).value, 7);
  EXPECT_THAT(admin.correction_offsets("T", "unknown", {}), IsEmpty());
}

TEST_F(AdminTest, CleaningFindsQueuesWithoutTopic) {
  store.queue("Orphan", 0);
  send("T", "x");
  admin.clean_unused_topics();
  EXPECT_THAT(store.deleted, ElementsAre("Orphan"));
  admin.delete_expired_log();
  EXPECT_EQ(store.cleanings, 1);
}

TEST_F(AdminTest, RuntimeTableHasWhatTheToolsParse) {
  const Timers timers(options, topics, store, stats, disk, clock);
  RuntimeInfo info(options, switches, schedule, timers, store, stats, clock);
  send("T", "x", pairs("DELAY=2"));
  clock.advance_ms(90'061'000);
  stats.tick();
  const auto table = info.table();
  EXPECT_EQ(table.at("runtime"), "[ 1 days, 1 hours, 1 minutes, 1 seconds ]");
  EXPECT_EQ(table.at("scheduleMessageOffset_2"), "0,1");
  EXPECT_FALSE(table.contains("scheduleMessageOffset_1"));
  EXPECT_EQ(table.at("msgPutTotalTodayNow"), "1");
  EXPECT_EQ(table.at("commitLogDiskRatio"), "0.2500");
  for (const char* key :
       {"putTps", "getTransferredTps", "getTotalTps", "pageCacheLockTimeMills",
        "earliestMessageTimeStamp", "timerReadBehind", "timerOffsetBehind", "timerCongestNum",
        "timerEnqueueTps", "timerDequeueTps", "brokerActive", "msgPutTotalYesterdayMorning",
        "msgGetTotalTodayNow", "commitLogMaxOffset", "commitLogDamagedPlaces",
        "commitLogDamagedReads", "bootTimestamp", "dispatchBehindBytes"})
    EXPECT_TRUE(table.contains(key)) << key;
}

}  // namespace
}  // namespace oncemq::broker
