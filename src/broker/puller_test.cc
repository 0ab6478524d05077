#include "broker/puller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "broker/fixture.h"
#include "broker/pop_rewrite.h"

namespace oncemq::broker {
namespace {

class PullerTest : public ::testing::Test, protected Nouns {
 protected:
  PullerTest() {
    make_topic("T");
    subscribe("*", 1);
  }

  void subscribe(std::string_view expression, std::int64_t version) {
    ASSERT_TRUE(clients.heartbeat(beat(1, "c1", "g", {subscription("T", expression, version)}))
                    .has_value());
  }
  // As a heartbeat leaves it: compiled, if it can be.
  void subscribe_sql(std::string_view expression) {
    model::Subscription sql;
    sql.topic = "T";
    sql.expression = expression;
    sql.expression_type = "SQL92";
    sql.version = 5;
    (void)filters.prepare(sql);
    ASSERT_TRUE(clients.heartbeat(beat(1, "c1", "g", {sql})).has_value());
  }
  static PullRequest wanted(std::int64_t offset = 0) {
    PullRequest request;
    request.group = "g";
    request.topic = "T";
    request.offset = {offset};
    request.subscription_version = 1;
    return request;
  }
  PullResult pulled(const PullRequest& request) {
    auto result = puller.pull(request);
    EXPECT_TRUE(result.has_value()) << result.error().error.message;
    return result.has_value() ? std::move(*result) : PullResult{};
  }
  PullRefusal refused(const PullRequest& request) {
    auto result = puller.pull(request);
    EXPECT_FALSE(result.has_value());
    return result.has_value() ? PullRefusal{} : result.error();
  }
  Errc code(const PullRequest& request) { return refused(request).error.code; }
};

TEST_F(PullerTest, FindsMessages) {
  send("T", "a");
  send("T", "b");
  const PullResult result = pulled(wanted());
  EXPECT_EQ(result.status, PullStatus::kFound);
  EXPECT_EQ(result.read.messages, 2);
  EXPECT_EQ(result.read.next.value, 2);
  EXPECT_EQ(result.read.max.value, 2);
  EXPECT_EQ(result.suggested_broker_id, 0);
  EXPECT_EQ(stats.get_total(), 2U);
  EXPECT_EQ(stats.view("GROUP_GET_NUMS", "T@g")->minute.sum, 2U);
}

TEST_F(PullerTest, WhatIsGivenAndPassedIsInTheLedger) {
  send("T", "a");
  send("T", "b");
  PullRequest request = wanted();
  request.channel = ChannelId{7};
  (void)pulled(request);
  request.offset = {2};
  request.commit_offset = model::ConsumeOffset{1};
  (void)pulled(request);
  (void)pulled(request);  // nothing new
  EXPECT_TRUE(
      puller.commit({.group = "g", .topic = "T", .offset = model::ConsumeOffset{2}}).has_value());
  EXPECT_TRUE(
      puller.commit({.group = "g", .topic = "T", .offset = model::ConsumeOffset{0}}).has_value());
  const std::uint64_t queue = DeliveryLedger::queue_key("T", 0);
  const auto first = stats.ledger().of(queue, 0, 10).entries;
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].step, DeliveryStep::kPulled);
  EXPECT_EQ(first[0].channel, ChannelId{7});
  EXPECT_EQ(first[0].group, DeliveryLedger::group_key("g"));
  EXPECT_EQ(first[0].messages, 2U);
  EXPECT_EQ(first[1].step, DeliveryStep::kPassed);
  const auto second = stats.ledger().of(queue, 1, 10).entries;
  ASSERT_EQ(second.size(), 2U);
  EXPECT_EQ(second[1].step, DeliveryStep::kPassed);
  EXPECT_EQ(second[1].from, 1);
  EXPECT_EQ(stats.ledger().total(), 3U);
}

TEST_F(PullerTest, EmptyQueueIsNothingAtZeroAndMovedElsewhere) {
  EXPECT_EQ(pulled(wanted(0)).status, PullStatus::kNothing);
  const PullResult moved = pulled(wanted(5));
  EXPECT_EQ(moved.status, PullStatus::kOffsetMoved);
  EXPECT_EQ(moved.read.next.value, 0);
}

