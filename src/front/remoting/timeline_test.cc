#include "front/remoting/timeline.h"

#include "front/remoting/edge_fixture.h"
#include "wire/remoting/body/timeline.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {
namespace {

using TimelineTest = EdgeTest;

TEST_F(TimelineTest, TellsWhatHappened) {
  make_topic("T", 1);
  FakeConnection& client = connect();
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(call<wire::SendMessageV2>(client,
                                        {.producer_group = "pg",
                                         .topic = "T",
                                         .default_topic = "TBW102",
                                         .default_topic_queue_nums = 4,
                                         .born_timestamp = 1'600'000'000'000,
                                         .properties = "UNIQ_KEY\x01"
                                                       "A1\x02"},
                                        "body")
                  .code,
              0);
  const Answer answer = call<wire::ExplainMessage>(client, {.id = "A1", .topic = "T"});
  ASSERT_EQ(answer.code, 0) << answer.remark;
  const auto told = wire::decode_body<wire::MessageTimeline>(as_bytes(answer.body)).value();
  EXPECT_EQ(told.topic, "T");
  EXPECT_EQ(told.unique_keys, std::vector<std::string>{"A1"});
  ASSERT_EQ(told.events.size(), 3U);
  EXPECT_EQ(told.events[0].what, "sent");
  EXPECT_EQ(told.events[1].what, "stored");
  EXPECT_EQ(told.events[1].queue_offset, 0);
  EXPECT_EQ(told.events[1].time_ms, test_broker.clock.wall_ms());
  EXPECT_EQ(told.events[1].who, "10.0.0.9:50000");
  EXPECT_EQ(told.events[2].what, "stored again");
  EXPECT_EQ(told.events[2].queue_offset, 1);
  EXPECT_FALSE(told.notes.empty());
}

TEST_F(TimelineTest, WhatIsNotThereIsRefused) {
  make_topic("T", 1);
  EXPECT_EQ(call<wire::ExplainMessage>(connect(), {.id = "A1", .topic = "T"}).code,
            wire::number(wire::ResponseCode::kQueryNotFound));
}

TEST_F(TimelineTest, CountsWhatCameTwice) {
  make_topic("T", 1);
  FakeConnection& client = connect();
  const auto none = call<wire::ReportDuplicates>(client, {});
  ASSERT_EQ(none.code, 0) << none.remark;
  EXPECT_TRUE(wire::decode_body<wire::DuplicateCounts>(as_bytes(none.body)).value().rows.empty());
  test_broker.broker.stats().causes().count(
      {.cause = broker::Cause::kQueueMoved, .group = "g", .topic = "T", .messages = 3});
  const auto answer = call<wire::ReportDuplicates>(client, {.topic = "T", .group = "g"});
  const auto told = wire::decode_body<wire::DuplicateCounts>(as_bytes(answer.body)).value();
  ASSERT_EQ(told.rows.size(), 1U);
  EXPECT_EQ(told.rows[0].topic, "T");
  EXPECT_EQ(told.rows[0].group, "g");
  EXPECT_EQ(told.rows[0].what, "queue_moved");
  EXPECT_EQ(told.rows[0].copies, 3);
  EXPECT_FALSE(told.rows[0].sentence.empty());
}

}  // namespace
}  // namespace oncemq::front
