#include "front/remoting/causes.h"

#include "front/remoting/edge_fixture.h"
#include "wire/remoting/body/causes.h"

namespace oncemq::front {
namespace {

class GroupCausesTest : public EdgeTest {
 protected:
  GroupCausesTest() { make_group("g"); }
  broker::Causes& causes() { return test_broker.broker.stats().causes(); }
  wire::GroupCauses ask(std::string_view group) {
    const Answer answer = call<wire::GetGroupCauses>(connect(), {.group = group});
    EXPECT_EQ(answer.code, 0) << answer.remark;
    auto body = wire::decode_body<wire::GroupCauses>(as_bytes(answer.body));
    EXPECT_TRUE(body.has_value());
    return body ? *body : wire::GroupCauses{};
  }
};

TEST_F(GroupCausesTest, TellsEveryCauseAndTheLatest) {
  causes().count({.cause = broker::Cause::kConsumerAsked, .group = "other", .topic = "T"});
  causes().count({.cause = broker::Cause::kQueueMoved,
                  .group = "g",
                  .topic = "T",
                  .queue_id = 3,
                  .offset = 17,
                  .messages = 4});
  const wire::GroupCauses told = ask("g");
  ASSERT_EQ(told.totals.size(), broker::kCauseCount);
  for (const wire::CauseTotal& row : told.totals) {
    EXPECT_EQ(row.messages, row.cause == "queue_moved" ? 4 : 0) << row.cause;
    EXPECT_FALSE(row.sentence.empty()) << row.cause;
  }
  ASSERT_EQ(told.recent.size(), 1U);
  EXPECT_EQ(told.recent[0].cause, "queue_moved");
  EXPECT_EQ(told.recent[0].topic, "T");
  EXPECT_EQ(told.recent[0].queue_id, 3);
  EXPECT_EQ(told.recent[0].offset, 17);
  EXPECT_EQ(told.recent[0].time_ms, test_broker.clock.wall_ms());
}

TEST_F(GroupCausesTest, TheLatestAreBounded) {
  for (int i = 0; i < 150; ++i)
    causes().count({.cause = broker::Cause::kOffsetBack, .group = "g", .topic = "T", .offset = i});
  const wire::GroupCauses told = ask("g");
  ASSERT_EQ(told.recent.size(), CauseFamily::kRecentMax);
  EXPECT_EQ(told.recent.front().offset, 149);
}

TEST_F(GroupCausesTest, RepeatedSendsToItsTopics) {
  ASSERT_TRUE(
      test_broker.broker.offsets().commit("g", "T", 0, model::ConsumeOffset{1}).has_value());
  for (const char* topic : {"T", "other"})
    causes().count({.cause = broker::Cause::kSendRepeated, .group = {}, .topic = topic});
  const wire::GroupCauses told = ask("g");
  for (const wire::CauseTotal& row : told.totals)
    EXPECT_EQ(row.messages, row.cause == "send_repeated" ? 1 : 0) << row.cause;
  ASSERT_EQ(told.recent.size(), 1U);
  EXPECT_EQ(told.recent[0].topic, "T");
}

TEST_F(GroupCausesTest, AGroupThatIsNotThere) {
  EXPECT_EQ(call<wire::GetGroupCauses>(connect(), {.group = "missing"}).code,
            wire::number(wire::ResponseCode::kSubscriptionGroupNotExist));
}

}  // namespace
}  // namespace oncemq::front
