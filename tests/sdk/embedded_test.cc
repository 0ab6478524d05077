#include "oncemq/embedded.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oncemq/producer.h"
#include "oncemq/push_consumer.h"
#include "tests/sdk/embedded.h"
#include "tests/sdk/inbox.h"

namespace oncemq::sdk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "oncemq_embedded_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Error refusal(EmbeddedOptions options) {
  const auto broker = EmbeddedBroker::open(std::move(options));
  EXPECT_FALSE(broker);
  return broker ? Error{} : broker.error();
}

// A busy machine is no reason to fail.
Producer producer_at(const EmbeddedBroker& broker) {
  auto producer = Producer::open({.name_servers = {broker.name_server()},
                                  .timeout = std::chrono::minutes(2),
                                  .attempts = 1'000});
  EXPECT_TRUE(producer) << producer.error().message;
  return std::move(*producer);
}

void send(Producer& producer, const std::string& topic, const std::string& body) {
  const auto receipt = producer.send({.topic = topic, .body = body});
  EXPECT_TRUE(receipt) << receipt.error().message;
}

PushConsumer consumer_at(const EmbeddedBroker& broker, const std::string& topic, Inbox& inbox) {
  auto consumer = PushConsumer::open({.name_servers = {broker.name_server()},
                                      .group = "g",
                                      .subscriptions = {{.topic = topic}},
                                      .ordered = true,
                                      .start_at = StartAt::kFirst,
                                      .close_timeout = std::chrono::minutes(2)},
                                     [&inbox](std::span<const Delivery> batch) {
                                       inbox.add(batch);
                                       return Outcome::done();
                                     });
  EXPECT_TRUE(consumer) << consumer.error().message;
  return std::move(*consumer);
}

// What a topic with one queue has: that many messages, in their order.
std::vector<std::string> content(const EmbeddedBroker& broker, const std::string& topic,
                                 std::size_t count) {
  Inbox inbox;
  const PushConsumer consumer = consumer_at(broker, topic, inbox);
  std::vector<std::string> bodies;
  for (const Delivery& delivery : inbox.deliveries(count)) bodies.push_back(delivery.message.body);
  return bodies;
}

TEST(EmbeddedBrokerTest, ServesAtOnceAndMakesTopicsBySending) {
  const EmbeddedBroker broker = open_broker();
  EXPECT_THAT(broker.name_server(), HasSubstr("127.0.0.1:"));
  EXPECT_THAT(broker.address(), HasSubstr("127.0.0.1:"));
  EXPECT_NE(broker.address(), broker.name_server());
  Producer producer = producer_at(broker);
  send(producer, "T", "hello");
  EXPECT_THAT(content(broker, "T", 1), ElementsAre("hello"));
}

TEST(EmbeddedBrokerTest, KeepsItsMessagesInMemoryWhileItIsStopped) {
  EmbeddedBroker broker = open_broker();
  ASSERT_TRUE(broker.create_topic("T", 1));
  const std::string at = broker.name_server();
  {
    Producer producer = producer_at(broker);
    send(producer, "T", "before");
    ASSERT_TRUE(broker.stop());
    ASSERT_TRUE(broker.stop());
    start_again(broker);
    ASSERT_TRUE(broker.start());
    send(producer, "T", "after");  // on the same ports
  }
  EXPECT_EQ(broker.name_server(), at);
  EXPECT_THAT(content(broker, "T", 2), ElementsAre("before", "after"));
}

TEST(EmbeddedBrokerTest, AFolderKeepsItsMessagesForTheNextBroker) {
  const Folder folder;
  const std::string data = folder.path() + "/not/there/yet";
  {
    EmbeddedBroker broker = open_broker({.folder = data});
    ASSERT_TRUE(broker.create_topic("T", 1));
    Producer producer = producer_at(broker);
    send(producer, "T", "kept");
  }
  const EmbeddedBroker broker = open_broker({.folder = data});
  Producer producer = producer_at(broker);
  send(producer, "T", "more");
  EXPECT_THAT(content(broker, "T", 2), ElementsAre("kept", "more"));
}

TEST(EmbeddedBrokerTest, TwoSideBySideShareNothing) {
  EmbeddedBroker first = open_broker();
  EmbeddedBroker second = open_broker();
  for (EmbeddedBroker* broker : {&first, &second}) ASSERT_TRUE(broker->create_topic("T", 1));
  Producer to_first = producer_at(first);
  Producer to_second = producer_at(second);
  send(to_first, "T", "1");
  send(to_second, "T", "2");
  ASSERT_TRUE(first.stop());
  send(to_second, "T", "3");
  EXPECT_THAT(content(second, "T", 2), ElementsAre("2", "3"));
  start_again(first);
  send(to_first, "T", "4");
  EXPECT_THAT(content(first, "T", 2), ElementsAre("1", "4"));
}

TEST(EmbeddedBrokerTest, ALostAnswerIsASecondCopyUnlessTheTopicIsIdempotent) {
  EmbeddedBroker broker = open_broker();
  ASSERT_TRUE(broker.create_topic("plain", 1));
  ASSERT_TRUE(broker.create_topic("once", 1, {{"idempotent.key", "UNIQ_KEY"}}));
  Producer producer = producer_at(broker);
  for (const char* topic : {"plain", "once"}) {
    ASSERT_TRUE(broker.add_fault({.fault = Fault::kLoseSendResponse, .topic = topic, .count = 1}));
    send(producer, topic, "payment");
    send(producer, topic, "last");
  }
  for (const FaultRecord& fault : broker.faults()) {
    EXPECT_EQ(fault.struck, 1U);
    EXPECT_FALSE(fault.active);
  }
  EXPECT_THAT(content(broker, "plain", 3), ElementsAre("payment", "payment", "last"));
  EXPECT_THAT(content(broker, "once", 2), ElementsAre("payment", "last"));
}

TEST(EmbeddedBrokerTest, APushConsumerHandlesAPageThatIsGivenTwiceOnce) {
  EmbeddedBroker broker = open_broker();
  ASSERT_TRUE(broker.create_topic("T", 1));
  ASSERT_TRUE(broker.add_fault({.fault = Fault::kDeliverTwice, .topic = "T", .group = "g"}));
  Producer producer = producer_at(broker);
  Inbox inbox;
  const PushConsumer consumer = consumer_at(broker, "T", inbox);
  for (std::size_t i = 1; i <= 3; ++i) {
    send(producer, "T", std::to_string(i));
    (void)inbox.deliveries(i);
  }
  EXPECT_THAT(inbox.bodies(3), ElementsAre("1", "2", "3"));
  EXPECT_EQ(inbox.all().size(), 3U);
  EXPECT_GE(broker.faults().front().struck, 3U);
}

TEST(EmbeddedBrokerTest, WithALostOffsetTheNextMemberHandlesItAgain) {
  EmbeddedBroker broker = open_broker();
  ASSERT_TRUE(broker.create_topic("T", 1));
  Producer producer = producer_at(broker);
  Inbox inbox;
  {
    const PushConsumer consumer = consumer_at(broker, "T", inbox);
    send(producer, "T", "early");
    (void)inbox.deliveries(1);  // it has its place in the queue
    ASSERT_TRUE(broker.add_fault({.fault = Fault::kLoseAck, .topic = "T", .group = "g"}));
    send(producer, "T", "late");
    (void)inbox.deliveries(2);
  }
  EXPECT_GE(broker.faults().front().struck, 1U);
  broker.clear_faults();
  const PushConsumer next = consumer_at(broker, "T", inbox);
  EXPECT_EQ(inbox.deliveries(3).at(2).attempt, 1);
}

TEST(EmbeddedBrokerTest, FaultsAreListedClearedAndEndedByAStop) {
  EmbeddedBroker broker = open_broker();
  const auto pause =
      broker.add_fault({.fault = Fault::kPause, .topic = "T", .lasts = std::chrono::minutes(10)});
  const auto twice = broker.add_fault({.fault = Fault::kDeliverTwice,
                                       .topic = "T",
                                       .group = "g",
                                       .probability = 0.25,
                                       .count = 7,
                                       .lasts = std::chrono::minutes(1)});
  const auto ack = broker.add_fault({.fault = Fault::kLoseAck, .topic = "T"});
  const auto handle = broker.add_fault({.fault = Fault::kExpireHandle, .topic = "T"});
  ASSERT_TRUE(pause && twice && ack && handle);
  ASSERT_TRUE(broker.clear_fault(*pause));
  EXPECT_EQ(broker.clear_fault(*pause).error().code, Errc::kInvalidArgument);

  const std::vector<FaultRecord> told = broker.faults();
  ASSERT_EQ(told.size(), 4U);
  EXPECT_FALSE(told[0].active);
  EXPECT_EQ(told[1].id, *twice);
  EXPECT_EQ(told[1].order.fault, Fault::kDeliverTwice);
  EXPECT_EQ(told[1].order.topic, "T");
  EXPECT_EQ(told[1].order.group, "g");
  EXPECT_EQ(told[1].order.probability, 0.25);
  EXPECT_EQ(told[1].order.count, 7);
  EXPECT_EQ(told[1].order.lasts, std::chrono::minutes(1));
  EXPECT_TRUE(told[1].active);
  EXPECT_EQ(told[1].struck, 0U);
  EXPECT_EQ(told[2].order.fault, Fault::kLoseAck);
  EXPECT_EQ(told[3].order.fault, Fault::kExpireHandle);

  broker.clear_faults();
  EXPECT_TRUE(std::ranges::none_of(broker.faults(), &FaultRecord::active));
  ASSERT_TRUE(broker.stop());
  EXPECT_TRUE(broker.faults().empty());
  start_again(broker);
  EXPECT_TRUE(broker.faults().empty());
}

TEST(EmbeddedBrokerTest, WhatIsWrongIsRefused) {
  EmbeddedBroker broker = open_broker();
  EXPECT_EQ(broker.add_fault({.topic = "no topic"}).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(broker.add_fault({.topic = "T", .probability = 2}).error().code,
            Errc::kInvalidArgument);
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(broker.add_fault({.topic = "T"}));
  EXPECT_EQ(broker.add_fault({.topic = "T"}).error().code, Errc::kBusy);
  EXPECT_EQ(broker.create_topic("no topic").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(broker.create_topic("T", -1).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(broker.create_topic("T", 1, {{"color", "red"}}).error().code, Errc::kInvalidArgument);

  ASSERT_TRUE(broker.stop());
  EXPECT_EQ(broker.create_topic("T").error().code, Errc::kClosed);
  EXPECT_EQ(broker.add_fault({.topic = "T"}).error().code, Errc::kClosed);
  EXPECT_EQ(broker.clear_fault(1).error().code, Errc::kClosed);
}

TEST(EmbeddedBrokerTest, SettingsAreThoseOfTheServer) {
  const EmbeddedBroker broker = open_broker({.settings = {{"autoCreateTopicEnable", "false"}}});
  Producer producer = producer_at(broker);
  EXPECT_EQ(producer.send({.topic = "T", .body = "x"}).error().code, Errc::kTopicNotFound);
}

TEST(EmbeddedBrokerTest, SettingsThatCannotBeAreRefusedByName) {
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{
           {"maxMesageSize", "1024"},
           {"maxMessageSize", "much"},
           {"listenPort", "10911"},             // the broker's own choice
           {"logLevel", "debug"},               // of the whole process
           {"diskMaxUsedSpaceRatio", "95"}}) {  // does not go with another one
    const Error error = refusal({.settings = {{name, value}}});
    EXPECT_EQ(error.code, Errc::kInvalidArgument) << name;
    EXPECT_THAT(error.message, HasSubstr(name));
  }
}

TEST(EmbeddedBrokerTest, FoldersThatCannotBeAreRefused) {
  const Folder folder;
  const EmbeddedBroker broker = open_broker({.folder = folder.path()});
  EXPECT_EQ(refusal({.folder = folder.path()}).code, Errc::kBusy);
  const Error below_a_file = refusal({.folder = "/dev/null/data"});
  EXPECT_EQ(below_a_file.code, Errc::kInvalidArgument);
  EXPECT_THAT(below_a_file.message, HasSubstr("/dev/null"));
}

TEST(EmbeddedBrokerTest, APortThatSomebodyElseTookIsToldAndMayComeBack) {
  EmbeddedBroker broker = open_broker();
  ASSERT_TRUE(broker.stop());
  {
    // Its name server's port is that of another one's HTTP.
    const std::string port = broker.name_server().substr(broker.name_server().find(':') + 1);
    const EmbeddedBroker thief = open_broker({.settings = {{"httpListenPort", port}}});
    EXPECT_EQ(broker.start().error().code, Errc::kBusy);
    EXPECT_EQ(broker.create_topic("T").error().code, Errc::kClosed);
  }
  start_again(broker);
  ASSERT_TRUE(broker.create_topic("T"));
}

std::ptrdiff_t entries(const char* folder) {
  const std::filesystem::directory_iterator all(folder);
  return std::distance(begin(all), end(all));
}

TEST(EmbeddedBrokerTest, LeavesNoThreadAndNoDescriptorBehind) {
  const Folder folder;
  const auto live = [&](const std::string& data) {
    EmbeddedBroker broker = open_broker({.folder = data});
    Producer producer = producer_at(broker);
    send(producer, "T", "x");
  };
  live("");
  live(folder.path());
  const std::ptrdiff_t threads = entries("/proc/self/task");
  const std::ptrdiff_t descriptors = entries("/proc/self/fd");
  for (int i = 0; i < 10; ++i) live(i % 2 == 0 ? "" : folder.path());
  EXPECT_EQ(entries("/proc/self/fd"), descriptors);
  // The kernel shows a thread a moment longer than join() waits for it.
  while (entries("/proc/self/task") > threads) std::this_thread::yield();
}

}  // namespace
}  // namespace oncemq::sdk
