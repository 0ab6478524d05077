#include "oncemq/transaction.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "oncemq/pop_consumer.h"
#include "oncemq/producer.h"
#include "tests/sdk/embedded.h"

namespace oncemq::sdk {
namespace {

using std::chrono::milliseconds;

// No test waits for that long.
constexpr milliseconds kLong = std::chrono::minutes(2);

class TransactionBrokerTest : public testing::Test {
 protected:
  TransactionBrokerTest() : broker_(open_broker({.settings = {{"eventLoopThreads", "2"}}})) {
    // A busy machine is no reason to fail.
    auto producer = Producer::open(
        {.name_servers = {broker_.name_server()}, .timeout = kLong, .attempts = 1'000});
    EXPECT_TRUE(producer);
    producer_ = std::make_unique<Producer>(std::move(*producer));
  }

  void send(const std::string& body) {
    const auto receipt = producer_->send({.topic = "IN", .body = body});
    ASSERT_TRUE(receipt) << receipt.error().message;
  }
  PopConsumer open(const std::string& topic, const std::string& group,
                   milliseconds invisible = kLong) {
    auto consumer = PopConsumer::open({.name_servers = {broker_.name_server()},
                                       .group = group,
                                       .subscriptions = {{.topic = topic}},
                                       .invisible = invisible,
                                       .start_at = StartAt::kFirst,
                                       .timeout = kLong});
    EXPECT_TRUE(consumer) << consumer.error().message;
    return std::move(*consumer);
  }
  static Delivery next(PopConsumer& consumer) {
    auto got = consumer.receive(1, kLong);
    EXPECT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->size(), 1U);
    return got->at(0);
  }
  // Reads OUT until "end" comes, and counts.
  std::map<std::string, int> results() {
    EXPECT_TRUE(producer_->send({.topic = "OUT", .body = "end"}));
    PopConsumer reader = open("OUT", "reader");
    std::map<std::string, int> counts;
    // Queues are read in any order: "end" ends nothing, an empty answer does.
    for (bool end = false;;) {
      const auto some = reader.receive(32, end ? milliseconds(0) : kLong);
      EXPECT_TRUE(some) << some.error().message;
      if (!some || some->empty()) break;
      for (const Delivery& one : *some) {
        if (one.message.body == "end")
          end = true;
        else
          ++counts[one.message.body];
        EXPECT_TRUE(reader.ack(one));
      }
    }
    return counts;
  }

  EmbeddedBroker broker_;
  std::unique_ptr<Producer> producer_;
};

TEST_F(TransactionBrokerTest, MessagesAndAcksCountTogether) {
  send("a");
  PopConsumer consumer = open("IN", "g");
  const Delivery got = next(consumer);
  Transaction tx = consumer.begin();
  ASSERT_TRUE(tx.send({.topic = "OUT", .body = got.message.body + "1", .tag = "made"}));
  ASSERT_TRUE(tx.send({.topic = "OUT", .body = got.message.body + "2"}));
  ASSERT_TRUE(tx.ack(got));
  const auto receipts = tx.commit();
  ASSERT_TRUE(receipts) << receipts.error().message;
  ASSERT_EQ(receipts->size(), 2U);
  EXPECT_EQ(receipts->at(0).queue.topic, "OUT");
  EXPECT_GE(receipts->at(0).queue_offset, 0);
  EXPECT_EQ(receipts->at(0).message_id.size(), 32U);
  EXPECT_FALSE(receipts->at(0).offset_id.empty());
  EXPECT_EQ(results(), (std::map<std::string, int>{{"a1", 1}, {"a2", 1}}));
  EXPECT_EQ(consumer.receive(1, milliseconds(0))->size(), 0U);
  EXPECT_EQ(tx.commit().error().code, Errc::kInvalidArgument);
  EXPECT_EQ(tx.send({.topic = "OUT", .body = "x"}).error().code, Errc::kInvalidArgument);
}

TEST_F(TransactionBrokerTest, WhatIsRolledBackComesAgain) {
  send("a");
  PopConsumer consumer = open("IN", "g", milliseconds(5));
  {
    const Delivery got = next(consumer);
    Transaction tx = consumer.begin();
    ASSERT_TRUE(tx.send({.topic = "OUT", .body = "never"}));
    ASSERT_TRUE(tx.ack(got));
  }
  EXPECT_EQ(next(consumer).attempt, 2);
  EXPECT_EQ(results(), (std::map<std::string, int>{}));
}

TEST_F(TransactionBrokerTest, AZombieIsFenced) {
  send("a");
  PopConsumer slow = open("IN", "g", milliseconds(5));
  PopConsumer other = open("IN", "g");
  const Delivery first = next(slow);
  const Delivery second = next(other);
  Transaction zombie = slow.begin();
  ASSERT_TRUE(zombie.send({.topic = "OUT", .body = "zombie"}));
  ASSERT_TRUE(zombie.ack(first));
  const auto refused = zombie.commit();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kRefused);
  EXPECT_EQ(refused.error().response_code, 40902);
  EXPECT_FALSE(refused.error().maybe_stored);
  Transaction tx = other.begin();
  ASSERT_TRUE(tx.send({.topic = "OUT", .body = "once"}));
  ASSERT_TRUE(tx.ack(second));
  EXPECT_TRUE(tx.commit());
  EXPECT_EQ(results(), (std::map<std::string, int>{{"once", 1}}));
}

TEST_F(TransactionBrokerTest, ALostAnswerIsAskedForAgain) {
  send("a");
  PopConsumer consumer = open("IN", "g");
  const Delivery got = next(consumer);
  ASSERT_TRUE(broker_.add_fault({.fault = Fault::kLoseSendResponse, .topic = "OUT", .count = 1}));
  Transaction tx = consumer.begin();
  ASSERT_TRUE(tx.send({.topic = "OUT", .body = "once"}));
  ASSERT_TRUE(tx.ack(got));
  const auto receipts = tx.commit();
  ASSERT_TRUE(receipts) << receipts.error().message;
  EXPECT_EQ(receipts->at(0).queue_offset, -1);
  EXPECT_EQ(results(), (std::map<std::string, int>{{"once", 1}}));
}

TEST_F(TransactionBrokerTest, WhatCannotBeCommittedIsSaid) {
  send("a");
  PopConsumer consumer = open("IN", "g");
  PopConsumer stranger = open("IN", "other");
  Transaction empty = consumer.begin();
  ASSERT_TRUE(empty.send({.topic = "OUT", .body = "x"}));
  EXPECT_EQ(empty.commit().error().code, Errc::kInvalidArgument);
  EXPECT_EQ(empty.ack(next(stranger)).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(empty.send({.topic = "OUT", .body = ""}).error().code, Errc::kMessageIllegal);
  Transaction full = consumer.begin();
  for (int i = 0; i < 1'024; ++i) ASSERT_TRUE(full.send({.topic = "OUT", .body = "x"}));
  EXPECT_EQ(full.send({.topic = "OUT", .body = "x"}).error().code, Errc::kInvalidArgument);
  Transaction late = consumer.begin();
  ASSERT_TRUE(late.ack(next(consumer)));
  consumer.close();
  EXPECT_EQ(late.commit().error().code, Errc::kClosed);
}

// Each message of IN is made into one of OUT, whatever becomes of the broker meanwhile.
TEST_F(TransactionBrokerTest, ARestartInBetweenChangesNothing) {
  constexpr int kMessages = 60;
  std::map<std::string, int> wanted;
  for (int i = 0; i < kMessages; ++i) {
    send(std::to_string(i));
    wanted["made of " + std::to_string(i)] = 1;
  }
  PopConsumer consumer = open("IN", "g");
  for (int done = 0; done < kMessages; ++done) {
    const Delivery got = next(consumer);
    Transaction tx = consumer.begin();
    ASSERT_TRUE(tx.send({.topic = "OUT", .body = "made of " + got.message.body}));
    ASSERT_TRUE(tx.ack(got));
    if (done % 20 == 10) {
      broker_.stop();
      start_again(broker_);
    }
    const auto receipts = tx.commit();
    ASSERT_TRUE(receipts) << receipts.error().message;
  }
  EXPECT_EQ(results(), wanted);
}

}  // namespace
}  // namespace oncemq::sdk
