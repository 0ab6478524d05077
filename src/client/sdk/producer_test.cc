#include "oncemq/producer.h"

#include <future>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "client/test_support.h"
#include "model/properties.h"
#include "os/clock.h"
#include "wire/remoting/body/heartbeat.h"
#include "wire/remoting/body/message_batch.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/clients.h"
#include "wire/remoting/schema/name_routes.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::sdk {
namespace {

using client::answer;
using client::answer_with;
using client::FakeBroker;
using wire::ResponseCode;

// What a broker was asked to store.
struct Seen {
  std::string broker;
  std::string topic;
  std::string default_topic;
  std::string body;
  std::string properties;
  std::int32_t queue_id = 0;
  bool batch = false;
  bool oneway = false;

  std::string property(std::string_view name) const {
    return std::string(model::find_property(properties, name).value_or(""));
  }
};

// A name server and two brokers, which do what the test says. Their functions run on one thread.
class ProducerTest : public testing::Test {
 protected:
  ProducerTest() : server_(std::move(*net::Server::open({.loops = 1}, clock_))) {
    name_server_ = std::make_unique<FakeBroker>([this](auto& connection, const auto& command) {
      ++lookups_;
      if (on_lookup_) return on_lookup_(connection, command);
      serve_route(connection, command);
    });
    name_address_ = listen(*name_server_);
    for (const std::string name : {"a", "b"}) {
      brokers_[name] = std::make_unique<FakeBroker>(
          [this, name](auto& connection, auto& command) { serve_send(name, connection, command); });
      addresses_[name] = listen(*brokers_[name]);
    }
    server_->start();
  }

  std::string listen(FakeBroker& broker) {
    return server_->listen(Address::loopback(0), broker)->to_string();
  }

  void serve_route(net::Connection& connection, const wire::Command& command) {
    const auto header = wire::decode_header<wire::GetRouteInfoByTopic>(command);
    ASSERT_TRUE(header);
    if (!topics_.contains(std::string(header->topic)))
      return answer(connection, command, wire::number(ResponseCode::kTopicNotExist), "unknown");
    wire::TopicRoute route;
    for (const auto& [name, address] : addresses_) {
      route.brokers.push_back({.addresses = {{0, address}}, .name = name, .cluster = "c"});
      route.queues.push_back({.broker_name = name, .read_queues = 8, .write_queues = 8});
    }
    answer(connection, command, 0, {}, wire::encode_body(route));
  }

  void serve_send(const std::string& name, net::Connection& connection,
                  const wire::Command& command) {
    if (command.code == wire::Heartbeat::meta.code) return take_heartbeat(connection, command);
    if (command.code == wire::UnregisterClient::meta.code) return answer(connection, command, 0);
    const auto header = wire::decode_header<wire::SendMessageV2>(command);
    ASSERT_TRUE(header);
    {
      const std::lock_guard lock(mutex_);
      seen_.push_back({.broker = name,
                       .topic = std::string(header->topic),
                       .default_topic = std::string(header->default_topic),
                       .body = std::string(as_text(command.body)),
                       .properties = std::string(header->properties),
                       .queue_id = header->queue_id,
                       .batch = header->batch,
                       .oneway = command.is_oneway()});
    }
    if (command.is_oneway()) return;
    if (on_send_) return on_send_(name, connection, command);
    store(connection, command);
  }
  void take_heartbeat(net::Connection& connection, const wire::Command& command) {
    const auto body = wire::decode_body<wire::HeartbeatBody>(command.body);
    ASSERT_TRUE(body);
    ASSERT_EQ(body->producers.size(), 1u);
    EXPECT_NE(body->client_id.find('@'), std::string::npos);
    EXPECT_TRUE(body->consumers.empty());
    heartbeat_of_ = body->producers[0].name;
    ++heartbeats_;
    answer_with<wire::Heartbeat>(connection, command, {});
  }
  static void store(net::Connection& connection, const wire::Command& command,
                    ResponseCode code = ResponseCode::kSuccess) {
    const auto header = wire::decode_header<wire::SendMessageV2>(command);
    answer_with<wire::SendMessageV2>(
        connection, command,
        {.message_id = "OFFSET-ID", .queue_id = header->queue_id, .queue_offset = 41}, {},
        wire::number(code));
  }

