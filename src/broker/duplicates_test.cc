#include "broker/duplicates.h"

#include <gtest/gtest.h>

#include "broker/fixture.h"

namespace oncemq::broker {
namespace {

class DuplicatesTest : public ::testing::Test, protected Nouns {
 protected:
  DuplicatesTest() {
    make_topic("T");
    make_topic("U");
  }
  std::vector<DuplicateRow> told(std::string_view topic = {}, std::string_view group = {}) {
    return Duplicates({.topics = topics,
                       .query = query,
                       .left_out = idempotence.report(),
                       .stats = stats,
                       .store = store})
        .report(topic, group);
  }
  void pulled(std::string_view topic, std::int64_t from, std::uint32_t range,
              std::string_view group = "g") {
    stats.ledger().add({.queue = DeliveryLedger::queue_key(topic, 0),
                        .group = DeliveryLedger::group_key(group),
                        .from = from,
                        .range = range});
  }
  void again(Cause cause, std::string_view topic, std::int64_t offset, std::uint64_t messages = 1,
             std::string_view group = "g") {
    stats.causes().count(
        {.cause = cause, .group = group, .topic = topic, .offset = offset, .messages = messages});
  }
};

TEST_F(DuplicatesTest, NothingCameTwice) {
  send("T", "body");
  EXPECT_TRUE(told().empty());
}

TEST_F(DuplicatesTest, CountsByTopicGroupAndCause) {
  stats.get("T", "g", 200, 1);
  again(Cause::kQueueMoved, "T", 0, 5);
  again(Cause::kOffsetBack, "T", 0, 7);
  again(Cause::kQueueMoved, "T", 9, 1);
  again(Cause::kQueueMoved, "T", 0, 2, "h");
  again(Cause::kInvisibleTimePassed, "U", 0, 3);
  const auto all = told();
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].what, "offset_back");
  EXPECT_EQ(all[0].copies, 7U);
  EXPECT_EQ(all[0].of, 200U);
  EXPECT_EQ(all[0].sentence, cause_sentence(Cause::kOffsetBack));
  EXPECT_EQ(all[1].what, "queue_moved");
  EXPECT_EQ(all[1].copies, 6U);
  EXPECT_EQ(all[2].group, "h");
  EXPECT_EQ(all[2].of, 0U);
  EXPECT_EQ(all[3].topic, "U");
  EXPECT_EQ(told("U").size(), 1U);
  EXPECT_EQ(told({}, "h").size(), 1U);
  EXPECT_EQ(told("T", "g").size(), 2U);
  EXPECT_TRUE(told("V").empty());
}

TEST_F(DuplicatesTest, TimeSinceTheDeliveryBefore) {
  pulled("T", 0, 10);
  clock.advance_ms(100);
  pulled("T", 3, 1, "h");  // another group
  pulled("U", 3, 1);       // another topic
  stats.ledger().add({.queue = DeliveryLedger::queue_key("T", 0),
                      .group = DeliveryLedger::group_key("g"),
                      .from = 3,
                      .step = DeliveryStep::kAcked});
  clock.advance_ms(900);
  again(Cause::kQueueMoved, "T", 3);  // 1,000
  pulled("T", 3, 1);
  clock.advance_ms(50);
  again(Cause::kQueueMoved, "T", 3);  // 50
  pulled("T", 3, 1);
  clock.advance_ms(200);
  again(Cause::kQueueMoved, "T", 3);      // 200
  again(Cause::kQueueMoved, "T", 5'000);  // given before the ledger began
  const auto rows = told();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].copies, 4U);
  EXPECT_EQ(rows[0].known, 3U);
  EXPECT_EQ(rows[0].median_ms, 200);
  EXPECT_EQ(rows[0].longest_ms, 1'000);
}

TEST_F(DuplicatesTest, WhatAConsumerSendsBackHasNoDistance) {
  pulled("T", 0, 10);
  clock.advance_ms(100);
  again(Cause::kConsumerAsked, "T", 3);
  const auto rows = told();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].known, 0U);
}

TEST_F(DuplicatesTest, RepeatedSends) {
  send("T", "body", pairs("UNIQ_KEY=A1"));
  clock.advance_ms(3'000);
  send("T", "body", pairs("UNIQ_KEY=A1"));
  again(Cause::kSendRepeated, "T", -1, 1, {});  // delayed
  again(Cause::kSendRepeated, "deleted", 0, 1, {});
  again(Cause::kQueueMoved, "T", 0);
  const auto rows = told();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].topic, "T");
  EXPECT_EQ(rows[0].group, "");
  EXPECT_EQ(rows[0].what, "send_repeated");
  EXPECT_EQ(rows[0].copies, 2U);
  EXPECT_EQ(rows[0].of, 2U);
  EXPECT_EQ(rows[0].known, 1U);
  EXPECT_EQ(rows[0].longest_ms, 3'000);
  EXPECT_EQ(rows[1].group, "g");
  EXPECT_EQ(rows[2].topic, "deleted");
  EXPECT_TRUE(told("T", "other").empty());
}

TEST_F(DuplicatesTest, SendsThatAnIdempotentTopicLeftOut) {
  model::TopicConfig config{.name = "I", .read_queues = 4, .write_queues = 4};
  config.attributes = {{"+idempotent.key", "UNIQ_KEY"}};
  ASSERT_TRUE(topics.update(config).has_value());
  ASSERT_TRUE(idempotence.start().has_value());
  idempotence.tick();
  send("I", "body", pairs("UNIQ_KEY=A1"));
  clock.advance_ms(2'000);
  batch.clear();
  const std::string properties = pairs("UNIQ_KEY=A1");
  ASSERT_TRUE(sender.stage(request("I", "body", properties), batch).has_value());
  sender.commit(batch);
  const auto rows = told();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].what, "left_out");
  EXPECT_EQ(rows[0].copies, 1U);
  EXPECT_EQ(rows[0].known, 1U);
  EXPECT_EQ(rows[0].median_ms, 2'000);
}

}  // namespace
}  // namespace oncemq::broker
