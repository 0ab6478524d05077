#include "oncemq/pull_consumer.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "oncemq/producer.h"
#include "oncemq/push_consumer.h"
#include "os/thread.h"
#include "tests/sdk/embedded.h"
#include "tests/sdk/inbox.h"

namespace oncemq::sdk {
namespace {

using std::chrono::milliseconds;

// No test waits for that long.
constexpr milliseconds kLong = std::chrono::minutes(2);

class PullConsumerBrokerTest : public testing::Test {
 protected:
  PullConsumerBrokerTest() {
    broker_ =
        std::make_unique<EmbeddedBroker>(open_broker({.settings = {{"eventLoopThreads", "2"}}}));
    EXPECT_TRUE(broker_->create_topic("T", 2));
    // A busy machine is no reason to fail.
    auto producer = Producer::open(
        {.name_servers = {broker_->name_server()}, .timeout = kLong, .attempts = 1'000});
    EXPECT_TRUE(producer);
    producer_ = std::make_unique<Producer>(std::move(*producer));
    auto consumer = PullConsumer::open(
        {.name_servers = {broker_->name_server()}, .group = "g", .timeout = kLong});
    EXPECT_TRUE(consumer);
    consumer_ = std::make_unique<PullConsumer>(std::move(*consumer));
    const auto queues = consumer_->queues("T");
    EXPECT_TRUE(queues) << queues.error().message;
    EXPECT_EQ(queues->size(), 2U);
    queue_ = queues->at(0);
  }

  // To queue_.
  Receipt send(const std::string& body, const std::string& tag = {},
               const std::string& price = "1") {
    const auto receipt =
        producer_->send({.topic = "T", .body = body, .tag = tag, .properties = {{"price", price}}},
                        [this](std::span<const Queue> queues) {
                          return static_cast<std::size_t>(
                              std::find(queues.begin(), queues.end(), queue_) - queues.begin());
                        });
    EXPECT_TRUE(receipt) << receipt.error().message;
    return *receipt;
  }
  Pulled pull(const PullOrder& order) {
    auto got = consumer_->pull(order);
    EXPECT_TRUE(got) << got.error().message;
    return std::move(*got);
  }

  std::unique_ptr<EmbeddedBroker> broker_;
  std::unique_ptr<Producer> producer_;
  std::unique_ptr<PullConsumer> consumer_;
  Queue queue_;
};

TEST_F(PullConsumerBrokerTest, PullsWhatIsThereAndNoMore) {
  for (int i = 0; i < 5; ++i) (void)send(std::to_string(i));
  const Pulled first = pull({.queue = queue_, .max = 3});
  ASSERT_EQ(first.kind, Pulled::Kind::kFound);
  ASSERT_EQ(first.messages.size(), 3U);
  EXPECT_EQ(first.messages[2].message.body, "2");
  EXPECT_EQ(first.messages[2].message.topic, "T");
  EXPECT_EQ(first.messages[2].queue, queue_);
  EXPECT_EQ(first.messages[2].queue_offset, 2);
  EXPECT_EQ(first.next, 3);
  EXPECT_EQ(first.first, 0);
  EXPECT_EQ(first.end, 5);
  EXPECT_EQ(pull({.queue = queue_, .offset = first.next}).messages.size(), 2U);
  const Pulled none = pull({.queue = queue_, .offset = 5});
  EXPECT_EQ(none.kind, Pulled::Kind::kNone);
  EXPECT_EQ(none.next, 5);
}

TEST_F(PullConsumerBrokerTest, AnOffsetThatTheQueueDoesNotHaveIsTold) {
  (void)send("x");
  const Pulled beyond = pull({.queue = queue_, .offset = 70, .wait = kLong});
  EXPECT_EQ(beyond.kind, Pulled::Kind::kIllegal);
  EXPECT_LE(beyond.next, 1);
}

TEST_F(PullConsumerBrokerTest, FiltersByTagAndBySqlAndSaysHowFarItLooked) {
  (void)send("1", "a", "5");
  (void)send("2", "c", "50");
  (void)send("3", "b", "5");
  const Pulled tagged = pull({.queue = queue_, .expression = "a || b"});
  ASSERT_EQ(tagged.messages.size(), 2U);
  EXPECT_EQ(tagged.messages[1].message.body, "3");
  const Pulled selected =
      pull({.queue = queue_, .expression = "price > 10", .kind = Subscription::Kind::kSql92});
  ASSERT_EQ(selected.messages.size(), 1U);
  EXPECT_EQ(selected.messages[0].message.body, "2");
  const Pulled none = pull({.queue = queue_, .expression = "z"});
  EXPECT_EQ(none.kind, Pulled::Kind::kNone);
  EXPECT_EQ(none.next, 3);
}

TEST_F(PullConsumerBrokerTest, APullThatWaitsGetsWhatIsSentThen) {
  (void)send("unwanted", "a");
  Inbox inbox;
  os::Thread puller("puller", [&] {
    inbox.add(pull({.queue = queue_, .wait = kLong, .expression = "b"}).messages.at(0));
  });
  (void)send("unwanted", "a");
  (void)send("then", "b");
  EXPECT_EQ(inbox.deliveries(1).at(0).message.body, "then");
}

TEST_F(PullConsumerBrokerTest, KnowsWhereAQueueBeginsAndEndsAndWasAtATime) {
  EXPECT_EQ(*consumer_->first_offset(queue_), 0);
  EXPECT_EQ(*consumer_->end_offset(queue_), 0);
  (void)send("1");
  (void)send("2");
  EXPECT_EQ(*consumer_->first_offset(queue_), 0);
  EXPECT_EQ(*consumer_->end_offset(queue_), 2);
  const std::int64_t stored_ms = pull({.queue = queue_, .offset = 1}).messages.at(0).stored_at_ms;
  EXPECT_EQ(*consumer_->offset_at(queue_, 1), 0);
  EXPECT_LE(*consumer_->offset_at(queue_, stored_ms), 1);
  EXPECT_EQ(*consumer_->offset_at(queue_, stored_ms + 1), 2);
}

TEST_F(PullConsumerBrokerTest, WhatItCommitsIsWhereItsGroupGoesOn) {
  EXPECT_EQ(*consumer_->committed(queue_), std::nullopt);
  for (int i = 0; i < 4; ++i) (void)send(std::to_string(i));
  for (const std::int64_t offset : {2, 1, 3}) {
    ASSERT_TRUE(consumer_->commit(queue_, offset));
    EXPECT_EQ(*consumer_->committed(queue_), offset);
  }
  consumer_->close();
  Inbox inbox;
  const auto pushed = PushConsumer::open({.name_servers = {broker_->name_server()},
                                          .group = "g",
                                          .subscriptions = {{.topic = "T"}},
                                          .start_at = StartAt::kFirst},
                                         [&](std::span<const Delivery> batch) {
                                           inbox.add(batch);
                                           return Outcome::done();
                                         });
  ASSERT_TRUE(pushed);
  EXPECT_EQ(inbox.deliveries(1).at(0).message.body, "3");
}

TEST_F(PullConsumerBrokerTest, GoesOnAfterTheBrokerWasRestarted) {
  (void)send("1");
  ASSERT_TRUE(consumer_->commit(queue_, 1));
  ASSERT_TRUE(broker_->stop());
  start_again(*broker_);
  EXPECT_EQ(*consumer_->committed(queue_), 1);
  EXPECT_EQ(pull({.queue = queue_}).messages.at(0).message.body, "1");
}

}  // namespace
}  // namespace oncemq::sdk
