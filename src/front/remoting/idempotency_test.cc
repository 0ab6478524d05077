#include "front/remoting/idempotency.h"

#include "front/remoting/edge_fixture.h"
#include "model/properties.h"
#include "wire/remoting/body/idempotency.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {
namespace {

class IdempotencyTest : public EdgeTest {
 protected:
  IdempotencyTest() { set({{"+idempotent.key", "UNIQ_KEY"}, {"+idempotent.window", "60s"}}); }
  void set(std::map<std::string, std::string> changes) {
    model::TopicConfig config{.name = "T", .read_queues = 4, .write_queues = 4};
    config.attributes = std::move(changes);
    ASSERT_TRUE(test_broker.broker.topics().update(config).has_value());
    test_broker.broker.service_tick();
  }
  Answer send(std::string_view key, std::string_view body) {
    std::string properties;
    model::append_property(properties, model::property::kUniqueKey, key);
    const wire::SendHeader header{.producer_group = "pg",
                                  .topic = "T",
                                  .default_topic = "TBW102",
                                  .default_topic_queue_nums = 4,
                                  .queue_id = next_queue_++ % 4,
                                  .properties = properties};
    return call<wire::SendMessageV2>(client_, header, body);
  }
  wire::IdempotencyReport ask() {
    const Answer answer = call<wire::GetIdempotencyReport>(client_, {.topic = "T"});
    EXPECT_EQ(answer.code, 0) << answer.remark;
    auto body = wire::decode_body<wire::IdempotencyReport>(as_bytes(answer.body));
    EXPECT_TRUE(body.has_value());
    return body ? *body : wire::IdempotencyReport{};
  }

  FakeConnection& client_ = connect();
  std::int32_t next_queue_ = 0;
};

TEST_F(IdempotencyTest, ADuplicateIsAnsweredLikeTheFirstOne) {
  const Answer first = send("U", "body");
  ASSERT_EQ(first.code, 0) << first.remark;
  EXPECT_FALSE(first.fields.contains("onceDuplicates"));
  const Answer again = send("U", "body");
  ASSERT_EQ(again.code, 0) << again.remark;
  EXPECT_EQ(again.fields.at("onceDuplicates"), "1");
  for (const char* field : {"msgId", "queueId", "queueOffset", "transactionId"})
    EXPECT_EQ(again.fields.at(field), first.fields.at(field)) << field;
  EXPECT_EQ(test_broker.store.count("T", 0), 1U);
  EXPECT_EQ(test_broker.store.count("T", 1), 0U);
}

TEST_F(IdempotencyTest, AnotherBodyHasACodeOfItsOwn) {
  set({{"+idempotent.mismatch", "reject"}});
  send("U", "one");
  const Answer refused = send("U", "two");
  EXPECT_EQ(refused.code, wire::number(wire::ResponseCode::kIdempotencyKeyConflict));
  EXPECT_NE(refused.remark.find("key U"), std::string::npos);
}

TEST_F(IdempotencyTest, ReportTellsWhatWasLeftOut) {
  const Answer first = send("U", "body");
  test_broker.clock.advance_ms(1'500);
  send("U", "body");
  const wire::IdempotencyReport told = ask();
  EXPECT_EQ(told.mode, "enforce");
  EXPECT_EQ(told.key, "UNIQ_KEY");
  EXPECT_EQ(told.window_ms, 60'000);
  ASSERT_EQ(told.totals.size(), 4U);
  for (const wire::RepeatTotal& row : told.totals) {
    EXPECT_EQ(row.messages, row.what == "left_out" ? 1 : 0) << row.what;
    EXPECT_FALSE(row.sentence.empty());
  }
  ASSERT_EQ(told.latest.size(), 1U);
  const wire::RepeatExample& example = told.latest.front();
  EXPECT_EQ(example.what, "left_out");
  EXPECT_EQ(example.key, "U");
  EXPECT_EQ(example.time_ms - example.original_ms, 1'500);
  EXPECT_EQ(example.original_id, first.fields.at("msgId"));
  EXPECT_EQ(std::to_string(example.queue_id), first.fields.at("queueId"));
  EXPECT_EQ(std::to_string(example.queue_offset), first.fields.at("queueOffset"));
}

TEST_F(IdempotencyTest, ReportOfATopicInAnotherMode) {
  set({{"+idempotent.mode", "shadow"}});
  EXPECT_EQ(ask().mode, "shadow");
  set({{"+idempotent.mode", "off"}});
  EXPECT_EQ(ask().mode, "off");
  EXPECT_EQ(ask().key, "");
}

TEST_F(IdempotencyTest, ReportOfATopicThatIsNotThere) {
  EXPECT_EQ(call<wire::GetIdempotencyReport>(client_, {.topic = "missing"}).code,
            wire::number(wire::ResponseCode::kTopicNotExist));
}

}  // namespace
}  // namespace oncemq::front
