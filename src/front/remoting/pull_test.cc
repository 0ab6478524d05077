#include "front/remoting/pull.h"

#include "front/remoting/edge_fixture.h"
#include "model/record_codec.h"
#include "wire/remoting/body/heartbeat.h"
#include "wire/remoting/schema/clients.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {
namespace {

class PullTest : public EdgeTest {
 protected:
  PullTest() {
    make_topic("T");
    make_group("g");
  }
  static wire::PullHeader pull(std::int64_t offset, std::int32_t flags = 0) {
    return {.consumer_group = "g",
            .topic = "T",
            .queue_id = 0,
            .queue_offset = offset,
            .max_messages = 32,
            .sys_flag = flags | wire::pullflag::kSubscription,
            .suspend_timeout_ms = 15'000,
            .subscription = "*",
            .sub_version = 1};
  }
  void send(std::string_view body, std::string_view tag = {}) {
    std::string properties;
    if (!tag.empty()) model::append_property(properties, "TAGS", tag);
    test_broker_send("T", body, properties);
  }
  void test_broker_send(std::string_view topic, std::string_view body,
                        std::string_view properties) {
    FakeConnection& producer = connect("10.0.0.8:1");
    EXPECT_EQ(call<wire::SendMessageV2>(producer,
                                        {.producer_group = "pg",
                                         .topic = topic,
                                         .default_topic = "TBW102",
                                         .default_topic_queue_nums = 4,
                                         .properties = properties},
                                        body)
                  .code,
              0);
  }
};

TEST_F(PullTest, GivesRecordsAsTheyStandInTheLog) {
  send("one");
  send(std::string(5000, 'x'));
  FakeConnection& client = connect();
  const Answer answer = call<wire::PullMessage>(client, pull(0));
  ASSERT_EQ(answer.code, 0);
  EXPECT_EQ(answer.remark, "FOUND");
  EXPECT_EQ(answer.fields.at("nextBeginOffset"), "2");
  EXPECT_EQ(answer.fields.at("minOffset"), "0");
  EXPECT_EQ(answer.fields.at("maxOffset"), "2");
  EXPECT_EQ(answer.fields.at("suggestWhichBrokerId"), "0");
  const auto first = model::decode_record(as_bytes(answer.body), model::Verify::kFull);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(as_text(first->record.body), "one");
  EXPECT_EQ(client.pins.size(), 1U) << "only the large record goes by reference";
}

TEST_F(PullTest, StatesOfTheQueueHaveTheirCodes) {
  FakeConnection& client = connect();
  EXPECT_EQ(call<wire::PullMessage>(client, pull(0)).code, 19);
  EXPECT_EQ(call<wire::PullMessage>(client, pull(5)).code, 21);
  send("one", "a");
  EXPECT_EQ(call<wire::PullMessage>(client, pull(1)).code, 19);
  const Answer far = call<wire::PullMessage>(client, pull(9));
  EXPECT_EQ(far.code, 21);
  EXPECT_EQ(far.remark, "OFFSET_OVERFLOW_BADLY");
  EXPECT_EQ(far.fields.at("nextBeginOffset"), "1");
  wire::PullHeader other = pull(0);
  other.subscription = "b";
  const Answer none = call<wire::PullMessage>(client, other);
  EXPECT_EQ(none.code, 20);
  EXPECT_EQ(none.fields.at("nextBeginOffset"), "1");
}

TEST_F(PullTest, RefusalsHaveTheirCodes) {
  FakeConnection& client = connect();
  wire::PullHeader unknown = pull(0);
  unknown.topic = "nope";
  EXPECT_EQ(call<wire::PullMessage>(client, unknown).code, 17);
  wire::PullHeader queue = pull(0);
  queue.queue_id = 4;
  EXPECT_EQ(call<wire::PullMessage>(client, queue).code, 29);
  wire::PullHeader sql = pull(0);
  sql.expression_type = "SQL92";
  sql.subscription = "a > 1";
  EXPECT_EQ(call<wire::PullMessage>(client, sql).code, 19);
  sql.subscription = "a > 1 b";
  const Answer broken = call<wire::PullMessage>(client, sql);
  EXPECT_EQ(broken.code, 23);
  EXPECT_NE(broken.remark.find("at character 7"), std::string::npos);
  test_broker.switches.property_filter = false;
  EXPECT_EQ(call<wire::PullMessage>(client, sql).code, 1);
  wire::PullHeader offline = pull(0);
  offline.sys_flag = 0;
  EXPECT_EQ(call<wire::PullMessage>(client, offline).code, 24);
  make_topic("unreadable", 4, model::perm::kWrite);
  wire::PullHeader unreadable = pull(0);
  unreadable.topic = "unreadable";
  const Answer forbidden = call<wire::PullMessage>(client, unreadable);
  EXPECT_EQ(forbidden.code, 16);
  EXPECT_EQ(forbidden.fields.at("forbiddenType"), "3");
  test_broker.switches.auto_create_group = false;
  wire::PullHeader group = pull(0);
  group.consumer_group = "nobody";
  EXPECT_EQ(call<wire::PullMessage>(client, group).code, 26);
  test_broker.switches.lite_pull = false;
  EXPECT_EQ(call<wire::LitePullMessage>(client, pull(0)).code, 16);
  test_broker.switches.permission = model::perm::kWrite;
  EXPECT_EQ(call<wire::PullMessage>(client, pull(0)).code, 16);
}

TEST_F(PullTest, AParkedPullIsWokenByAnArrival) {
  FakeConnection& client = connect();
  feed(client, request<wire::PullMessage>(pull(0, wire::pullflag::kSuspend)));
  tick();
  EXPECT_TRUE(client.out.empty());
  EXPECT_EQ(test_broker.broker.parked().size(), 1U);
  EXPECT_FALSE(client.session->owes_answer()) << "draining does not wait for it";
  send("one");
  tick();
  const Answer answer = take(client);
  EXPECT_EQ(answer.code, 0);
  EXPECT_EQ(answer.opaque, 101);
  EXPECT_EQ(test_broker.broker.parked().size(), 0U);
}

TEST_F(PullTest, AParkedPullIsNotWokenByOtherTags) {
  FakeConnection& client = connect();
  wire::PullHeader header = pull(0, wire::pullflag::kSuspend);
  header.subscription = "b";
  feed(client, request<wire::PullMessage>(header));
  tick();
  send("one", "a");
  tick();
  EXPECT_TRUE(client.out.empty());
  send("two", "b");
  tick();
  EXPECT_EQ(take(client).code, 0);
}

TEST_F(PullTest, AtTheDeadlineItIsAnsweredWithNothing) {
  FakeConnection& client = connect();
  feed(client, request<wire::PullMessage>(pull(0, wire::pullflag::kSuspend)));
  tick();
  test_broker.clock.advance_ms(15'001);
  test_broker.broker.service_tick();
  tick();
  EXPECT_EQ(take(client).code, 19);
}

TEST_F(PullTest, CommitOffsetComesWithTheFirstPass) {
  FakeConnection& client = connect();
  wire::PullHeader header = pull(0, wire::pullflag::kSuspend | wire::pullflag::kCommitOffset);
  header.commit_offset = 7;
  feed(client, request<wire::PullMessage>(header));
  tick();
  EXPECT_EQ(test_broker.broker.offsets().query("g", "T", 0), model::ConsumeOffset{7});
  ASSERT_TRUE(test_broker.broker.offsets().commit("g", "T", 0, model::ConsumeOffset{9}));
  send("one");
  tick();
  EXPECT_EQ(test_broker.broker.offsets().query("g", "T", 0), model::ConsumeOffset{9});
}

TEST_F(PullTest, AClosedConnectionLeavesNothingParked) {
  FakeConnection& client = connect();
  feed(client, request<wire::PullMessage>(pull(0, wire::pullflag::kSuspend)));
  tick();
  disconnect(client);
  tick();
  EXPECT_EQ(test_broker.broker.parked().size(), 0U);
  send("one");
  tick();
  EXPECT_TRUE(client.out.empty());
}

TEST_F(PullTest, WhenTooManyAreParkedTheAnswerIsNothing) {
  // One more than the bound would be refused by the broker; its own test fills it. Here: stopped.
  test_broker.broker.parked().stop();
  FakeConnection& client = connect();
  EXPECT_EQ(call<wire::PullMessage>(client, pull(0, wire::pullflag::kSuspend)).code, 19);
}

}  // namespace
}  // namespace oncemq::front
