#include "front/remoting/recall.h"

#include "broker/recall_handle.h"
#include "front/remoting/edge_fixture.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {
namespace {

class RecallTest : public EdgeTest {
 protected:
  RecallTest() {
    make_topic("T");
    make_topic("Other");
    test_broker.switches.recall = true;
  }
  Answer send(std::string_view topic, std::string_view wait) {
    std::string properties;
    model::append_property(properties, "UNIQ_KEY", "0A0B");
    model::append_property(properties, "TIMER_DELAY_MS", wait);
    return call<wire::SendMessageV2>(client,
                                     {.producer_group = "pg",
                                      .topic = topic,
                                      .default_topic = "TBW102",
                                      .default_topic_queue_nums = 4,
                                      .properties = properties},
                                     "body");
  }
  Answer recall(std::string_view topic, std::string_view handle) {
    const std::string frame = request<wire::RecallMessage>(
        {.producer_group = "pg", .topic = topic, .recall_handle = handle});
    EXPECT_EQ(feed(client, frame), frame.size());
    tick();
    test_broker.broker.timers().tick();
    tick();
    return take(client);
  }

  FakeConnection& client = connect();
};

TEST_F(RecallTest, SendGivesAHandleAndRecallTakesIt) {
  const Answer sent = send("T", "5000");
  ASSERT_EQ(sent.code, 0);
  const std::string handle = sent.fields.at("recallHandle");
  const auto parsed = broker::RecallHandle::parse(handle);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->topic, "T");
  EXPECT_EQ(parsed->broker, "b-a");
  EXPECT_EQ(parsed->unique_key, "0A0B");
  const Answer recalled = recall("T", handle);
  EXPECT_EQ(recalled.code, 0) << recalled.remark;
  EXPECT_EQ(recalled.fields.at("msgId"), "0A0B");
  test_broker.clock.advance_ms(6'000);
  test_broker.broker.timers().tick();
  for (std::int32_t queue = 0; queue < 4; ++queue)
    EXPECT_EQ(test_broker.store.count("T", queue), 0U);
  EXPECT_EQ(recall("T", handle).code, 0) << "the same question, the same answer";
}

TEST_F(RecallTest, OnlyTimersHaveAHandle) {
  EXPECT_FALSE(send("T", "0").fields.contains("recallHandle"));
  EXPECT_TRUE(send("T", "1").fields.contains("recallHandle"));
}

TEST_F(RecallTest, RefusalsInUpstreamsOrder) {
  const std::string handle = send("T", "5000").fields.at("recallHandle");
  EXPECT_EQ(recall("Nowhere", handle).code, 17);
  EXPECT_EQ(recall("T", "nonsense").code, 604);
  EXPECT_EQ(recall("Other", handle).code, 604);
  const broker::RecallHandle elsewhere{"T", "b-b", 1'700'000'005'000, "0A0B"};
  EXPECT_EQ(recall("T", elsewhere.to_string()).code, 604);
  const broker::RecallHandle unknown{"T", "b-a", 1'700'000'005'000, "nobody"};
  EXPECT_EQ(recall("T", unknown.to_string()).code, 604);
  test_broker.switches.permission = 4;
  EXPECT_EQ(recall("T", handle).code, 14);
  test_broker.switches.recall_unwritable = true;
  EXPECT_EQ(recall("T", handle).code, 0);
  test_broker.switches.start_accept_send_ms = test_broker.clock.wall_ms() + 1;
  EXPECT_EQ(recall("T", handle).code, 14);
  test_broker.switches.recall = false;
  EXPECT_EQ(recall("T", handle).code, 16);
}

TEST_F(RecallTest, TooLate) {
  const std::string handle = send("T", "5000").fields.at("recallHandle");
  test_broker.clock.advance_ms(5'000);
  test_broker.broker.timers().tick();
  EXPECT_EQ(recall("T", handle).code, 604);
}

}  // namespace
}  // namespace oncemq::front