  Producer open(ProducerOptions options = {}) {
    if (options.name_servers.empty()) options.name_servers = {name_address_};
    // A busy machine is no reason to fail.
    if (options.timeout == ProducerOptions{}.timeout) options.timeout = std::chrono::minutes(2);
    auto producer = Producer::open(std::move(options));
    EXPECT_TRUE(producer) << producer.error().message;
    return std::move(*producer);
  }
  std::vector<Seen> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  // Waits until the brokers have seen that many.
  std::vector<Seen> seen(std::size_t count) {
    while (seen().size() < count) std::this_thread::yield();
    return seen();
  }

  using OnSend =
      std::function<void(const std::string& broker, net::Connection&, const wire::Command&)>;

  os::SystemClock clock_;
  std::set<std::string> topics_{"T"};
  client::Serve on_lookup_;
  OnSend on_send_;
  std::atomic<int> lookups_{0};
  std::atomic<int> heartbeats_{0};
  std::string heartbeat_of_;
  std::mutex mutex_;
  std::vector<Seen> seen_;
  std::unique_ptr<FakeBroker> name_server_;
  std::map<std::string, std::unique_ptr<FakeBroker>> brokers_;
  std::map<std::string, std::string> addresses_;
  std::string name_address_;
  std::unique_ptr<net::Server> server_;
};

TEST_F(ProducerTest, SendsAMessageAndGetsAReceipt) {
  Producer producer = open({.group = "g"});
  const auto receipt = producer.send({.topic = "T",
                                      .body = "hello",
                                      .tag = "blue",
                                      .keys = {"k1", "k2"},
                                      .properties = {{"color", "red"}},
                                      .delay_level = 3});
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(receipt->stored, Stored::kSafe);
  EXPECT_EQ(receipt->offset_id, "OFFSET-ID");
  EXPECT_EQ(receipt->queue_offset, 41);
  const Seen it = seen().at(0);
  EXPECT_EQ(receipt->queue, (Queue{"T", it.broker, it.queue_id}));
  EXPECT_EQ(receipt->message_id, it.property("UNIQ_KEY"));
  EXPECT_EQ(receipt->message_id.size(), 32u);
  EXPECT_EQ(it.body, "hello");
  EXPECT_EQ(it.property("TAGS"), "blue");
  EXPECT_EQ(it.property("KEYS"), "k1 k2");
  EXPECT_EQ(it.property("color"), "red");
  EXPECT_EQ(it.property("DELAY"), "3");
}

TEST_F(ProducerTest, IntroducesItselfToTheBrokersOfItsRoutes) {
  {
    Producer producer = open({.group = "g"});
    ASSERT_TRUE(producer.send({.topic = "T", .body = "x"}));
    while (heartbeats_ < 2) std::this_thread::yield();
    ASSERT_TRUE(producer.send({.topic = "T", .body = "x"}));
  }
  EXPECT_EQ(heartbeats_, 2);
  EXPECT_EQ(heartbeat_of_, "g");
}

TEST_F(ProducerTest, GoesRoundAllQueues) {
  Producer producer = open();
  std::set<std::pair<std::string, std::int32_t>> queues;
  for (int i = 0; i < 16; ++i) {
    const auto receipt = producer.send({.topic = "T", .body = "x"});
    ASSERT_TRUE(receipt);
    queues.emplace(receipt->queue.broker, receipt->queue.id);
  }
  EXPECT_EQ(queues.size(), 16u);
  EXPECT_EQ(lookups_, 1);
  EXPECT_EQ(producer.queues("T")->size(), 16u);
}

TEST_F(ProducerTest, ASelectorChoosesTheQueueAndIsTriedOnce) {
  Producer producer = open();
  const auto last = [](std::span<const Queue> queues) { return queues.size() - 1; };
  for (int i = 0; i < 3; ++i) {
    const auto receipt = producer.send({.topic = "T", .body = "x"}, last);
    ASSERT_TRUE(receipt);
    EXPECT_EQ(receipt->queue, (Queue{"T", "b", 7}));
  }
  const auto none = [](std::span<const Queue> queues) { return queues.size(); };
  EXPECT_EQ(producer.send({.topic = "T", .body = "x"}, none).error().code, Errc::kInvalidArgument);
  on_send_ = [](const std::string&, net::Connection& connection, const wire::Command& command) {
    answer(connection, command, wire::number(ResponseCode::kSystemBusy), "busy");
  };
  const auto refused = producer.send({.topic = "T", .body = "x"}, last);
  EXPECT_EQ(refused.error().response_code, 2);
  EXPECT_EQ(seen().size(), 4u);
}

TEST_F(ProducerTest, ABatchIsOneRequest) {
  Producer producer = open();
  const std::vector<Message> batch{{.topic = "T", .body = "one", .tag = "t"},
                                   {.topic = "T", .body = "two"}};
  const auto receipt = producer.send(batch);
  ASSERT_TRUE(receipt);
  const Seen it = seen().at(0);
  EXPECT_TRUE(it.batch);
  wire::BatchReader reader(as_bytes(it.body));
  std::string ids;
  std::vector<std::string> bodies;
  for (wire::BatchedMessage message; *reader.next(message);) {
    bodies.emplace_back(as_text(message.body));
    ids += (ids.empty() ? "" : ",") +
           std::string(*model::find_property(message.properties, "UNIQ_KEY"));
  }
  EXPECT_EQ(bodies, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(receipt->message_id, ids);
  EXPECT_EQ(it.properties, "");
  const std::vector<Message> mixed{{.topic = "T", .body = "one"}, {.topic = "U", .body = "two"}};
  EXPECT_EQ(producer.send(mixed).error().code, Errc::kMessageIllegal);
  EXPECT_EQ(producer.send(std::span<const Message>()).error().code, Errc::kMessageIllegal);
}

TEST_F(ProducerTest, CallbacksRunOnceEach) {
  constexpr int kCount = 500;
  std::atomic<int> stored{0};
  std::promise<void> all;
  Producer producer = open();
  for (int i = 0; i < kCount; ++i)
    ASSERT_TRUE(producer.send_async({.topic = "T", .body = "x"}, [&](Result<Receipt> receipt) {
      EXPECT_TRUE(receipt);
      if (++stored == kCount) all.set_value();
    }));
  all.get_future().wait();
  EXPECT_EQ(stored, kCount);
  EXPECT_EQ(producer.send_async({.topic = "T", .body = "x"}, nullptr).error().code,
            Errc::kInvalidArgument);
}

TEST_F(ProducerTest, OneWayAsksForNoAnswer) {
  Producer producer = open();
  ASSERT_TRUE(producer.send_oneway({.topic = "T", .body = "x"}));
  EXPECT_TRUE(seen(1).at(0).oneway);
}

TEST_F(ProducerTest, AnotherBrokerIsTriedWithTheSameKey) {
  on_send_ = [](const std::string& broker, net::Connection& connection,
                const wire::Command& command) {
    if (broker == "a")
      connection.close(net::CloseReason::kDone);
    else
      store(connection, command);
  };
  Producer producer = open();
  std::size_t retried = 0;
  for (int i = 0; i < 4; ++i) {
    const std::size_t before = seen().size();
    const auto receipt = producer.send({.topic = "T", .body = "x"});
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(receipt->queue.broker, "b");
    const auto all = seen();
    if (all.size() - before != 2) continue;
    ++retried;
    EXPECT_EQ(all[before].broker, "a");
    EXPECT_EQ(all[before].property("UNIQ_KEY"), all[before + 1].property("UNIQ_KEY"));
  }
  EXPECT_GT(retried, 0u);
  while (lookups_ < 2) std::this_thread::yield();  // the route was doubted
}

TEST_F(ProducerTest, AttemptsHaveAnEnd) {
  on_send_ = [](const std::string&, net::Connection& connection, const wire::Command& command) {
    answer(connection, command, wire::number(ResponseCode::kServiceNotAvailable), "stopping");
  };
  Producer producer = open({.attempts = 4});
  const auto refused = producer.send({.topic = "T", .body = "x"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kRefused);
  EXPECT_EQ(refused.error().response_code, 14);
  EXPECT_FALSE(refused.error().maybe_stored);
  EXPECT_EQ(seen().size(), 4u);
}

TEST_F(ProducerTest, AFinalNoIsFinal) {
  on_send_ = [](const std::string&, net::Connection& connection, const wire::Command& command) {
    answer(connection, command, wire::number(ResponseCode::kMessageIllegal), "no");
  };
  Producer producer = open();
  EXPECT_EQ(producer.send({.topic = "T", .body = "x"}).error().response_code, 13);
  EXPECT_EQ(seen().size(), 1u);
}

TEST_F(ProducerTest, AStoredMessageWithALateFlushIsAReceipt) {
  on_send_ = [](const std::string&, net::Connection& connection, const wire::Command& command) {
    store(connection, command, ResponseCode::kFlushDiskTimeout);
  };
  Producer producer = open();
  const auto receipt = producer.send({.topic = "T", .body = "x"});
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->stored, Stored::kFlushLate);
}

TEST_F(ProducerTest, SilenceEndsWithTheTimeOfTheSend) {
  on_send_ = [](const std::string&, net::Connection&, const wire::Command&) {};
  Error late;
  // Until the time was enough to get as far as the broker.
  for (std::chrono::milliseconds timeout(50); !late.maybe_stored; timeout *= 2) {
    Producer producer = open({.timeout = timeout});
    const auto sent = producer.send({.topic = "T", .body = "x"});
    ASSERT_FALSE(sent);
    late = sent.error();
    EXPECT_EQ(late.code, Errc::kTimeout);
  }
}

TEST_F(ProducerTest, ANewTopicGoesWhereItsModelIs) {
  topics_ = {"TBW102"};
  Producer producer = open();
  const auto receipt = producer.send({.topic = "New", .body = "x"});
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(seen().at(0).topic, "New");
  EXPECT_EQ(seen().at(0).default_topic, "TBW102");
  EXPECT_EQ(producer.queues("New")->size(), 8u);  // four at each broker
}

TEST_F(ProducerTest, AnUnknownTopicIsSaidAtOnce) {
  Producer producer = open();
  EXPECT_EQ(producer.send({.topic = "Nowhere", .body = "x"}).error().code, Errc::kTopicNotFound);
  EXPECT_EQ(producer.queues("Nowhere").error().code, Errc::kTopicNotFound);
}

TEST_F(ProducerTest, NameServersAreAskedInTurn) {
  std::string gone;
  {
    // A port where nobody listens any more.
    auto other = std::move(*net::Server::open({.loops = 1}, clock_));
    gone = other->listen(Address::loopback(0), *name_server_)->to_string();
  }
  Producer producer = open({.name_servers = {gone, name_address_}});
  EXPECT_TRUE(producer.send({.topic = "T", .body = "x"}));
}

TEST_F(ProducerTest, NameServersAreAskedAgain) {
  on_lookup_ = [this](net::Connection& connection, const wire::Command& command) {
    if (lookups_ < 3)
      connection.close(net::CloseReason::kDone);
    else
      serve_route(connection, command);
  };
  Producer producer = open({.timeout = std::chrono::seconds(60)});
  EXPECT_TRUE(producer.send({.topic = "T", .body = "x"}));
  EXPECT_GE(lookups_, 3);
}

TEST_F(ProducerTest, ASendThatFindsNoNameServerSaysSo) {
  on_lookup_ = [](net::Connection& connection, const wire::Command&) {
    connection.close(net::CloseReason::kDone);
  };
  Error failed;
  // Until the time was enough to hear of the lost connection.
  for (std::chrono::milliseconds timeout(100); failed.code != Errc::kUnreachable; timeout *= 2) {
    Producer producer = open({.timeout = timeout});
    const auto sent = producer.send({.topic = "T", .body = "x"});
    ASSERT_FALSE(sent);
    failed = sent.error();
    EXPECT_FALSE(failed.maybe_stored);
  }
}

TEST_F(ProducerTest, CloseEndsWhatIsUnderWay) {
  on_send_ = [](const std::string&, net::Connection&, const wire::Command&) {};
  Producer producer = open({.timeout = std::chrono::hours(1)});
  std::atomic<int> ended{0};
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(producer.send_async({.topic = "T", .body = "x"}, [&](Result<Receipt> receipt) {
      EXPECT_EQ(receipt.error().code, Errc::kClosed);
      EXPECT_TRUE(receipt.error().maybe_stored);
      // Nothing new from here, and nothing that waits.
      EXPECT_EQ(producer.send_async({.topic = "T", .body = "x"}, [](auto) {}).error().code,
                Errc::kClosed);
      EXPECT_EQ(producer.send({.topic = "T", .body = "x"}).error().code, Errc::kWouldBlock);
      ++ended;
    }));
  seen(10);
  std::vector<std::jthread> closers;
  for (int i = 0; i < 4; ++i) closers.emplace_back([&] { producer.close(); });
  closers.clear();
  EXPECT_EQ(ended, 10);
  EXPECT_EQ(producer.send({.topic = "T", .body = "x"}).error().code, Errc::kClosed);
  EXPECT_EQ(producer.queues("T").error().code, Errc::kClosed);
}

TEST_F(ProducerTest, CloseEndsWhoWaitsForARoute) {
  on_lookup_ = [](net::Connection&, const wire::Command&) {};
  Producer producer = open({.timeout = std::chrono::hours(1)});
  auto sent =
      std::async(std::launch::async, [&] { return producer.send({.topic = "T", .body = "x"}); });
  while (lookups_ == 0) std::this_thread::yield();
  auto queues = std::async(std::launch::async, [&] { return producer.queues("T"); });
  producer.close();
  EXPECT_EQ(sent.get().error().code, Errc::kClosed);
  EXPECT_EQ(queues.get().error().code, Errc::kClosed);
}

TEST_F(ProducerTest, MayBeClosedInACallback) {
  Producer producer = open();
  std::promise<void> called;
  ASSERT_TRUE(producer.send_async({.topic = "T", .body = "x"}, [&](Result<Receipt>) {
    producer.close();
    called.set_value();
  }));
  called.get_future().wait();
  producer.close();
  EXPECT_EQ(producer.send({.topic = "T", .body = "x"}).error().code, Errc::kClosed);
}

TEST_F(ProducerTest, HasABound) {
  on_send_ = [](const std::string&, net::Connection&, const wire::Command&) {};
  Producer producer = open({.timeout = std::chrono::hours(1), .pending_max = 2});
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(producer.send_async({.topic = "T", .body = "x"}, [](auto) {}));
  EXPECT_EQ(producer.send({.topic = "T", .body = "x"}).error().code, Errc::kBusy);
}

TEST_F(ProducerTest, SendsFromManyThreads) {
  Producer producer = open();
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) EXPECT_TRUE(producer.send({.topic = "T", .body = "x"}));
    });
  threads.clear();
  std::set<std::string> keys;
  for (const Seen& it : seen()) keys.insert(it.property("UNIQ_KEY"));
  EXPECT_EQ(keys.size(), 200u);
}

