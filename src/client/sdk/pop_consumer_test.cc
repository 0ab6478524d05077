#include "oncemq/pop_consumer.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "client/remoting/meeting.h"
#include "client/sdk/test_support.h"
#include "client/test_support.h"
#include "os/clock.h"
#include "os/thread.h"
#include "wire/remoting/body/heartbeat.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/clients.h"
#include "wire/remoting/schema/name_routes.h"
#include "wire/remoting/schema/pop.h"

namespace oncemq::sdk {
namespace {

using client::answer;
using client::answer_with;
using client::FakeBroker;
using std::chrono::milliseconds;
using wire::ResponseCode;

// No test waits for that long.
constexpr milliseconds kLong = std::chrono::minutes(10);

// A name server and two brokers of topic T, of which "b" is there when it is asked for. They tell
// what they are asked, and answer what the test says; without that they say nothing.
class PopConsumerTest : public testing::Test {
 protected:
  struct Answered {
    ResponseCode code = ResponseCode::kSuccess;
    std::string records{};
    std::string starts{};
    bool hang_up = false;
  };
  using Answers = std::deque<Answered>;

  PopConsumerTest() : server_(std::move(*net::Server::open({.loops = 1}, clock_))) {
    for (const std::string name : {"a", "b"}) {
      brokers_[name] =
          std::make_unique<FakeBroker>([this, name](auto& connection, const auto& command) {
            serve(name, connection, command);
          });
      addresses_[name] = server_->listen(Address::loopback(0), *brokers_[name])->to_string();
    }
    server_->start();
  }

  void serve(const std::string& broker, net::Connection& connection, const wire::Command& command) {
    switch (command.code) {
      case wire::GetRouteInfoByTopic::meta.code: {
        if (wire::decode_header<wire::GetRouteInfoByTopic>(command)->topic != "T")
          return answer(connection, command, wire::number(ResponseCode::kTopicNotExist), "unknown");
        std::vector<std::pair<std::string, std::string>> all{{"a", addresses_["a"]}};
        if (two_brokers_) all.emplace_back("b", addresses_["b"]);
        return answer(connection, command, 0, {}, route_to(all));
      }
      case wire::Heartbeat::meta.code: {
        const auto body = wire::decode_body<wire::HeartbeatBody>(command.body);
        EXPECT_EQ(body->consumers.at(0).name, "g");
        EXPECT_EQ(body->consumers[0].consume_type, model::ConsumeType::kPop);
        EXPECT_EQ(body->consumers[0].subscriptions.at(0).topic, "T");
        return answer_with<wire::Heartbeat>(connection, command, {});
      }
      case wire::UnregisterClient::meta.code:
        return answer(connection, command, 0);
      case wire::PopMessage::meta.code: {
        const auto header = wire::decode_header<wire::PopMessage>(command);
        EXPECT_EQ(header->consumer_group, "g");
        EXPECT_EQ(header->queue_id, -1);
        EXPECT_GT(header->born_time, 0);
        polls_.push_back(header->poll_time);
        told_.add(broker + " pop " + std::to_string(header->max_messages) + " invisible " +
                  std::to_string(header->invisible_time) + " mode " +
                  std::to_string(header->init_mode) + " " + std::string(header->expression_type) +
                  " " + std::string(header->expression));
        return serve_next(pops_[broker], connection, command, [&](const Answered& next) {
          answer_with<wire::PopMessage>(connection, command,
                                        {.pop_time = 77,
                                         .invisible_time = 5'000,
                                         .revive_queue = 2,
                                         .start_offsets = next.starts},
                                        next.records, wire::number(next.code));
        });
      }
      case wire::AckMessage::meta.code: {
        const auto header = wire::decode_header<wire::AckMessage>(command);
        EXPECT_EQ(header->consumer_group, "g");
        told_.add(broker + " ack " + std::string(header->topic) + " " +
                  std::to_string(header->queue_id) + " " + std::to_string(header->offset) + " '" +
                  std::string(header->extra_info) + "'");
        return serve_next(acks_, connection, command, [&](const Answered& next) {
          answer(connection, command, wire::number(next.code), "as the test says");
        });
      }
      case wire::ChangeInvisibleTime::meta.code: {
        const auto header = wire::decode_header<wire::ChangeInvisibleTime>(command);
        told_.add(broker + " change to " + std::to_string(header->invisible_time) + " '" +
                  std::string(header->extra_info) + "'");
        return serve_next(changes_, connection, command, [&](const Answered& next) {
          answer_with<wire::ChangeInvisibleTime>(
              connection, command, {.pop_time = 99, .invisible_time = 9'000, .revive_queue = 3}, {},
              wire::number(next.code));
        });
      }
      default:
        ADD_FAILURE() << "code " << command.code;
    }
  }

  // The first of `answers`; without any it is said nothing.
  static void serve_next(Answers& answers, net::Connection& connection, const wire::Command&,
                         const std::function<void(const Answered&)>& give) {
    if (answers.empty()) return;
    const Answered next = std::move(answers.front());
    answers.pop_front();
    if (next.hang_up)
      connection.close(net::CloseReason::kDone);
    else
      give(next);
  }

  PopConsumerOptions options() {
    return {.name_servers = {addresses_["a"]},
            .group = "g",
            .subscriptions = {{.topic = "T"}},
            .timeout = kLong};
  }
  static PopConsumer open(PopConsumerOptions options) {
    auto consumer = PopConsumer::open(std::move(options));
    EXPECT_TRUE(consumer) << consumer.error().message;
    return std::move(*consumer);
  }
  PopConsumer open() { return open(options()); }
  static Delivery one(PopConsumer& consumer) {
    auto got = consumer.receive(1, kLong);
    EXPECT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->size(), 1U);
    return got->at(0);
  }
  using Lines = std::vector<std::string>;
  const Lines pops_of(const std::string& broker) {
    return {broker + " pop 1 invisible 60000 mode 1 TAG *"};
  }

