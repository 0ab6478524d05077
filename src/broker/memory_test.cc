#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "broker/fixture.h"
#include "broker/parked_pops.h"

// What each owner says of its memory: more when something is added, as before when it is gone.
namespace oncemq::broker {
namespace {

class MemoryTest : public ::testing::Test, protected Nouns {
 protected:
  struct Waiter final : PullWaiter {
    void wake(WakeReason) override {}
  };
  MemoryTest() {
    make_topic("T", 2);
    EXPECT_TRUE(groups.update({.name = "g"}).has_value());
    dead_letters.tick();
  }
};

TEST_F(MemoryTest, OffsetsOfGroups) {
  const std::size_t before = Nouns::offsets.memory_bytes();
  for (int queue = 0; queue < 2; ++queue)
    ASSERT_TRUE(Nouns::offsets.commit("g", "T", queue, model::ConsumeOffset{1}).has_value());
  const std::size_t two = Nouns::offsets.memory_bytes();
  EXPECT_GT(two, before + 100);
  EXPECT_LT(two, before + 1'000);
  Nouns::offsets.remove_group("g");
  EXPECT_EQ(Nouns::offsets.memory_bytes(), before);
}

TEST_F(MemoryTest, RowsOfPopAndTheirQueues) {
  const std::size_t before = popper.memory_bytes();
  for (int i = 0; i < 20; ++i) send("T", "m");
  const auto popped = popper.pop({.group = "g", .topic = "T", .queue_id = 0});
  ASSERT_TRUE(popped.has_value());
  ASSERT_EQ(popped->messages, 20U);
  const std::size_t held = popper.memory_bytes();
  EXPECT_GT(held, before + 20 * 100);
  EXPECT_LT(held, before + 20 * 300 + 3'000);
  for (const auto& message : popped->parts[0].messages)
    ASSERT_TRUE(popper
                    .ack({.group = "g",
                          .topic = "T",
                          .queue_id = 0,
                          .offset = message.offset,
                          .token = popped->pop_time})
                    .has_value());
  const std::size_t acked = popper.memory_bytes();
  EXPECT_LT(acked, held - 20 * 100);
  EXPECT_GT(acked, before);  // the queue is still there, with acks that may be repeated
  ASSERT_TRUE(admin.delete_group("g", true).has_value());
  EXPECT_EQ(popper.memory_bytes(), before);
}

TEST_F(MemoryTest, PositionsThatPullsWereGiven) {
  const std::size_t before = deliveries.memory_bytes();
  send("T", "m");
  deliveries.given({.queue = store.find_queue("T", 0), .group = "g", .from = 0, .next = 1});
  const std::size_t one = deliveries.memory_bytes();
  EXPECT_GT(one, before);
  deliveries.given({.queue = store.find_queue("T", 0), .group = "g", .from = 1, .next = 2});
  EXPECT_EQ(deliveries.memory_bytes(), one);
}

TEST_F(MemoryTest, MarksOfDeadLetters) {
  const store::Appended failed = send("T", "body");
  SendBatch one;
  const auto staged =
      send_back.stage({.group = "g", .offset = failed.log_offset, .delay_level = -1}, one);
  ASSERT_TRUE(staged.has_value());
  sender.commit(one);
  const auto letter = one.outcome(*staged).items.front().result.log_offset;
  const std::size_t before = dead_letters.memory_bytes();
  ASSERT_TRUE(dead_letters.order({.group = "g", .letter = letter}).has_value());
  const std::size_t marked = dead_letters.memory_bytes();
  EXPECT_GT(marked, before);
  store.log_min = {letter.value + 1};
  EXPECT_EQ(dead_letters.settled("g"), 0U);
  EXPECT_LT(dead_letters.memory_bytes(), marked);  // the group is remembered
}

TEST_F(MemoryTest, Clients) {
  const std::size_t before = clients.memory_bytes();
  Heartbeat beat;
  beat.client.channel = ChannelId{7};
  beat.client.client_id = "c";
  beat.consumers.push_back({});
  beat.consumers[0].group = "g";
  beat.consumers[0].subscriptions = {model::parse_tag_expression("T", "*").value()};
  ASSERT_TRUE(clients.heartbeat(beat).has_value());
  EXPECT_GT(clients.memory_bytes(), before + 300);
  clients.connection_closed(ChannelId{7});
  EXPECT_EQ(clients.memory_bytes(), before);
}

TEST_F(MemoryTest, WhoWaits) {
  const std::size_t pulls = parked.memory_bytes();
  const std::size_t pops = popper.waiting().memory_bytes();
  std::unique_ptr<PullWaiter> waiter = std::make_unique<Waiter>();
  ASSERT_EQ(parked.park({.queue = &store.queue("T", 0), .timeout_ms = 1'000}, waiter),
            ParkOutcome::kParked);
  EXPECT_GT(parked.memory_bytes(), pulls);
  waiter = std::make_unique<Waiter>();
  ASSERT_EQ(popper.park({.group = "g", .topic = "T"}, 1'000, ChannelId{1}, waiter),
            ParkOutcome::kParked);
  EXPECT_GT(popper.waiting().memory_bytes(), pops);
  clock.advance_ms(1'000);
  parked.expire();
  popper.tick();
  EXPECT_EQ(parked.memory_bytes(), pulls);
  EXPECT_EQ(popper.waiting().memory_bytes(), pops);
}

TEST_F(MemoryTest, FiltersInUse) {
  const std::size_t before = filters.live_bytes();
  {
    const auto made = filters.subscription("T", "SQL92", "a > 1");
    ASSERT_TRUE(made.has_value());
    EXPECT_GT(filters.live_bytes(), before);
  }
}

// Entries of deleted names stay for whoever keeps their address, and are taken again.
TEST_F(MemoryTest, TopicsAndGroups) {
  const std::size_t topics_before = topics.memory_bytes();
  const std::size_t groups_before = groups.memory_bytes();
  make_topic("U");
  ASSERT_TRUE(groups.update({.name = "h", .retry_queues = 0}).has_value());
  const std::size_t topics_more = topics.memory_bytes();
  const std::size_t groups_more = groups.memory_bytes();
  EXPECT_GT(topics_more, topics_before + 300);
  EXPECT_GT(groups_more, groups_before + 200);
  ASSERT_TRUE(admin.delete_topic("U").has_value());
  ASSERT_TRUE(admin.delete_group("h", true).has_value());
  make_topic("U");
  ASSERT_TRUE(groups.update({.name = "h", .retry_queues = 0}).has_value());
  EXPECT_EQ(topics.memory_bytes(), topics_more);
  EXPECT_EQ(groups.memory_bytes(), groups_more);
}

}  // namespace
}  // namespace oncemq::broker
