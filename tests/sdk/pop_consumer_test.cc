#include "oncemq/pop_consumer.h"

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "oncemq/producer.h"
#include "os/thread.h"
#include "tests/sdk/embedded.h"
#include "tests/sdk/inbox.h"

namespace oncemq::sdk {
namespace {

using std::chrono::milliseconds;

// No test waits for that long.
constexpr milliseconds kLong = std::chrono::minutes(2);

class PopConsumerBrokerTest : public testing::Test {
 protected:
  PopConsumerBrokerTest() {
    broker_ =
        std::make_unique<EmbeddedBroker>(open_broker({.settings = {{"eventLoopThreads", "2"}}}));
    // A busy machine is no reason to fail.
    auto producer = Producer::open(
        {.name_servers = {broker_->name_server()}, .timeout = kLong, .attempts = 1'000});
    EXPECT_TRUE(producer);
    producer_ = std::make_unique<Producer>(std::move(*producer));
  }

  void send(const Message& message) {
    const auto receipt = producer_->send(message);
    ASSERT_TRUE(receipt) << receipt.error().message;
  }
  PopConsumerOptions options(std::string group = "g") {
    return {.name_servers = {broker_->name_server()},
            .group = std::move(group),
            .subscriptions = {{.topic = "T"}},
            .invisible = kLong,
            .start_at = StartAt::kFirst,
            .timeout = kLong};
  }
  static PopConsumer open(PopConsumerOptions options) {
    auto consumer = PopConsumer::open(std::move(options));
    EXPECT_TRUE(consumer) << consumer.error().message;
    return std::move(*consumer);
  }
  // The next message, which is waited for.
  static Delivery next(PopConsumer& consumer) {
    auto got = consumer.receive(1, kLong);
    EXPECT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->size(), 1U);
    return got->at(0);
  }
  static void ack(PopConsumer& consumer, const Delivery& delivery) {
    const Status acked = consumer.ack(delivery);
    EXPECT_TRUE(acked) << acked.error().message;
  }

  std::unique_ptr<EmbeddedBroker> broker_;
  std::unique_ptr<Producer> producer_;
};

TEST_F(PopConsumerBrokerTest, GetsWhatWasSentAndOnceItIsAckedNeverAgain) {
  send({.topic = "T",
        .body = "hello",
        .tag = "blue",
        .keys = {"k1", "k2"},
        .properties = {{"color", "red"}}});
  PopConsumer consumer = open(options());
  const Delivery got = next(consumer);
  EXPECT_EQ(got.message.topic, "T");
  EXPECT_EQ(got.message.body, "hello");
  EXPECT_EQ(got.message.tag, "blue");
  EXPECT_EQ(got.message.keys, (std::vector<std::string>{"k1", "k2"}));
  EXPECT_EQ(got.message.properties, (std::map<std::string, std::string>{{"color", "red"}}));
  EXPECT_EQ(got.message_id.size(), 32U);
  EXPECT_EQ(got.queue.topic, "T");
  EXPECT_EQ(got.queue_offset, 0);
  EXPECT_EQ(got.attempt, 1);
  EXPECT_GE(got.stored_at_ms, got.born_at_ms);
  ack(consumer, got);
  ack(consumer, got);  // as if the first answer had been lost
  EXPECT_EQ(consumer.receive(32, milliseconds(0))->size(), 0U);
  send({.topic = "T", .body = "next"});
  EXPECT_EQ(next(consumer).message.body, "next");
}

TEST_F(PopConsumerBrokerTest, WhatIsNotAckedComesAgainAndTheFirstHandleIsTooLate) {
  send({.topic = "T", .body = "x"});
  PopConsumerOptions brief = options();
  brief.invisible = milliseconds(5);
  PopConsumer consumer = open(brief);
  const Delivery first = next(consumer);
  const Delivery second = next(consumer);
  EXPECT_EQ(second.attempt, 2);
  EXPECT_EQ(second.message.topic, "T");
  EXPECT_EQ(second.message_id, first.message_id);
  EXPECT_NE(second.handle, first.handle);
  const Status late = consumer.ack(first);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::kRefused);
  EXPECT_EQ(late.error().response_code, 40013);
}

TEST_F(PopConsumerBrokerTest, AChangedTimeCountsAndSoDoesItsHandle) {
  send({.topic = "T", .body = "x"});
  PopConsumer consumer = open(options());
  Delivery held = next(consumer);
  const Delivery before = held;
  const Status longer = consumer.change_invisible(held, 10 * kLong);
  ASSERT_TRUE(longer) << longer.error().message;
  EXPECT_NE(held.handle, before.handle);
  EXPECT_EQ(consumer.ack(before).error().response_code, 40013);
  const Status shorter = consumer.change_invisible(held, milliseconds(1));
  ASSERT_TRUE(shorter) << shorter.error().message;
  const Delivery again = next(consumer);
  EXPECT_EQ(again.attempt, 2);
  ack(consumer, again);
  EXPECT_EQ(consumer.receive(1, milliseconds(0))->size(), 0U);
}

TEST_F(PopConsumerBrokerTest, WhatIsNeverAckedBecomesADeadLetter) {
  send({.topic = "T", .body = "bad"});
  PopConsumer consumer = open(options());
  // As often as groups retry that nobody has set up.
  for (int attempt = 1; attempt <= 17; ++attempt) {
    Delivery refused = next(consumer);
    EXPECT_EQ(refused.attempt, attempt);
    ASSERT_TRUE(consumer.change_invisible(refused, milliseconds(1)));
  }
  PopConsumerOptions undertaker = options("undertaker");
  undertaker.subscriptions = {{.topic = "%DLQ%g"}};
  PopConsumer reader = open(undertaker);
  // The topic comes with its first letter: until then there is none to receive from.
  const Delivery dead = next(reader);
  EXPECT_EQ(dead.message.body, "bad");
  ack(reader, dead);
  EXPECT_EQ(reader.receive(1, milliseconds(0))->size(), 0U);
}

TEST_F(PopConsumerBrokerTest, FiltersByTagAndBySql) {
  PopConsumerOptions tagged = options("tags");
  tagged.subscriptions = {{.topic = "T", .expression = "a || b"}};
  PopConsumerOptions selected = options("sql");
  selected.subscriptions = {
      {.topic = "T", .expression = "price > 10", .kind = Subscription::Kind::kSql92}};
  send({.topic = "T", .body = "1", .tag = "a", .properties = {{"price", "5"}}});
  send({.topic = "T", .body = "2", .tag = "c", .properties = {{"price", "50"}}});
  send({.topic = "T", .body = "3", .tag = "b"});
  PopConsumer by_tag = open(tagged);
  EXPECT_EQ((std::set<std::string>{next(by_tag).message.body, next(by_tag).message.body}),
            (std::set<std::string>{"1", "3"}));
  PopConsumer by_sql = open(selected);
  EXPECT_EQ(next(by_sql).message.body, "2");
}

TEST_F(PopConsumerBrokerTest, SeveralTopicsAreReceivedFrom) {
  send({.topic = "T", .body = "1"});
  send({.topic = "U", .body = "2"});
  PopConsumerOptions both = options();
  both.subscriptions.push_back({.topic = "U"});
  PopConsumer consumer = open(both);
  std::set<std::string> topics;
  for (int i = 0; i < 2; ++i) {
    const Delivery got = next(consumer);
    topics.insert(got.message.topic);
    ack(consumer, got);
  }
  EXPECT_EQ(topics, (std::set<std::string>{"T", "U"}));
}

TEST_F(PopConsumerBrokerTest, AReceiveThatWaitsGetsWhatIsSentThen) {
  send({.topic = "T", .body = "first"});
  PopConsumer consumer = open(options());
  ack(consumer, next(consumer));
  Inbox inbox;
  os::Thread receiver("receiver", [&] { inbox.add(next(consumer)); });
  send({.topic = "T", .body = "then"});
  EXPECT_EQ(inbox.deliveries(1).at(0).message.body, "then");
}

// Several threads of several members, acks without waiting: each message to one of them.
TEST_F(PopConsumerBrokerTest, MembersShareTheMessages) {
  std::set<std::string> all;
  for (int i = 0; i < 100; ++i) {
    const std::string body = "message " + std::to_string(i);
    send({.topic = "T", .body = body});
    all.insert(body);
  }
  PopConsumer first = open(options());
  PopConsumer second = open(options());
  Inbox inbox;
  std::vector<os::Thread> threads;
  for (PopConsumer* consumer : {&first, &first, &second, &second})
    threads.emplace_back("receiver", [&inbox, consumer] {
      for (;;) {
        const auto got = consumer->receive(8, kLong);
        if (!got) {
          EXPECT_EQ(got.error().code, Errc::kClosed);
          return;
        }
        for (const Delivery& delivery : *got)
          EXPECT_TRUE(consumer->ack_async(delivery, [&inbox, delivery](const Status& acked) {
            EXPECT_TRUE(acked) << acked.error().message;
            inbox.add(delivery);
          }));
      }
    });
  EXPECT_EQ(inbox.bodies(all.size()), all);
  EXPECT_EQ(inbox.all().size(), all.size());
  first.close();
  second.close();
  for (os::Thread& thread : threads) thread.join();
}

TEST_F(PopConsumerBrokerTest, GoesOnAfterTheBrokerWasRestarted) {
  send({.topic = "T", .body = "held"});
  send({.topic = "T", .body = "there"});
  PopConsumer consumer = open(options());
  const Delivery held = next(consumer);
  ASSERT_TRUE(broker_->stop());
  start_again(*broker_);
  const Delivery there = next(consumer);
  EXPECT_NE(there.message.body, held.message.body);
  ack(consumer, held);  // handles outlive a restart
  ack(consumer, there);
  send({.topic = "T", .body = "after"});
  EXPECT_EQ(next(consumer).message.body, "after");
}

TEST_F(PopConsumerBrokerTest, AHandleThatExpiresOnTheWayIsTold) {
  send({.topic = "T", .body = "x"});
  PopConsumer consumer = open(options());
  ASSERT_TRUE(broker_->add_fault({.fault = Fault::kExpireHandle, .topic = "T", .count = 1}));
  EXPECT_EQ(consumer.ack(next(consumer)).error().response_code, 40013);
  const Delivery again = next(consumer);
  EXPECT_EQ(again.attempt, 2);
  ack(consumer, again);
}

TEST_F(PopConsumerBrokerTest, ATopicMayComeLater) {
  PopConsumer consumer = open(options());
  EXPECT_EQ(consumer.receive(1, milliseconds(0)).error().code, Errc::kTopicNotFound);
  Inbox inbox;
  os::Thread receiver("receiver", [&] { inbox.add(next(consumer)); });
  send({.topic = "T", .body = "x"});
  EXPECT_EQ(inbox.deliveries(1).at(0).message.body, "x");
}

}  // namespace
}  // namespace oncemq::sdk