  // Written before open() and between calls: the loop that reads them has been asked since.
  bool two_brokers_ = false;
  std::map<std::string, Answers> pops_;
  Answers acks_;
  Answers changes_;
  std::vector<std::int64_t> polls_;

  os::SystemClock clock_;
  Told told_;
  std::map<std::string, std::unique_ptr<FakeBroker>> brokers_;
  std::map<std::string, std::string> addresses_;
  std::unique_ptr<net::Server> server_;
};

TEST_F(PopConsumerTest, WhatIsReceivedIsAckedByTheHandleThatClientsMake) {
  pops_["a"] = {
      {.records = record(10, "x", {}, 0, 3) + record(12, "y", {}, 0, 3), .starts = "0 3 9"}};
  acks_ = {{}, {}};
  PopConsumer consumer = open();
  const auto got = consumer.receive(32, kLong);
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->size(), 2U);
  const Delivery& first = got->front();
  EXPECT_EQ(first.message.topic, "T");
  EXPECT_EQ(first.message.body, "x");
  EXPECT_EQ(first.attempt, 1);
  EXPECT_EQ(first.queue, (Queue{"T", "a", 3}));
  EXPECT_EQ(first.queue_offset, 10);
  EXPECT_TRUE(consumer.ack(first));
  EXPECT_TRUE(consumer.ack(got->back()));
  EXPECT_EQ(told_.lines(3),
            (Lines{"a pop 32 invisible 60000 mode 1 TAG *", "a ack T 3 10 '9 77 5000 2 0 a 3 10'",
                   "a ack T 3 12 '9 77 5000 2 0 a 3 12'"}));
}

TEST_F(PopConsumerTest, WhatIsWantedIsSaidInEachPop) {
  pops_["a"] = {{.code = ResponseCode::kPollingTimeout}};
  PopConsumerOptions wants = options();
  wants.subscriptions[0].expression = "price > 1";
  wants.subscriptions[0].kind = Subscription::Kind::kSql92;
  wants.invisible = milliseconds(1'234);
  wants.start_at = StartAt::kFirst;
  PopConsumer consumer = open(wants);
  const auto got = consumer.receive(7, milliseconds(0));
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->empty());
  EXPECT_EQ(told_.lines(1), (Lines{"a pop 7 invisible 1234 mode 0 SQL92 price > 1"}));
  EXPECT_EQ(polls_, (std::vector<std::int64_t>{0}));
}

// As Apache's broker gives what was not acked: from its retry topic, with the handle.
TEST_F(PopConsumerTest, ARetryTopicIsAckedThereAndShowsTheTopicThatWasPopped) {
  const std::string handle = "4 70 60000 1 1 a 0 4";
  pops_["a"] = {{.records = record(4, "x", "POP_CK\1" + handle + "\2")}};
  acks_ = {{}};
  changes_ = {{}};
  PopConsumer consumer = open();
  Delivery delivery = one(consumer);
  EXPECT_EQ(delivery.message.topic, "T");
  EXPECT_EQ(delivery.queue, (Queue{"%RETRY%g_T", "a", 0}));
  EXPECT_TRUE(delivery.message.properties.empty());
  EXPECT_TRUE(consumer.change_invisible(delivery, milliseconds(8)));
  EXPECT_EQ(delivery.handle, "4 99 9000 3 1 a 0 4");
  EXPECT_TRUE(consumer.ack(delivery));
  const Lines all = told_.lines(3);
  EXPECT_EQ(all[1], "a change to 8 '" + handle + "'");
  EXPECT_EQ(all[2], "a ack %RETRY%g_T 0 4 '4 99 9000 3 1 a 0 4'");
}

TEST_F(PopConsumerTest, ALongWaitIsManyPolls) {
  pops_["a"] = {{.code = ResponseCode::kPollingTimeout},
                {.code = ResponseCode::kPollingFull},
                {.code = ResponseCode::kSystemBusy},
                {.hang_up = true},
                {.records = record(0, "x")}};
  PopConsumer consumer = open();
  EXPECT_EQ(one(consumer).message.body, "x");
  EXPECT_EQ(polls_, (std::vector<std::int64_t>(5, 15'000)));
}

TEST_F(PopConsumerTest, ARefusalEndsTheWait) {
  pops_["a"] = {{.code = ResponseCode::kSubscriptionGroupNotExist}};
  PopConsumer consumer = open();
  const auto got = consumer.receive(1, kLong);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::kRefused);
  EXPECT_EQ(got.error().response_code, 26);
}

TEST_F(PopConsumerTest, ABrokerThatSaysNotNowIsTheErrorWhenTheTimeIsOver) {
  pops_["a"] = {{.code = ResponseCode::kSystemBusy}};
  PopConsumer consumer = open();
  const auto got = consumer.receive(1, milliseconds(0));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().response_code, 2);
}

TEST_F(PopConsumerTest, AnUnknownTopicIsAnError) {
  PopConsumerOptions unknown = options();
  unknown.subscriptions = {{.topic = "U"}};
  PopConsumer consumer = open(unknown);
  EXPECT_EQ(consumer.receive(1, milliseconds(0)).error().code, Errc::kTopicNotFound);
}

TEST_F(PopConsumerTest, EachBrokerIsAskedBeforeOneIsWaitedFor) {
  two_brokers_ = true;
  const Answered nothing{.code = ResponseCode::kPollingTimeout};
  pops_["a"] = {nothing, {.records = record(0, "late")}};
  pops_["b"] = {nothing, nothing};
  PopConsumer consumer = open();
  EXPECT_EQ(one(consumer).message.body, "late");
  std::string order;
  for (const std::string& line : told_.lines(4)) order += line.front();
  EXPECT_EQ(order, "abba");
  EXPECT_EQ(polls_, (std::vector<std::int64_t>{0, 0, 500, 500}));
}

TEST_F(PopConsumerTest, ABrokerThatIsAwayDoesNotKeepTheOthersMessages) {
  two_brokers_ = true;
  pops_["a"] = {{.hang_up = true}, {.records = record(0, "x")}};
  pops_["b"] = {{.hang_up = true}, {.hang_up = true}};
  PopConsumer consumer = open();
  EXPECT_EQ(one(consumer).message.body, "x");
}

TEST_F(PopConsumerTest, WhatHasOnlyTheHashOfATagIsAckedAndNotGiven) {
  // Equal hashes are no equal tags.
  pops_["a"] = {{.records = record(5, "not it", "TAGS\1AaBB\2")},
                {.records = record(6, "it", "TAGS\1BBAa\2")}};
  acks_ = {{}};
  PopConsumerOptions tagged = options();
  tagged.subscriptions[0].expression = "BBAa";
  PopConsumer consumer = open(tagged);
  EXPECT_EQ(one(consumer).message.body, "it");
  const Lines all = told_.lines(3);
  EXPECT_EQ(std::count(all.begin(), all.end(), "a ack T 0 5 '5 77 5000 2 0 a 0 5'"), 1);
}

TEST_F(PopConsumerTest, WhatCannotBeUnpackedIsLeftToTheBroker) {
  pops_["a"] = {
      {.records = record(0, "not zlib", {}, model::sysflag::kCompressed) + record(1, "x")}};
  PopConsumer consumer = open();
  EXPECT_EQ(one(consumer).queue_offset, 1);
  EXPECT_EQ(told_.lines(1).size(), 1U);
}

TEST_F(PopConsumerTest, AnAnswerThatDoesNotParseIsAnError) {
  std::string broken = record(0, "x");
  broken.pop_back();
  pops_["a"] = {{.records = broken},
                {.records = record(0, "x"), .starts = "0 0"},
                {.records = record(0, "x", "POP_CK\1what\2")}};
  PopConsumer consumer = open();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(consumer.receive(1, kLong).error().code, Errc::kInternal);
}

TEST_F(PopConsumerTest, AnAckWhoseAnswerIsLostIsSentAgain) {
  pops_["a"] = {{.records = record(0, "x")}};
  acks_ = {{.hang_up = true}, {.code = ResponseCode::kSystemBusy}, {}};
  PopConsumer consumer = open();
  EXPECT_TRUE(consumer.ack(one(consumer)));
  const Lines all = told_.lines(4);
  EXPECT_EQ(all[1], all[2]);
  EXPECT_EQ(all[2], all[3]);
}

TEST_F(PopConsumerTest, AStaleHandleIsTold) {
  pops_["a"] = {{.records = record(0, "x")}};
  acks_ = {{.code = ResponseCode::kReceiptHandleInvalid}};
  changes_ = {{.code = ResponseCode::kReceiptHandleInvalid}};
  PopConsumer consumer = open();
  Delivery delivery = one(consumer);
  const std::string handle = delivery.handle;
  for (const Status& status :
       {consumer.ack(delivery), consumer.change_invisible(delivery, milliseconds(1))}) {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::kRefused);
    EXPECT_EQ(status.error().response_code, 40013);
  }
  EXPECT_EQ(delivery.handle, handle);
}

TEST_F(PopConsumerTest, AChangeWhoseAnswerIsLostIsNotSentAgain) {
  pops_["a"] = {{.records = record(0, "x")}};
  changes_ = {{.code = ResponseCode::kSystemBusy}, {.hang_up = true}};
  PopConsumer consumer = open();
  Delivery delivery = one(consumer);
  EXPECT_EQ(consumer.change_invisible(delivery, milliseconds(1)).error().code, Errc::kUnreachable);
  EXPECT_EQ(told_.lines(3).size(), 3U);
}

TEST_F(PopConsumerTest, ACallThatNobodyAnswersTakesItsTime) {
  pops_["a"] = {{.records = record(0, "x")}};
  PopConsumerOptions impatient = options();
  impatient.timeout = milliseconds(20);
  PopConsumer consumer = open(impatient);
  auto got = consumer.receive(1, kLong);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(consumer.ack(got->at(0)).error().code, Errc::kTimeout);
  EXPECT_FALSE(consumer.receive(1, milliseconds(0)));
}

TEST_F(PopConsumerTest, CallbacksLearnWhatBecameOfAnAckAndMayNotWait) {
  pops_["a"] = {{.records = record(0, "x")}};
  acks_ = {{}};
  PopConsumerOptions one_call = options();
  one_call.pending_max = 1;
  PopConsumer consumer = open(one_call);
  Delivery delivery = one(consumer);
  client::Meeting<Status> acked;
  client::Meeting<Errc> waited;
  EXPECT_TRUE(consumer.ack_async(delivery, [&](const Status& status) {
    waited.bring(consumer.receive(1, kLong).error().code);
    acked.bring(status);
  }));
  EXPECT_EQ(waited.wait(), Errc::kWouldBlock);
  EXPECT_TRUE(acked.wait());
  // Nobody answers the next one.
  client::Meeting<Status> ended;
  EXPECT_TRUE(consumer.ack_async(delivery, [&](const Status& status) { ended.bring(status); }));
  EXPECT_EQ(consumer.ack_async(delivery, [](const Status&) {}).error().code, Errc::kBusy);
  EXPECT_EQ(consumer.ack_async(delivery, nullptr).error().code, Errc::kInvalidArgument);
  consumer.close();
  EXPECT_EQ(ended.wait().error().code, Errc::kClosed);
}

TEST_F(PopConsumerTest, CloseEndsWhatWaits) {
  PopConsumer consumer = open();
  client::Meeting<Errc> ended;
  os::Thread receiver("receiver", [&] { ended.bring(consumer.receive(1, kLong).error().code); });
  EXPECT_EQ(told_.lines(1), pops_of("a"));
  consumer.close();
  EXPECT_EQ(ended.wait(), Errc::kClosed);
  receiver.join();
  EXPECT_EQ(consumer.receive(1, kLong).error().code, Errc::kClosed);
  consumer.close();
}

TEST_F(PopConsumerTest, DeliveriesOfOthersAreRefusedHere) {
  PopConsumer consumer = open();
  Delivery delivery;
  EXPECT_EQ(consumer.ack(delivery).error().code, Errc::kInvalidArgument);
  delivery.handle = "4 70 60000 1 1 a 0 4";
  delivery.queue.topic = "%RETRY%h_T";
  EXPECT_EQ(consumer.ack(delivery).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(consumer.change_invisible(delivery, milliseconds(1)).error().code,
            Errc::kInvalidArgument);
}

TEST_F(PopConsumerTest, OptionsAndArgumentsAreChecked) {
  const auto refused = [&](auto change) {
    PopConsumerOptions wrong = options();
    change(wrong);
    const auto got = PopConsumer::open(wrong);
    return !got && got.error().code == Errc::kInvalidArgument;
  };
  EXPECT_FALSE(refused([](PopConsumerOptions&) {}));
  EXPECT_TRUE(refused([](PopConsumerOptions& o) { o.name_servers.clear(); }));
  EXPECT_TRUE(refused([](PopConsumerOptions& o) { o.group = "no spaces"; }));
  EXPECT_TRUE(refused([](PopConsumerOptions& o) { o.subscriptions.clear(); }));
  EXPECT_TRUE(refused([](PopConsumerOptions& o) { o.subscriptions.push_back({.topic = "T"}); }));
  EXPECT_TRUE(refused([](PopConsumerOptions& o) { o.subscriptions[0].expression = "||"; }));
  EXPECT_TRUE(refused([](PopConsumerOptions& o) { o.start_at = StartAt::kTime; }));
  EXPECT_TRUE(refused([](PopConsumerOptions& o) { o.invisible = milliseconds(0); }));
  EXPECT_TRUE(refused([](PopConsumerOptions& o) { o.invisible = std::chrono::hours(73); }));
  EXPECT_TRUE(refused([](PopConsumerOptions& o) { o.timeout = milliseconds(0); }));
  EXPECT_TRUE(refused([](PopConsumerOptions& o) { o.pending_max = 0; }));
  PopConsumer consumer = open();
  EXPECT_EQ(consumer.receive(0, kLong).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(consumer.receive(33, kLong).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(consumer.receive(1, milliseconds(-1)).error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace oncemq::sdk
