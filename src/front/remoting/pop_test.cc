#include "wire/remoting/schema/pop.h"

#include <string>

#include "front/remoting/edge_fixture.h"
#include "wire/remoting/body/assignment.h"
#include "wire/remoting/body/body.h"
#include "wire/remoting/schema/clients.h"
#include "wire/remoting/schema/groups.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {
namespace {

using ::testing::HasSubstr;
constexpr int kStale = 40013;
constexpr int kTimeout = 210;

class PopTest : public EdgeTest {
 protected:
  explicit PopTest(store::CommitPolicy policy = store::CommitPolicy::kFlushed) : EdgeTest(policy) {
    make_topic("T", 1);
    make_group("g");
  }

  wire::PopMessage::Header ask() const {
    return {.consumer_group = "g",
            .topic = "T",
            .max_messages = 32,
            .invisible_time = 10'000,
            .born_time = test_broker.clock.wall_ms()};
  }
  void send(FakeConnection& client, int count = 1) {
    for (int i = 0; i < count; ++i) {
      const Answer sent = call<wire::SendMessage>(client,
                                                  {.producer_group = "p",
                                                   .topic = "T",
                                                   .default_topic = "TBW102",
                                                   .default_topic_queue_nums = 4,
                                                   .properties = ""},
                                                  "body");
      ASSERT_EQ(sent.code, 0) << sent.remark;
    }
  }
  // The handle of a message as the Java client makes it.
  static std::string handle(const Answer& popped, int offset) {
    const std::string start = popped.fields.at("startOffsetInfo");
    return start.substr(start.rfind(' ') + 1) + " " + popped.fields.at("popTime") + " " +
           popped.fields.at("invisibleTime") + " " + popped.fields.at("reviveQid") + " 0 b-a 0 " +
           std::to_string(offset);
  }
  Answer ack(FakeConnection& client, const std::string& extra, int offset) {
    return call<wire::AckMessage>(
        client, {.consumer_group = "g", .topic = "T", .extra_info = extra, .offset = offset});
  }
};

TEST_F(PopTest, PopAckChange) {
  FakeConnection& client = connect();
  send(client, 3);
  const Answer popped = call<wire::PopMessage>(client, ask());
  ASSERT_EQ(popped.code, 0) << popped.remark;
  EXPECT_EQ(popped.fields.at("startOffsetInfo"), "0 0 0");
  EXPECT_EQ(popped.fields.at("msgOffsetInfo"), "0 0 0,1,2");
  EXPECT_EQ(popped.fields.at("restNum"), "0");
  EXPECT_FALSE(popped.fields.contains("orderCountInfo"));
  EXPECT_EQ(ack(client, handle(popped, 0), 0).code, 0);
  EXPECT_EQ(ack(client, handle(popped, 0), 0).code, 0);
  const Answer changed = call<wire::ChangeInvisibleTime>(client, {.consumer_group = "g",
                                                                  .topic = "T",
                                                                  .extra_info = handle(popped, 1),
                                                                  .offset = 1,
                                                                  .invisible_time = 500});
  ASSERT_EQ(changed.code, 0);
  EXPECT_EQ(changed.fields.at("invisibleTime"), "500");
  const Answer stale = ack(client, handle(popped, 1), 1);
  EXPECT_EQ(stale.code, kStale);
  EXPECT_THAT(stale.remark, HasSubstr("stale"));
  test_broker.clock.advance_ms(500);
  const Answer again = call<wire::PopMessage>(client, ask());
  ASSERT_EQ(again.code, 0);
  EXPECT_EQ(again.fields.at("msgOffsetInfo"), "0 0 1");
}

TEST_F(PopTest, Refusals) {
  FakeConnection& client = connect();
  send(client);
  wire::PopMessage::Header header = ask();
  header.max_messages = 33;
  EXPECT_EQ(call<wire::PopMessage>(client, header).code, 29);
  header = ask();
  header.topic = "no";
  EXPECT_EQ(call<wire::PopMessage>(client, header).code, 17);
  header = ask();
  header.queue_id = 5;
  EXPECT_EQ(call<wire::PopMessage>(client, header).code, 29);
  header = ask();
  header.expression = "a ||";
  header.expression_type = "SOMETHING";
  EXPECT_EQ(call<wire::PopMessage>(client, header).code, 1);
  header = ask();
  header.born_time -= 10'000;
  EXPECT_EQ(call<wire::PopMessage>(client, header).code, kTimeout);
  const Answer popped = call<wire::PopMessage>(client, ask());
  EXPECT_EQ(ack(client, "nonsense", 0).code, 13);
  EXPECT_EQ(ack(client, handle(popped, 1), 0).code, 13);
  EXPECT_EQ(ack(client, handle(popped, 9), 9).code, 208);
  EXPECT_EQ(call<wire::BatchAckMessage>(client, {}, "{").code, 1);
  EXPECT_EQ(call<wire::PollingInfo>(client, {.consumer_group = "g", .topic = "no"}).code, 17);
}

TEST_F(PopTest, AWaitingPopGetsWhatArrives) {
  FakeConnection& waiting = connect();
  FakeConnection& sender = connect();
  wire::PopMessage::Header header = ask();
  header.poll_time = 15'000;
  EXPECT_EQ(call<wire::PopMessage>(waiting, header).code, -1);
  EXPECT_EQ(call<wire::PollingInfo>(sender, {.consumer_group = "g", .topic = "T"})
                .fields.at("pollingNum"),
            "1");
  EXPECT_FALSE(waiting.session->owes_answer());
  send(sender);
  tick();
  EXPECT_EQ(take(waiting).code, 0);
}

TEST_F(PopTest, AWaitEndsWithItsTime) {
  FakeConnection& client = connect();
  wire::PopMessage::Header header = ask();
  header.poll_time = 1'000;
  EXPECT_EQ(call<wire::PopMessage>(client, header).code, -1);
  test_broker.clock.advance_ms(1'000);
  test_broker.broker.service_tick();
  tick();
  EXPECT_EQ(take(client).code, kTimeout);
}

TEST_F(PopTest, NotificationAndPeekTakeNothing) {
  FakeConnection& client = connect();
  const wire::Notification::Header tell{.consumer_group = "g", .topic = "T"};
  EXPECT_EQ(call<wire::Notification>(client, tell).fields.at("hasMsg"), "false");
  const wire::PeekMessage::Header peek{.consumer_group = "g", .topic = "T", .max_messages = 1};
  EXPECT_EQ(call<wire::PeekMessage>(client, peek).code, 19);
  send(client, 2);
  EXPECT_EQ(call<wire::Notification>(client, tell).fields.at("hasMsg"), "true");
  const Answer peeked = call<wire::PeekMessage>(client, peek);
  EXPECT_EQ(peeked.code, 0);
  EXPECT_EQ(peeked.fields.at("restNum"), "1");
  EXPECT_EQ(call<wire::PopMessage>(client, ask()).fields.at("msgOffsetInfo"), "0 0 0,1");
}

TEST_F(PopTest, BatchAckSaysHowManyWereStale) {
  FakeConnection& client = connect();
  send(client, 2);
  const Answer popped = call<wire::PopMessage>(client, ask());
  const auto body = [&](const std::string& time, const std::string& bits) {
    return R"({"brokerName":"b","acks":[{"c":"g","t":"T","r":"0","so":0,"q":0,"rq":0,"pt":)" +
           time + R"(,"it":1,"b":")" + bits + R"("}]})";
  };
  const std::string time = popped.fields.at("popTime");
  EXPECT_EQ(call<wire::BatchAckMessage>(client, {}, body(time, "AQ==")).code, 0);
  const Answer mixed = call<wire::BatchAckMessage>(client, {}, body("1", "Aw=="));
  EXPECT_EQ(mixed.code, kStale);
  EXPECT_THAT(mixed.remark, HasSubstr("2 of 2"));
  EXPECT_EQ(call<wire::BatchAckMessage>(client, {}, body(time, "Aw==")).code, 0);
}

TEST_F(PopTest, OrderedPopsSayCounts) {
  FakeConnection& client = connect();
  send(client, 2);
  wire::PopMessage::Header header = ask();
  header.order = true;
  const Answer first = call<wire::PopMessage>(client, header);
  EXPECT_EQ(first.fields.at("reviveQid"), "999");
  EXPECT_EQ(call<wire::PopMessage>(client, header).code, kTimeout);
  test_broker.clock.advance_ms(10'000);
  header.born_time = test_broker.clock.wall_ms();
  const Answer again = call<wire::PopMessage>(client, header);
  EXPECT_EQ(again.fields.at("orderCountInfo"), "0 qo0%0 1;0 qo0%1 1");
}

class PopSyncTest : public PopTest {
 protected:
  PopSyncTest() : PopTest(store::CommitPolicy::kDurable) {}
};

TEST_F(PopSyncTest, AnswersWaitForTheDisk) {
  FakeConnection& client = connect();
  send(client);
  test_broker.store.autocommit = false;
  EXPECT_EQ(call<wire::PopMessage>(client, ask()).code, -1);
  test_broker.store.flush();
  tick();
  EXPECT_EQ(take(client).code, -1);
  test_broker.store.sync();
  tick();
  const Answer popped = take(client);
  ASSERT_EQ(popped.code, 0);
  EXPECT_EQ(ack(client, handle(popped, 0), 0).code, -1);
  test_broker.store.sync();
  tick();
  EXPECT_EQ(take(client).code, 0);
}

TEST_F(PopTest, AssignmentFollowsTheMode) {
  make_topic("Q", 4);
  FakeConnection& client = connect();
  test_broker.broker.request_modes().set("Q", "g", {.pop = true, .share_queues = 0});
  broker::Heartbeat beat;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    beat.client.channel = broker::ChannelId{100 + i};
    beat.client.client_id = "c" + std::to_string(i);
    beat.consumers = {{.group = "g"}};
    ASSERT_TRUE(test_broker.broker.clients().heartbeat(beat).has_value());
  }
  wire::QueryAssignmentBody body;
  body.topic = "Q";
  body.group = "g";
  body.client_id = "c1";
  body.strategy = "AVG";
  const auto queues = [&] {
    const Answer answer = call<wire::QueryAssignment>(client, {}, wire::encode_body(body));
    const auto assigned = wire::decode_body<wire::QueueAssignments>(as_bytes(answer.body));
    std::vector<std::int32_t> ids;
    for (const auto& one : assigned->assignments) {
      EXPECT_EQ(one.mode, wire::RequestMode::kPop);
      ids.push_back(one.queue.queue_id);
    }
    return ids;
  };
  using ::testing::ElementsAre;
  EXPECT_THAT(queues(), ElementsAre(-1));
  test_broker.broker.request_modes().set("Q", "g", {.pop = true, .share_queues = 1});
  EXPECT_THAT(queues(), ElementsAre(0, 1, 2));
  body.client_id = "c3";
  EXPECT_THAT(queues(), ElementsAre(3, 0, 1));
}

}  // namespace
}  // namespace oncemq::front
