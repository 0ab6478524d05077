// Offsets, clients, locks and queries, bytes in and bytes out.
#include "front/remoting/clients.h"
#include "front/remoting/edge_fixture.h"
#include "front/remoting/offsets.h"
#include "front/remoting/query.h"
#include "wire/remoting/body/assignment.h"
#include "wire/remoting/body/heartbeat.h"
#include "wire/remoting/body/queue_locks.h"
#include "wire/remoting/body/stats.h"
#include "wire/remoting/schema/client_calls.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {
namespace {

class ConsumeTest : public EdgeTest {
 protected:
  ConsumeTest() {
    make_topic("T", 2);
    make_group("g");
  }
  std::int64_t send(std::string_view body, std::string_view properties = {}) {
    FakeConnection& producer = connect("10.0.0.8:1");
    EXPECT_EQ(call<wire::SendMessageV2>(producer,
                                        {.producer_group = "pg",
                                         .topic = "T",
                                         .default_topic = "TBW102",
                                         .default_topic_queue_nums = 4,
                                         .properties = properties},
                                        body)
                  .code,
              0);
    return test_broker.store.record("T", 0, test_broker.store.count("T", 0) - 1).log_offset.value;
  }
  static std::string heartbeat(std::string_view client_id, std::string_view tags = "*") {
    wire::ConsumerGroup group;
    group.name = "g";
    group.subscriptions = {model::parse_tag_expression("T", tags).value()};
    group.subscriptions[0].version = 1;
    wire::HeartbeatBody body;
    body.client_id = client_id;
    body.consumers = {group};
    body.producers = {{.name = "pg"}};
    return wire::encode_body(body);
  }
};

TEST_F(ConsumeTest, OffsetsAreStoredAndFound) {
  FakeConnection& client = connect();
  using Commit = wire::UpdateConsumerOffset;
  const auto query = [&](std::optional<bool> zero) {
    return call<wire::QueryConsumerOffset>(
        client, {.consumer_group = "g", .topic = "T", .set_zero_if_not_found = zero});
  };
  EXPECT_EQ(query({}).code, 22);
  send("first");
  EXPECT_EQ(query(false).code, 22);
  EXPECT_EQ(query({}).fields.at("offset"), "0") << "the first message is still warm";
  EXPECT_EQ(call<Commit>(client, {.consumer_group = "g", .topic = "T", .commit_offset = 5}).code,
            0);
  EXPECT_EQ(query(false).fields.at("offset"), "5");
  EXPECT_EQ(call<Commit>(client, {.consumer_group = "g", .topic = "T"}).code, 29);
  EXPECT_EQ(call<Commit>(client, {.consumer_group = "no", .topic = "T", .commit_offset = 5}).code,
            26);
  EXPECT_EQ(call<Commit>(client, {.consumer_group = "g", .topic = "no", .commit_offset = 5}).code,
            17);
}

TEST_F(ConsumeTest, BoundsAndTimesOfQueues) {
  const std::int64_t before = test_broker.clock.wall_ms();
  send("a");
  test_broker.clock.advance_ms(100);
  send("b");
  FakeConnection& client = connect();
  EXPECT_EQ(call<wire::GetMaxOffset>(client, {.topic = "T"}).fields.at("offset"), "2");
  EXPECT_EQ(call<wire::GetMinOffset>(client, {.topic = "T"}).fields.at("offset"), "0");
  EXPECT_EQ(call<wire::GetEarliestMessageStoreTime>(client, {.topic = "T"}).fields.at("timestamp"),
            std::to_string(before));
  EXPECT_EQ(call<wire::GetEarliestMessageStoreTime>(client, {.topic = "T", .queue_id = 1})
                .fields.at("timestamp"),
            "-1");
  using Search = wire::SearchOffsetByTimestamp;
  EXPECT_EQ(call<Search>(client, {.topic = "T", .timestamp = before + 1}).fields.at("offset"), "1");
  EXPECT_EQ(call<Search>(
                client, {.topic = "T", .timestamp = before + 1, .boundary = wire::Boundary::kUpper})
                .fields.at("offset"),
            "0");
  EXPECT_EQ(call<wire::GetMaxOffset>(client, {.topic = "no"}).code, 17);
  EXPECT_EQ(call<wire::GetMinOffset>(client, {.topic = "no"}).code, 17);
  EXPECT_EQ(call<Search>(client, {.topic = "no"}).code, 17);
  EXPECT_EQ(call<wire::GetEarliestMessageStoreTime>(client, {.topic = "no"}).code, 17);
}

TEST_F(ConsumeTest, HeartbeatsMakeAGroupAndTellItsMembers) {
  FakeConnection& one = connect("10.0.0.9:1");
  FakeConnection& two = connect("10.0.0.9:2");
  const Answer beat = call<wire::Heartbeat>(one, {}, heartbeat("c1"));
  EXPECT_EQ(beat.code, 0);
  EXPECT_EQ(beat.fields.at("IS_SUPPORT_HEART_BEAT_V2"), "true");
  EXPECT_EQ(beat.fields.at("IS_SUB_CHANGE"), "true");
  one.out.clear();
  EXPECT_EQ(call<wire::Heartbeat>(two, {}, heartbeat("c2")).code, 0);

  // The first client hears of the second on its own connection, as a one-way request.
  const Answer notice = take(one);
  EXPECT_EQ(notice.code, 40);
  EXPECT_EQ(notice.flag, wire::Command::kFlagOneway);
  EXPECT_EQ(notice.fields.at("consumerGroup"), "g");
  const auto ids = wire::decode_body<wire::ConsumerIdList>(
      as_bytes(call<wire::GetConsumerListByGroup>(one, {.consumer_group = "g"}).body));
  EXPECT_EQ(call<wire::Heartbeat>(one, {}, "not json").code, 1);
  EXPECT_EQ(call<wire::GetConsumerListByGroup>(one, {.consumer_group = "none"}).code, 1);
  ASSERT_TRUE(ids.has_value());
  EXPECT_THAT(ids->ids, ::testing::ElementsAre("c1", "c2"));

  two.out.clear();
  EXPECT_EQ(call<wire::UnregisterClient>(two, {.client_id = "c2", .consumer_group = "g"}).code, 0);
  EXPECT_THAT(test_broker.broker.clients().consumer_ids("g"), ::testing::ElementsAre("c1"));
  disconnect(one);
  EXPECT_TRUE(test_broker.broker.clients().consumer_ids("g").empty());
}

TEST_F(ConsumeTest, LocksAreGivenBackAsTheyWereNamed) {
  FakeConnection& client = connect();
  const auto body = [](std::string_view id, std::vector<wire::Queue> queues) {
    wire::QueueLockBody lock;
    lock.client_id = id;
    lock.group = "g";
    lock.queues = std::move(queues);
    return wire::encode_body(lock);
  };
  const wire::Queue zero{.broker_name = "named-so", .queue_id = 0, .topic = "T"};
  const wire::Queue one{.broker_name = "named-so", .queue_id = 1, .topic = "T"};
  const auto lock = [&](std::string_view id, std::vector<wire::Queue> queues) {
    const Answer answer = call<wire::LockBatchQueues>(client, {}, body(id, std::move(queues)));
    EXPECT_EQ(answer.code, 0);
    return wire::decode_body<wire::LockedQueues>(as_bytes(answer.body)).value().queues;
  };
  EXPECT_THAT(lock("c1", {zero}), ::testing::ElementsAre(zero));
  EXPECT_THAT(lock("c2", {zero, one}), ::testing::ElementsAre(one));
  EXPECT_EQ(call<wire::UnlockBatchQueues>(client, {}, body("c1", {zero})).code, 0);
  EXPECT_THAT(lock("c2", {zero}), ::testing::ElementsAre(zero));
  EXPECT_EQ(call<wire::LockBatchQueues>(client, {}, "x").code, 1);
  EXPECT_EQ(call<wire::UnlockBatchQueues>(client, {}, "x").code, 1);
}

TEST_F(ConsumeTest, SubscriptionsAreCheckedBeforeTheyAreUsed) {
  FakeConnection& client = connect();
  wire::CheckClientBody body;
  body.client_id = "c1";
  body.group = "g";
  body.subscription = model::parse_tag_expression("T", "a || b").value();
  EXPECT_EQ(call<wire::CheckClientConfig>(client, {}, wire::encode_body(body)).code, 0);
  body.subscription->expression_type = "SQL92";
  body.subscription->expression = "a > 1";
  EXPECT_EQ(call<wire::CheckClientConfig>(client, {}, wire::encode_body(body)).code, 0);
  body.subscription->expression = "a > ";
  const Answer broken = call<wire::CheckClientConfig>(client, {}, wire::encode_body(body));
  EXPECT_EQ(broken.code, 23);
  EXPECT_NE(broken.remark.find("at character 5"), std::string::npos);
  test_broker.switches.property_filter = false;
  EXPECT_EQ(call<wire::CheckClientConfig>(client, {}, wire::encode_body(body)).code, 1);
  EXPECT_EQ(call<wire::CheckClientConfig>(client, {}, "").code, 1);
}

TEST_F(ConsumeTest, AssignmentsShareTheQueues) {
  FakeConnection& one = connect("10.0.0.9:1");
  FakeConnection& two = connect("10.0.0.9:2");
  call<wire::Heartbeat>(one, {}, heartbeat("c1"));
  call<wire::Heartbeat>(two, {}, heartbeat("c2"));
  FakeConnection& asker = connect();
  wire::QueryAssignmentBody body;
  body.client_id = "c2";
  body.group = "g";
  body.topic = "T";
  body.strategy = "AVG";
  const auto queues = [&] {
    const Answer answer = call<wire::QueryAssignment>(asker, {}, wire::encode_body(body));
    EXPECT_EQ(answer.code, 0) << answer.remark;
    std::vector<std::int32_t> ids;
    const auto decoded = wire::decode_body<wire::QueueAssignments>(as_bytes(answer.body)).value();
    for (const auto& row : decoded.assignments) {
      EXPECT_EQ(row.queue.broker_name, "b-a");
      EXPECT_EQ(row.mode, wire::RequestMode::kPull);
      ids.push_back(row.queue.queue_id);
    }
    return ids;
  };
  EXPECT_THAT(queues(), ::testing::ElementsAre(1));
  body.message_model = model::MessageModel::kBroadcasting;
  EXPECT_THAT(queues(), ::testing::ElementsAre(0, 1));
  body.message_model = model::MessageModel::kClustering;
  body.client_id = "stranger";
  EXPECT_TRUE(queues().empty());
  body.client_id = "c1";
  body.strategy = "AVG_BY_CIRCLE";
  EXPECT_THAT(queues(), ::testing::ElementsAre(0));
  body.strategy = "BY_MAGIC";
  EXPECT_EQ(call<wire::QueryAssignment>(asker, {}, wire::encode_body(body)).code, 1);
}

TEST_F(ConsumeTest, MessagesAreFoundByIdAndKey) {
  const std::string properties = broker::pairs("KEYS=order-1;UNIQ_KEY=U1");
  const std::int64_t offset = send("body", properties);
  FakeConnection& client = connect();
  const Answer by_id = call<wire::ViewMessageById>(client, {.offset = offset});
  ASSERT_EQ(by_id.code, 0);
  const auto record = model::decode_record(as_bytes(by_id.body), model::Verify::kFull);
  EXPECT_EQ(as_text(record->record.body), "body");
  EXPECT_EQ(call<wire::ViewMessageById>(client, {.offset = offset + 1}).code, 1);

  wire::QueryMessage::Header query{.topic = "T",
                                   .key = "order-1",
                                   .max_messages = 32,
                                   .end_timestamp = test_broker.clock.wall_ms()};
  const Answer by_key = call<wire::QueryMessage>(client, query);
  ASSERT_EQ(by_key.code, 0);
  EXPECT_EQ(by_key.body, by_id.body);
  EXPECT_TRUE(by_key.fields.contains("indexLastUpdatePhyoffset"));
  query.key = "other";
  EXPECT_EQ(call<wire::QueryMessage>(client, query).code, 22);
}

TEST_F(ConsumeTest, QueueEntriesAreShown) {
  send("a", broker::pairs("TAGS=x"));
  send("b");
  FakeConnection& client = connect();
  const Answer answer =
      call<wire::QueryConsumeQueue>(client, {.topic = "T", .index = 0, .count = 10});
  ASSERT_EQ(answer.code, 0);
  const auto body = wire::decode_body<wire::QueueEntries>(as_bytes(answer.body)).value();
  EXPECT_EQ(body.max_index, 2);
  ASSERT_EQ(body.entries.size(), 2U);
  EXPECT_EQ(body.entries[0].tags_code, model::tags_code("x"));
  EXPECT_EQ(body.entries[1].log_offset, body.entries[0].size);
  EXPECT_EQ(call<wire::QueryConsumeQueue>(client, {.topic = "no", .count = 1}).code, 1);
}

}  // namespace
}  // namespace oncemq::front