TEST_F(PullerTest, OffsetsOutsideTheQueue) {
  for (int i = 0; i < 3; ++i) send("T", "x");
  EXPECT_EQ(pulled(wanted(3)).status, PullStatus::kNothing);
  EXPECT_EQ(pulled(wanted(3)).read.next.value, 3);
  const PullResult past = pulled(wanted(9));
  EXPECT_EQ(past.status, PullStatus::kOffsetMoved);
  EXPECT_EQ(past.read.next.value, 3);
  store.fake("T", 0).cut(2);
  const PullResult small = pulled(wanted(1));
  EXPECT_EQ(small.status, PullStatus::kOffsetMoved);
  EXPECT_EQ(small.read.next.value, 2);
  EXPECT_FALSE(small.reset);
}

TEST_F(PullerTest, OnlyCommittedMessagesAreSeen) {
  store.autocommit = false;
  send("T", "a");
  EXPECT_EQ(pulled(wanted()).status, PullStatus::kNothing);
  store.flush();
  EXPECT_EQ(pulled(wanted()).status, PullStatus::kFound);
}

TEST_F(PullerTest, LimitsAreTheSmallerOfBothSides) {
  for (int i = 0; i < 10; ++i) send("T", std::string(100, 'x'));
  PullRequest request = wanted();
  request.max_messages = 4;
  EXPECT_EQ(pulled(request).read.messages, 4);
  switches.transfer_count_max = 3;
  EXPECT_EQ(pulled(request).read.messages, 3);
  switches.pull_batch_max = 2;
  EXPECT_EQ(pulled(request).read.messages, 2);
  request.max_messages = 0;
  EXPECT_EQ(pulled(request).read.messages, 1);
  request.max_messages = 2;
  request.max_bytes = 1;
  EXPECT_EQ(pulled(request).read.messages, 1);
  request.max_bytes.reset();
  switches.transfer_bytes_max = 1;
  EXPECT_EQ(pulled(request).read.messages, 1);
}

TEST_F(PullerTest, StoredSubscriptionFilters) {
  subscribe("red || blue", 2);
  send("T", "a", pairs("TAGS=red"));
  send("T", "b", pairs("TAGS=green"));
  send("T", "c", pairs("TAGS=blue"));
  const PullResult result = pulled(wanted());
  EXPECT_EQ(result.read.messages, 2);
  EXPECT_EQ(result.read.next.value, 3);
  subscribe("none", 3);
  const PullResult none = pulled(wanted());
  EXPECT_EQ(none.status, PullStatus::kRetry);
  EXPECT_EQ(none.read.next.value, 3);
}

TEST_F(PullerTest, CarriedSubscriptionCounts) {
  send("T", "a", pairs("TAGS=red"));
  send("T", "b", pairs("TAGS=green"));
  PullRequest request = wanted();
  request.has_subscription = true;
  request.expression = "green";
  request.subscription_version = 99;  // newer than any heartbeat: no reason to wait
  EXPECT_EQ(pulled(request).read.messages, 1);
  request.expression = "*";
  EXPECT_EQ(pulled(request).read.messages, 2);
  request.expression = "";
  EXPECT_EQ(pulled(request).read.messages, 2);
  request.group = "offline";
  EXPECT_EQ(pulled(request).read.messages, 2);
}

// apache/rocketmq#2705, #2181, #4215: it became the beginning, with days of duplicates.
TEST_F(PullerTest, R29_AnOffsetBehindTheEndIsAnsweredWithTheEnd) {
  for (int i = 0; i < 3; ++i) send("T", "x");
  for (const std::int64_t offset : {std::int64_t{4}, std::int64_t{1} << 40}) {
    const PullResult result = pulled(wanted(offset));
    EXPECT_EQ(result.status, PullStatus::kOffsetMoved);
    EXPECT_EQ(result.read.next.value, 3);
  }
  EXPECT_FALSE(offsets.query("g", "T", 0).has_value());
}

TEST_F(PullerTest, BrokenExpressionIsRefused) {
  PullRequest request = wanted();
  request.has_subscription = true;
  request.expression = "||";
  EXPECT_EQ(code(request), Errc::kSubscriptionBroken);
}

TEST_F(PullerTest, NewerClientIsServedUnfilteredUntilItsHeartbeat) {
  subscribe("red", 1);
  send("T", "a", pairs("TAGS=red"));
  send("T", "b", pairs("TAGS=green"));
  PullRequest request = wanted();
  request.subscription_version = 2;
  EXPECT_EQ(pulled(request).read.messages, 2);
  request.expression_type = "SQL92";
  EXPECT_EQ(code(request), Errc::kSubscriptionStale);
}

