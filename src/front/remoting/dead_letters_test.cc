#include "front/remoting/dead_letters.h"

#include "front/remoting/edge_fixture.h"
#include "model/message_id.h"
#include "wire/remoting/body/dead_letters.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {
namespace {

class DeadLetterTest : public EdgeTest {
 protected:
  DeadLetterTest() : EdgeTest(store::CommitPolicy::kDurable) {
    make_topic("T");
    make_group("g");
    test_broker.broker.service_tick();
  }
  // Log offset of a message that group g gave up.
  std::int64_t letter(FakeConnection& client) {
    const Answer sent = call<wire::SendMessageV2>(client,
                                                  {.producer_group = "pg",
                                                   .topic = "T",
                                                   .default_topic = "TBW102",
                                                   .default_topic_queue_nums = 4,
                                                   .queue_id = 0},
                                                  "body");
    EXPECT_EQ(sent.code, 0) << sent.remark;
    const auto id = model::parse_offset_message_id(sent.fields.at("msgId"));
    const Answer back = call<wire::ConsumerSendMessageBack>(
        client, {.offset = id->offset.value, .group = "g", .delay_level = -1});
    EXPECT_EQ(back.code, 0) << back.remark;
    const std::size_t count = test_broker.store.count("%DLQ%g", 0);
    return test_broker.store.record("%DLQ%g", 0, count - 1).log_offset.value;
  }
};

TEST_F(DeadLetterTest, AnsweredWhenDurable) {
  FakeConnection& client = connect();
  const std::int64_t at = letter(client);
  test_broker.store.autocommit = false;
  const wire::OrderDeadLetter::Header order{
      .group = "g", .offset = at, .order = "group", .by = "ann"};
  EXPECT_EQ(call<wire::OrderDeadLetter>(client, order).code, -1);
  test_broker.store.flush();
  tick();
  EXPECT_EQ(take(client).code, -1);
  test_broker.store.sync();
  tick();
  const Answer answer = take(client);
  EXPECT_EQ(answer.code, 0) << answer.remark;
  EXPECT_EQ(answer.fields.at("already"), "false");
  EXPECT_EQ(answer.fields.at("order"), "group");
  const auto copy = model::parse_offset_message_id(answer.fields.at("msgId"));
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(copy->offset, test_broker.store.record("%RETRY%g", 0, 0).log_offset);

  const Answer again = call<wire::OrderDeadLetter>(client, order);
  EXPECT_EQ(again.code, 0);
  EXPECT_EQ(again.fields.at("already"), "true");
  EXPECT_EQ(again.fields.at("by"), "ann");
  EXPECT_EQ(again.fields.at("msgId"), answer.fields.at("msgId"));
}

TEST_F(DeadLetterTest, MarksOfThoseThatHaveOne) {
  FakeConnection& client = connect();
  const std::int64_t one = letter(client);
  const std::int64_t two = letter(client);
  ASSERT_EQ(
      call<wire::OrderDeadLetter>(client, {.group = "g", .offset = two, .order = "purge"}).code, 0);
  const std::string body = wire::encode_body(wire::DeadLetterOffsets{.offsets = {one, two, 5}});
  const Answer answer = call<wire::GetDeadLetterMarks>(client, {}, body);
  ASSERT_EQ(answer.code, 0) << answer.remark;
  const auto marks = wire::decode_body<wire::DeadLetterMarks>(as_bytes(answer.body));
  ASSERT_TRUE(marks.has_value());
  ASSERT_EQ(marks->marks.size(), 1U);
  EXPECT_EQ(marks->marks[0].offset, two);
  EXPECT_EQ(marks->marks[0].order, "purge");
  EXPECT_EQ(marks->marks[0].by, "unknown");
  EXPECT_EQ(marks->marks[0].message_id, "");
}

TEST_F(DeadLetterTest, Refusals) {
  FakeConnection& client = connect();
  const std::int64_t at = letter(client);
  const auto code = [&](const wire::OrderDeadLetter::Header& order) {
    return call<wire::OrderDeadLetter>(client, order).code;
  };
  EXPECT_EQ(code({.group = "g", .offset = at, .order = "everywhere"}), 29);
  EXPECT_EQ(code({.group = "g", .offset = -1, .order = "group"}), 29);
  EXPECT_EQ(code({.group = "other", .offset = at, .order = "group"}), 22);
  EXPECT_EQ(code({.group = "g", .offset = at + 3, .order = "group"}), 22);
  EXPECT_EQ(call<wire::GetDeadLetterMarks>(client, {}, "nonsense").code, 1);
  wire::DeadLetterOffsets many;
  many.offsets.resize(wire::DeadLetterOffsets::kMax + 1);
  EXPECT_EQ(call<wire::GetDeadLetterMarks>(client, {}, wire::encode_body(many)).code, 29);
  EXPECT_EQ(test_broker.store.count("%RETRY%g", 0), 0U);
}

TEST_F(DeadLetterTest, OnewayIsDoneWithoutAnAnswer) {
  FakeConnection& client = connect();
  const std::int64_t at = letter(client);
  const std::string frame = request<wire::OrderDeadLetter>(
      {.group = "g", .offset = at, .order = "group"}, {}, /*oneway=*/true);
  feed(client, frame);
  tick();
  EXPECT_EQ(take(client).code, -1);
  EXPECT_EQ(test_broker.store.count("%RETRY%g", 0), 1U);
}

}  // namespace
}  // namespace oncemq::front
