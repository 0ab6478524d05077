#include "broker/causes.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "broker/deliveries.h"
#include "broker/fixture.h"
#include "broker/group_lag.h"

namespace oncemq::broker {
namespace {

struct CausesTest : ::testing::Test, Nouns {
  CausesTest() {
    make_topic("t");
    for (int i = 0; i < 10; ++i) send("t", "body");
  }
  const Causes& causes() const { return stats.causes(); }
  std::uint64_t count(Cause cause, std::string_view group = "g") const {
    return causes().of_group(group)[static_cast<std::size_t>(cause)];
  }
  std::uint64_t all(std::string_view group = "g") const {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : causes().of_group(group)) sum += n;
    return sum;
  }
  // A pull of one channel; messages that came.
  std::int32_t pull(std::int64_t offset, std::uint64_t channel, std::int32_t max = 32,
                    Puller* by = nullptr) {
    PullRequest request;
    request.group = "g";
    request.topic = "t";
    request.offset = model::QueueOffset{offset};
    request.max_messages = max;
    request.has_subscription = true;
    request.channel = ChannelId{channel};
    const auto result = (by == nullptr ? puller : *by).pull(request);
    EXPECT_TRUE(result.has_value());
    return result.has_value() ? result->read.messages : 0;
  }
};

TEST_F(CausesTest, GoingOnIsNoRedelivery) {
  EXPECT_EQ(pull(0, 1, 4), 4);
  EXPECT_EQ(pull(4, 1, 4), 4);
  EXPECT_EQ(pull(8, 2), 2);  // another consumer, at the right place
  EXPECT_EQ(all(), 0U);
  EXPECT_EQ(pull(10, 2), 0);
  EXPECT_EQ(all(), 0U);
}

TEST_F(CausesTest, AnotherConsumerThatBeginsEarlierTookTheQueueOver) {
  pull(0, 1, 8);
  EXPECT_EQ(pull(3, 2, 4), 4);  // 3..6 again
  EXPECT_EQ(count(Cause::kQueueMoved), 4U);
  EXPECT_EQ(pull(7, 2, 3), 3);  // 7 again, 8 and 9 are new: the same stretch, the same cause
  EXPECT_EQ(count(Cause::kQueueMoved), 5U);
  EXPECT_EQ(all(), 5U);
  const auto recent = causes().recent("g");
  ASSERT_EQ(recent.size(), 2U);
  EXPECT_EQ(recent[0].offset, 7);
  EXPECT_EQ(recent[0].messages, 1U);
  EXPECT_EQ(recent[1].topic, "t");
}

TEST_F(CausesTest, TheSameConsumerThatAsksAgainWentBack) {
  pull(0, 1, 8);
  pull(6, 1, 2);
  EXPECT_EQ(count(Cause::kOffsetBack), 2U);
  EXPECT_EQ(all(), 2U);
}

TEST_F(CausesTest, WhatAFilterLeavesOutIsNotGivenAgain) {
  const auto given = [this](std::int64_t from, std::int64_t next, std::uint64_t messages) {
    deliveries.given({.queue = &store.queue("t", 0),
                      .group = "g",
                      .channel = ChannelId{1},
                      .from = from,
                      .next = next,
                      .messages = messages});
  };
  given(0, 10, 4);
  given(0, 10, 4);
  EXPECT_EQ(count(Cause::kOffsetBack), 4U);
}

TEST_F(CausesTest, AResetIsTheCauseWhoeverReads) {
  ASSERT_TRUE(groups.update({.name = "g"}).has_value());
  pull(0, 1, 8);
  ASSERT_TRUE(admin.reset_offset({.topic = "t", .group = "g", .queue_id = 0, .offset = 2}));
  PullRequest request;
  request.group = "g";
  request.topic = "t";
  request.offset = model::QueueOffset{8};
  request.has_subscription = true;
  request.channel = ChannelId{2};
  ASSERT_EQ(puller.pull(request)->status, PullStatus::kOffsetMoved);
  pull(2, 2, 8);
  EXPECT_EQ(count(Cause::kOffsetBack), 6U);
  EXPECT_EQ(all(), 6U);
}

TEST_F(CausesTest, BroadcastingConsumersReadSideBySide) {
  Heartbeat heartbeat = beat(1, "c1", "g", {subscription("t", "*")});
  heartbeat.consumers[0].model = model::MessageModel::kBroadcasting;
  ASSERT_TRUE(clients.heartbeat(heartbeat).has_value());
  pull(0, 1);
  pull(0, 2);
  EXPECT_EQ(all(), 0U);
}

TEST_F(CausesTest, ARestartIsRememberedFromTheFile) {
  pull(0, 1, 8);
  EXPECT_TRUE(deliveries.take_dirty());
  EXPECT_FALSE(deliveries.take_dirty());
  const std::string file = deliveries.dump();

  Deliveries after(options, clients, stats.causes());
  ASSERT_TRUE(after.load(file, topics).has_value());
  Puller restarted(switches, topics, groups, offsets, clients, filters, parked, store, stats,
                   after);
  pull(5, 9, 2, &restarted);
  EXPECT_EQ(count(Cause::kBrokerRestart), 2U);
  pull(7, 9, 2, &restarted);  // 7 again, 8 new
  EXPECT_EQ(count(Cause::kBrokerRestart), 3U);
  pull(5, 9, 1, &restarted);  // and now it is its own doing
  EXPECT_EQ(count(Cause::kOffsetBack), 1U);
  EXPECT_EQ(all(), 4U);
  EXPECT_EQ(after.load("{", topics).error().code, Errc::kCorrupt);
  EXPECT_TRUE(after.load(R"({"queues":{"gone@0":{"g":1},"t@x":{"g":1},"t":{"g":2}}})", topics));
}

TEST_F(CausesTest, ATopicMadeAgainBeginsAgain) {
  pull(0, 1);
  ASSERT_TRUE(admin.delete_topic("t").has_value());
  make_topic("t");
  send("t", "new");
  EXPECT_EQ(pull(0, 1), 1);
  EXPECT_EQ(all(), 0U);
}

TEST_F(CausesTest, RowsAreBounded) {
  options.offsets_max = 0;
  pull(0, 1);
  pull(0, 2);
  EXPECT_EQ(all(), 0U);
}

TEST_F(CausesTest, SendBackIsAskedFor) {
  ASSERT_TRUE(groups.update({.name = "g"}).has_value());
  const store::Appended stored = send("t", "body");
  ASSERT_TRUE(send_back.stage({.group = "g", .offset = stored.log_offset}, batch).has_value());
  sender.commit(batch);
  EXPECT_EQ(count(Cause::kConsumerAsked), 1U);
  batch.clear();
  // Straight to the dead-letter queue: nobody gets it again.
  ASSERT_TRUE(send_back.stage({.group = "g", .offset = stored.log_offset, .delay_level = -1}, batch)
                  .has_value());
  EXPECT_EQ(all(), 1U);
  // What a consumer does when that request failed.
  send("%RETRY%g", "body");
  EXPECT_EQ(count(Cause::kConsumerAsked), 2U);
}

TEST_F(CausesTest, EventsAndGroupsAreBounded) {
  Causes small(clock);
  for (std::size_t i = 0; i < Causes::kRecent + 5; ++i)
    small.count({.group = "a", .topic = "t", .offset = static_cast<std::int64_t>(i)});
  EXPECT_EQ(small.recent("a").size(), Causes::kRecent);
  EXPECT_EQ(small.recent("a").front().offset, static_cast<std::int64_t>(Causes::kRecent + 4));
  EXPECT_TRUE(small.recent("b").empty());
  EXPECT_EQ(small.totals()[0], Causes::kRecent + 5);
  std::map<std::string, std::uint64_t> groups_seen;
  small.for_each_group([&](std::string_view group, const CauseCounts& counts) {
    groups_seen[std::string(group)] = counts[0];
  });
  EXPECT_EQ(groups_seen.size(), 1U);
}

TEST_F(CausesTest, NamesDiffer) {
  std::map<std::string_view, int> names;
  for (std::size_t i = 0; i < kCauseCount; ++i) {
    ++names[cause_name(static_cast<Cause>(i))];
    EXPECT_NE(cause_sentence(static_cast<Cause>(i)), "unknown");
  }
  EXPECT_EQ(names.size(), kCauseCount);
}

struct GroupLagTest : CausesTest {
  std::vector<GroupLag> lags(std::size_t ages) {
    return GroupLags(topics, offsets, clients, deliveries, popper, store, clock).all(ages);
  }
};

TEST_F(GroupLagTest, CountsWhatIsNotConsumedAndHowOldItIs) {
  clock.advance_ms(5'000);
  send("t", "younger");
  ASSERT_TRUE(offsets.commit("g", "t", 0, model::ConsumeOffset{4}).has_value());
  ASSERT_TRUE(offsets.commit("late", "t", 0, model::ConsumeOffset{0}).has_value());
  ASSERT_TRUE(offsets.commit("done", "t", 0, model::ConsumeOffset{11}).has_value());
  ASSERT_TRUE(offsets.commit("g", "gone", 0, model::ConsumeOffset{0}).has_value());
  clock.advance_ms(1'000);
  const auto rows = lags(3);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].group, "late");
  EXPECT_EQ(rows[0].messages, 11);
  EXPECT_EQ(rows[0].age_ms, 6'000);
  EXPECT_EQ(rows[1].messages, 7);
  EXPECT_EQ(rows[2].group, "done");
  EXPECT_EQ(rows[2].messages, 0);
  EXPECT_EQ(rows[2].age_ms, 0);
  EXPECT_EQ(lags(1)[1].age_ms, -1);
  ASSERT_TRUE(offsets.commit("g", "t", 0, model::ConsumeOffset{10}).has_value());
  EXPECT_EQ(lags(3)[1].age_ms, 1'000);
}

TEST_F(GroupLagTest, CountsWhatIsWithConsumers) {
  ASSERT_TRUE(offsets.commit("g", "t", 0, model::ConsumeOffset{2}).has_value());
  const store::ConsumeQueue* queue = store.find_queue("t", 0);
  deliveries.given({.queue = queue, .group = "g", .from = 2, .next = 8, .messages = 6});
  EXPECT_EQ(lags(1)[0].in_flight, 6);
  EXPECT_EQ(lags(1)[0].messages, 8);
  ASSERT_TRUE(offsets.commit("g", "t", 0, model::ConsumeOffset{5}).has_value());
  EXPECT_EQ(lags(1)[0].in_flight, 3);
  // Further than it was given, by whoever reset it.
  ASSERT_TRUE(offsets.commit("g", "t", 0, model::ConsumeOffset{9}).has_value());
  EXPECT_EQ(lags(1)[0].in_flight, 0);
  const auto one =
      GroupLags(topics, offsets, clients, deliveries, popper, store, clock).of_group("g");
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].messages, 1);
}

TEST_F(GroupLagTest, CountsWhatIsPopped) {
  ASSERT_TRUE(groups.update({.name = "p"}).has_value());
  PopRequest request{.group = "p", .topic = "t", .queue_id = 0, .invisible_ms = 60'000};
  request.max_messages = 4;
  auto popped = popper.pop(request);
  ASSERT_TRUE(popped.has_value()) << popped.error().message;
  EXPECT_EQ(lags(1)[0].in_flight, 4);
  ASSERT_TRUE(popper
                  .ack({.group = "p",
                        .topic = "t",
                        .queue_id = 0,
                        .offset = popped->parts.at(0).messages.at(0).offset,
                        .token = popped->pop_time})
                  .has_value());
  EXPECT_EQ(lags(1)[0].in_flight, 3);
}

TEST_F(GroupLagTest, WhatAnOnlineGroupNoLongerSubscribesIsNotItsBacklog) {
  ASSERT_TRUE(offsets.commit("g", "t", 0, model::ConsumeOffset{4}).has_value());
  ASSERT_TRUE(clients.heartbeat(beat(1, "c", "g", {subscription("u", "*")})).has_value());
  EXPECT_TRUE(lags(10).empty());
}

}  // namespace
}  // namespace oncemq::broker