// An expression that costs much on every message: pulls are short, and together they see each
// message once.
TEST_F(PullerTest, AnExpensiveExpressionIsSpreadOverPulls) {
  const std::string x = pairs("a=" + std::string(8'000, 'x'));
  for (int i = 0; i < 400; ++i)
    send("T", std::to_string(i), x + pairs("n=" + std::to_string(i % 100)));
  PullRequest request = wanted();
  request.has_subscription = true;
  request.expression_type = "SQL92";
  std::string expression;
  for (int i = 0; i < 6; ++i) expression += "not (a contains 'xy" + std::to_string(i) + "') and ";
  expression += "n = 7";
  request.expression = expression;
  std::vector<std::int64_t> seen;
  int pulls = 0;
  for (; request.offset.value < 400; ++pulls) {
    const PullResult result = pulled(request);
    ASSERT_GT(result.read.next, request.offset);
    ASSERT_TRUE(result.status == PullStatus::kFound || result.status == PullStatus::kRetry);
    for (const auto& offset : pop_offsets(result.read)) seen.push_back(offset.value);
    request.offset = result.read.next;
  }
  EXPECT_THAT(seen, ::testing::ElementsAre(7, 107, 207, 307));
  EXPECT_GT(pulls, 1);
  EXPECT_FALSE(stats.view("FILTER_OVER_NUMS", "T@g").has_value());
}

// The bound of one evaluation is counted by group and told in the log, not for every message.
TEST_F(PullerTest, AnExpressionThatCostsTooMuchIsToldOfAndWithholdsMessages) {
  std::string hostile;
  for (int i = 0; i < 40; ++i) hostile += "not (a contains 'xy" + std::to_string(i) + "') and ";
  hostile += "n = 1 or n = 2";
  send("T", "0", pairs("n=2;a=" + std::string(20'000, 'x')));
  send("T", "1", pairs("n=2"));
  std::vector<std::string> lines;
  log::set_sink([&](log::Level, std::string_view line) { lines.emplace_back(line); });
  PullRequest request = wanted();
  request.has_subscription = true;
  request.expression_type = "SQL92";
  request.expression = hostile;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pulled(request).read.messages, 1);
  EXPECT_EQ(stats.view("FILTER_OVER_NUMS", "T@g").value().minute.sum, 3U);
  ASSERT_EQ(lines.size(), 1U);
  clock.advance_ms(10'000);
  EXPECT_EQ(pulled(request).read.messages, 1);
  log::set_sink({});
  EXPECT_GE(lines.size(), 2U);
  EXPECT_THAT(lines[0],
              ::testing::HasSubstr("group=g topic=T messages=1 expression=not (a contains 'xy0')"));
  EXPECT_TRUE(lines[0].ends_with("...")) << lines[0];
  EXPECT_LT(lines[0].size(), 400U);
}

TEST_F(PullerTest, Refusals) {
  PullRequest request = wanted();
  switches.permission = model::perm::kWrite;
  EXPECT_EQ(code(request), Errc::kNoPermission);
  EXPECT_EQ(refused(request).forbidden, Forbidden::kBroker);
  switches.permission = model::perm::kRead | model::perm::kWrite;

  request.lite = true;
  switches.lite_pull = false;
  EXPECT_EQ(code(request), Errc::kNoPermission);
  request.lite = false;

  request.group = "unknown";
  switches.auto_create_group = false;
  EXPECT_EQ(code(request), Errc::kGroupNotFound);
  switches.auto_create_group = true;
  EXPECT_EQ(code(request), Errc::kSubscriptionMissing);
  EXPECT_NE(groups.find("unknown"), nullptr);

  request = wanted();
  request.topic = "nowhere";
  EXPECT_EQ(code(request), Errc::kTopicNotFound);
  make_topic("W", 4, model::perm::kWrite);
  request.topic = "W";
  EXPECT_EQ(code(request), Errc::kNoPermission);
  EXPECT_EQ(refused(request).forbidden, Forbidden::kTopic);
  make_topic("U");
  request.topic = "U";
  EXPECT_EQ(code(request), Errc::kSubscriptionMissing);

  request = wanted();
  request.queue_id = 4;
  EXPECT_EQ(code(request), Errc::kInvalidArgument);
  request.queue_id = -1;
  EXPECT_EQ(code(request), Errc::kInvalidArgument);

  request = wanted();
  groups.set_readable("g", "T", false);
  EXPECT_EQ(refused(request).forbidden, Forbidden::kSubscription);
  groups.set_readable("g", "T", true);

  model::GroupConfig config = *groups.config("g");
  config.consume_enable = false;
  ASSERT_TRUE(groups.update(config).has_value());
  EXPECT_EQ(refused(request).forbidden, Forbidden::kGroup);
}

TEST_F(PullerTest, BroadcastMayBeForbidden) {
  Heartbeat heartbeat = beat(1, "c1", "g", {subscription("T", "*")});
  heartbeat.consumers[0].model = model::MessageModel::kBroadcasting;
  ASSERT_TRUE(clients.heartbeat(heartbeat).has_value());
  EXPECT_EQ(pulled(wanted()).status, PullStatus::kNothing);
  model::GroupConfig config = *groups.config("g");
  config.consume_broadcast_enable = false;
  ASSERT_TRUE(groups.update(config).has_value());
  EXPECT_EQ(refused(wanted()).forbidden, Forbidden::kBroadcast);
}

TEST_F(PullerTest, SqlSubscriptionOfTheGroup) {
  subscribe_sql("a > 1 and TAGS = 'red'");
  send("T", "0", pairs("a=1;TAGS=red"));
  send("T", "1", pairs("a=2;TAGS=red"));
  send("T", "2", pairs("a=2;TAGS=green"));
  send("T", "3", pairs("TAGS=red"));
  send("T", "4", pairs("a=2.5;TAGS=red"));
  const PullResult result = pulled(wanted());
  EXPECT_EQ(result.status, PullStatus::kFound);
  EXPECT_EQ(result.read.messages, 2);
  EXPECT_EQ(result.read.next.value, 5);
  EXPECT_EQ(pulled(wanted(2)).read.messages, 1);
}

TEST_F(PullerTest, SqlThatNothingMatchesGoesOnBehindIt) {
  subscribe_sql("a > 1");
  send("T", "0", pairs("a=1"));
  const PullResult result = pulled(wanted());
  EXPECT_EQ(result.status, PullStatus::kRetry);
  EXPECT_EQ(result.read.next.value, 1);
}

TEST_F(PullerTest, SqlSubscriptionInTheRequest) {
  send("T", "0", pairs("a=1"));
  send("T", "1", pairs("a=2"));
  PullRequest request = wanted();
  request.has_subscription = true;
  request.expression_type = "SQL92";
  request.expression = "a > 1";
  EXPECT_EQ(pulled(request).read.messages, 1);
  request.expression = "a > 1 nonsense";
  const PullRefusal refusal = refused(request);
  EXPECT_EQ(refusal.error.code, Errc::kSubscriptionBroken);
  EXPECT_NE(refusal.error.message.find("at character 7"), std::string::npos);
  request.expression_type = "SQL3";
  EXPECT_EQ(code(request), Errc::kNotSupported);
}

// A heartbeat cannot be refused for one subscription of many, so the pulls say what is wrong.
TEST_F(PullerTest, BrokenSqlOfTheGroupIsRefusedWithItsReason) {
  subscribe_sql("a >");
  send("T", "0", pairs("a=1"));
  const PullRefusal refusal = refused(wanted());
  EXPECT_EQ(refusal.error.code, Errc::kSubscriptionBroken);
  EXPECT_NE(refusal.error.message.find("at character 4"), std::string::npos);
}

TEST_F(PullerTest, SqlCanBeSwitchedOffAndOn) {
  switches.property_filter = false;
  subscribe_sql("a > 1");
  send("T", "0", pairs("a=2"));
  EXPECT_EQ(code(wanted()), Errc::kNotSupported);
  switches.property_filter = true;
  EXPECT_EQ(pulled(wanted()).read.messages, 1);
  switches.property_filter = false;
  EXPECT_EQ(code(wanted()), Errc::kNotSupported);
}

TEST_F(PullerTest, CommitOffsetIsKept) {
  send("T", "a");
  PullRequest request = wanted();
  request.commit_offset = model::ConsumeOffset{1};
  pulled(request);
  EXPECT_EQ(offsets.query("g", "T", 0)->value, 1);
}

TEST_F(PullerTest, ResetIsAnsweredOnce) {
  for (int i = 0; i < 3; ++i) send("T", "x");
  ASSERT_TRUE(offsets.assign_reset("g", "T", 0, {1}).has_value());
  PullRequest request = wanted(3);
  request.commit_offset = model::ConsumeOffset{3};
  const PullResult reset = pulled(request);
  EXPECT_EQ(reset.status, PullStatus::kOffsetMoved);
  EXPECT_TRUE(reset.reset);
  EXPECT_EQ(reset.read.next.value, 1);
  EXPECT_EQ(reset.read.max.value, 3);
  EXPECT_EQ(offsets.query("g", "T", 0)->value, 1);
  EXPECT_EQ(pulled(wanted(1)).read.messages, 2);
}

TEST_F(PullerTest, ResetToWhereTheClientIsNeedsNoMove) {
  for (int i = 0; i < 3; ++i) send("T", "x");
  ASSERT_TRUE(offsets.assign_reset("g", "T", 0, {1}).has_value());
  EXPECT_EQ(pulled(wanted(1)).read.messages, 2);
  EXPECT_EQ(offsets.take_reset("g", "T", 0), std::nullopt);
}

// ---- parking

struct Waiter final : PullWaiter {
  explicit Waiter(std::vector<WakeReason>& seen) : reasons(seen) {}
  void wake(WakeReason reason) override { reasons.push_back(reason); }
  std::vector<WakeReason>& reasons;
};

class ParkTest : public PullerTest {
 protected:
  ParkOutcome park(const PullRequest& request) {
    waiter = std::make_unique<Waiter>(woken);
    return puller.park(request, ChannelId{1}, waiter);
  }
  PullRequest suspended(std::int64_t offset = 0) {
    PullRequest request = wanted(offset);
    request.suspend = true;
    request.suspend_timeout_ms = 15'000;
    return request;
  }
  std::vector<WakeReason> woken;
  std::unique_ptr<PullWaiter> waiter;
};

TEST_F(ParkTest, ArrivalWakes) {
  ASSERT_EQ(park(suspended()), ParkOutcome::kParked);
  EXPECT_EQ(waiter, nullptr);
  EXPECT_EQ(parked.size(), 1U);
  send("T", "other queue", {}, 1);
  EXPECT_TRUE(woken.empty());
  send("T", "x");
  EXPECT_EQ(woken, std::vector{WakeReason::kArrived});
  EXPECT_EQ(parked.size(), 0U);
}

TEST_F(ParkTest, ArrivalThatDoesNotMatchSleepsOn) {
  subscribe("red", 2);
  ASSERT_EQ(park(suspended()), ParkOutcome::kParked);
  send("T", "x", pairs("TAGS=green"));
  EXPECT_TRUE(woken.empty());
  send("T", "y", pairs("TAGS=red"));
  EXPECT_EQ(woken, std::vector{WakeReason::kArrived});
}

TEST_F(ParkTest, UncommittedArrivalDoesNotWake) {
  ASSERT_EQ(park(suspended()), ParkOutcome::kParked);
  store.autocommit = false;
  send("T", "x");
  EXPECT_TRUE(woken.empty());
  store.flush();
  EXPECT_EQ(woken.size(), 1U);
}

TEST_F(ParkTest, WhatCameBetweenPullAndParkIsNotMissed) {
  ASSERT_EQ(pulled(suspended()).status, PullStatus::kNothing);
  send("T", "x");
  EXPECT_EQ(park(suspended()), ParkOutcome::kArrived);
  EXPECT_NE(waiter, nullptr);
  EXPECT_EQ(parked.size(), 0U);
  EXPECT_TRUE(woken.empty());
  EXPECT_FALSE(store.fake("T", 0).watched());
}

TEST_F(ParkTest, WhatChangedMeanwhileIsForThePullToSay) {
  ASSERT_TRUE(topics.remove("T").has_value());
  EXPECT_EQ(park(suspended()), ParkOutcome::kArrived);
}

TEST_F(ParkTest, TimeoutIsTheClientsUnlessLongPollingIsOff) {
  ASSERT_EQ(park(suspended()), ParkOutcome::kParked);
  clock.advance_ms(14'999);
  parked.expire();
  EXPECT_TRUE(woken.empty());
  clock.advance_ms(1);
  parked.expire();
  EXPECT_EQ(woken, std::vector{WakeReason::kDeadline});
  switches.long_polling = false;
  ASSERT_EQ(park(suspended()), ParkOutcome::kParked);
  clock.advance_ms(1'000);
  parked.expire();
  EXPECT_EQ(woken.size(), 2U);
}

TEST_F(ParkTest, ResetWakes) {
  send("T", "x");
  ASSERT_EQ(park(suspended(1)), ParkOutcome::kParked);
  ASSERT_TRUE(admin.reset_offset({.topic = "T", .group = "g", .timestamp_ms = 0}).has_value());
  EXPECT_EQ(woken.size(), 1U);
  EXPECT_TRUE(pulled(wanted(1)).reset);
}

}  // namespace
}  // namespace oncemq::broker