TEST_F(ProducerTest, RefusesWhatCannotBeSent) {
  Producer producer = open({.message_max = 100});
  const std::vector<Message> wrong{
      {.topic = "", .body = "x"},
      {.topic = "no blanks", .body = "x"},
      {.topic = "T", .body = ""},
      {.topic = "T", .body = std::string(101, 'x')},
      {.topic = "T", .body = "x", .keys = {"a b"}},
      {.topic = "T", .body = "x", .tag = "\x01"},
      {.topic = "T", .body = "x", .properties = {{"UNIQ_KEY", "mine"}}},
      {.topic = "T", .body = "x", .properties = {{"a", ""}}},
      {.topic = "T", .body = "x", .properties = {{"a", std::string(32'767, 'x')}}},
      {.topic = "T", .body = "x", .delay_level = 1, .deliver_at_ms = 5},
  };
  for (const Message& message : wrong)
    EXPECT_EQ(producer.send(message).error().code, Errc::kMessageIllegal) << message.topic;
  EXPECT_EQ(lookups_, 0);
}

TEST_F(ProducerTest, RefusesWrongOptions) {
  const auto code = [](ProducerOptions options) {
    return Producer::open(std::move(options)).error().code;
  };
  const std::vector<std::string> names{name_address_};
  EXPECT_EQ(code({}), Errc::kInvalidArgument);
  EXPECT_EQ(code({.name_servers = {"no port"}}), Errc::kUnreachable);
  EXPECT_EQ(code({.name_servers = names, .group = ""}), Errc::kInvalidArgument);
  EXPECT_EQ(code({.name_servers = names, .timeout = {}}), Errc::kInvalidArgument);
  EXPECT_EQ(code({.name_servers = names, .attempts = 0}), Errc::kInvalidArgument);
  EXPECT_EQ(code({.name_servers = names, .pending_max = 0}), Errc::kInvalidArgument);
}

}  // namespace
}  // namespace oncemq::sdk
