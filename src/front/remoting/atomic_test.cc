#include "front/remoting/atomic.h"

#include "front/remoting/edge_fixture.h"
#include "model/properties.h"
#include "wire/remoting/body/atomic.h"
#include "wire/remoting/body/pop_info.h"
#include "wire/remoting/schema/faults.h"
#include "wire/remoting/schema/pop.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {
namespace {

class AtomicTest : public EdgeTest {
 protected:
  explicit AtomicTest(store::CommitPolicy policy = store::CommitPolicy::kFlushed,
                      bool allow_faults = false)
      : EdgeTest(policy, allow_faults) {
    for (const char* name : {"T", "OUT"}) {
      model::TopicConfig config{.name = name, .read_queues = 1, .write_queues = 1};
      EXPECT_TRUE(test_broker.broker.topics().update(config).has_value());
    }
    EXPECT_TRUE(test_broker.broker.groups().update({.name = "g"}).has_value());
    const wire::SendHeader header{.producer_group = "pg",
                                  .topic = "T",
                                  .default_topic = "TBW102",
                                  .default_topic_queue_nums = 4,
                                  .queue_id = 0,
                                  .properties = "KEYS\x01k\x02"};
    EXPECT_EQ((call<wire::SendMessageV2>(client_, header, "in").code), 0);
  }

  // The receipt handle of the one message.
  std::string pop() {
    const Answer answer = call<wire::PopMessage>(
        client_,
        {.consumer_group = "g", .topic = "T", .max_messages = 1, .invisible_time = 60'000});
    EXPECT_EQ(answer.code, 0) << answer.remark;
    if (answer.code != 0) return {};
    return wire::format_receipt_handle({.start_offset = 0,
                                        .pop_time = std::stoll(answer.fields.at("popTime")),
                                        .invisible_ms = 60'000,
                                        .revive_queue = 0,
                                        .source = 0,
                                        .broker = "b-a",
                                        .queue_id = 0,
                                        .offset = 0});
  }
  static std::string body(std::string_view handle, std::int64_t offset = 0) {
    wire::AtomicParts parts;
    parts.acks.push_back(
        {.group = "g", .topic = "T", .queue_id = 0, .offset = offset, .handle = handle});
    parts.sends.push_back({.topic = "OUT",
                           .queue_id = -1,
                           .flag = 5,
                           .sys_flag = 0,
                           .born_ms = 1'600'000'000'000,
                           .properties = "UNIQ_KEY\x01U\x02",
                           .body = as_bytes("made")});
    return wire::encode_atomic_parts(parts);
  }
  Answer commit(std::string_view id, const std::string& parts) {
    return call<wire::CommitAtomically>(client_, {.id = id, .producer_group = "pg"}, parts);
  }

  FakeConnection& client_ = connect();
};

TEST_F(AtomicTest, AnswersWithThePlacesOfTheMessages) {
  const Answer answer = commit("t1", body(pop()));
  ASSERT_EQ(answer.code, 0) << answer.remark;
  EXPECT_EQ(answer.fields.at("repeated"), "false");
  const auto told = wire::decode_body<wire::AtomicAnswer>(as_bytes(answer.body));
  ASSERT_TRUE(told.has_value()) << told.error().message;
  ASSERT_EQ(told->sent.size(), 1U);
  EXPECT_EQ(told->sent[0].message_id, "U");
  EXPECT_EQ(told->sent[0].queue_id, 0);
  EXPECT_EQ(told->sent[0].queue_offset, 0);
  EXPECT_FALSE(told->sent[0].duplicate);
  EXPECT_FALSE(told->sent[0].offset_id.empty());
  const model::RecordView stored = test_broker.store.record("OUT", 0, 0);
  EXPECT_EQ(as_text(stored.body), "made");
  EXPECT_EQ(stored.flag, 5);
  EXPECT_EQ(model::find_property(stored.properties, "ONCE_ATOMIC_ID"), "t1");
}

TEST_F(AtomicTest, ARepeatedOneSaysSo) {
  const std::string parts = body(pop());
  ASSERT_EQ(commit("t1", parts).code, 0);
  const Answer again = commit("t1", parts);
  ASSERT_EQ(again.code, 0) << again.remark;
  EXPECT_EQ(again.fields.at("repeated"), "true");
  EXPECT_TRUE(again.body.empty());
  EXPECT_EQ(test_broker.store.count("OUT", 0), 1U);
}

TEST_F(AtomicTest, AZombieHasACodeOfItsOwn) {
  const std::string zombie = body(pop());
  test_broker.clock.advance_ms(61'000);
  test_broker.broker.service_tick();
  pop();
  const Answer refused = commit("t1", zombie);
  EXPECT_EQ(refused.code, wire::number(wire::ResponseCode::kFenced));
  EXPECT_FALSE(refused.remark.empty());
  EXPECT_EQ(test_broker.store.count("OUT", 0), 0U);
}

TEST_F(AtomicTest, BadBytesAndHandlesAreRefused) {
  EXPECT_EQ(commit("t1", "").code, wire::number(wire::ResponseCode::kMessageIllegal));
  EXPECT_EQ(commit("t1", body("nonsense")).code, wire::number(wire::ResponseCode::kMessageIllegal));
  EXPECT_EQ(commit("t1", body(pop(), 7)).code, wire::number(wire::ResponseCode::kMessageIllegal));
  EXPECT_EQ(test_broker.store.count("OUT", 0), 0U);
}

class AtomicSyncTest : public AtomicTest {
 protected:
  AtomicSyncTest() : AtomicTest(store::CommitPolicy::kFlushed, true) {}
};

TEST_F(AtomicSyncTest, TheAnswerWaitsForTheLog) {
  const std::string parts = body(pop());
  test_broker.store.autocommit = false;
  feed(client_, request<wire::CommitAtomically>({.id = "t1", .producer_group = "pg"}, parts));
  tick();
  EXPECT_TRUE(client_.out.empty());
  test_broker.store.sync();
  tick();
  EXPECT_FALSE(client_.out.empty());
}

TEST_F(AtomicSyncTest, ALostAnswerClosesTheConnection) {
  ASSERT_TRUE(test_broker.broker.faults()
                  ->add({.kind = broker::FaultKind::kLoseSendResponse,
                         .topic = "OUT",
                         .group = {},
                         .probability = 1,
                         .count = 1})
                  .has_value());
  feed(client_, request<wire::CommitAtomically>({.id = "t1", .producer_group = "pg"}, body(pop())));
  tick();
  EXPECT_TRUE(client_.closed.has_value());
  EXPECT_EQ(test_broker.store.count("OUT", 0), 1U);
}

}  // namespace
}  // namespace oncemq::front
