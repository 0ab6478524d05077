#include "oncemq/pull_consumer.h"

#include <deque>
#include <functional>
#include <memory>
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
#include "wire/remoting/schema/offsets.h"
#include "wire/remoting/schema/pull.h"

namespace oncemq::sdk {
namespace {

using client::answer;
using client::answer_with;
using client::FakeBroker;
using std::chrono::milliseconds;
using wire::ResponseCode;

// No test waits for that long.
constexpr milliseconds kLong = std::chrono::minutes(10);

// A name server and a broker with one queue of T. It tells what it is asked, and answers what the
// test says; without that it says nothing.
class PullConsumerTest : public testing::Test {
 protected:
  struct Answered {
    ResponseCode code = ResponseCode::kSuccess;
    std::int64_t offset = 0;  // the answer's; of a pull where the next one goes on
    std::string records{};
    bool hang_up = false;
  };

  PullConsumerTest() : server_(std::move(*net::Server::open({.loops = 1}, clock_))) {
    broker_ = std::make_unique<FakeBroker>(
        [this](auto& connection, const auto& command) { serve(connection, command); });
    address_ = server_->listen(Address::loopback(0), *broker_)->to_string();
    server_->start();
  }

  void serve(net::Connection& connection, const wire::Command& command) {
    switch (command.code) {
      case wire::GetRouteInfoByTopic::meta.code:
        if (wire::decode_header<wire::GetRouteInfoByTopic>(command)->topic != "T")
          return answer(connection, command, wire::number(ResponseCode::kTopicNotExist), "unknown");
        return answer(connection, command, 0, {}, route_to({{"b", address_}}));
      case wire::Heartbeat::meta.code: {
        const auto body = wire::decode_body<wire::HeartbeatBody>(command.body);
        EXPECT_EQ(body->consumers.at(0).name, "g");
        EXPECT_EQ(body->consumers[0].consume_type, model::ConsumeType::kActively);
        return answer_with<wire::Heartbeat>(connection, command, {});
      }
      case wire::UnregisterClient::meta.code:
        return answer(connection, command, 0);
      case wire::PullMessage::meta.code: {
        const auto header = wire::decode_header<wire::PullMessage>(command);
        EXPECT_EQ(header->consumer_group, "g");
        told_.add("pull " + std::to_string(header->queue_offset) + " max " +
                  std::to_string(header->max_messages) + " flag " +
                  std::to_string(header->sys_flag) + " keep " +
                  std::to_string(header->suspend_timeout_ms) + " " +
                  std::string(header->expression_type) + " " + std::string(header->subscription));
        if (keeps_pulls_ && header->suspend_timeout_ms > 0) return;
        return serve_next(connection, [&](const Answered& next) {
          answer_with<wire::PullMessage>(
              connection, command,
              {.next_begin_offset = next.offset, .min_offset = 3, .max_offset = 90}, next.records,
              wire::number(next.code));
        });
      }
      case wire::GetMinOffset::meta.code:
        return serve_offset<wire::GetMinOffset>(connection, command, "first");
      case wire::GetMaxOffset::meta.code:
        return serve_offset<wire::GetMaxOffset>(connection, command, "end");
      case wire::SearchOffsetByTimestamp::meta.code:
        return serve_offset<wire::SearchOffsetByTimestamp>(
            connection, command,
            "at " + std::to_string(
                        wire::decode_header<wire::SearchOffsetByTimestamp>(command)->timestamp));
      case wire::QueryConsumerOffset::meta.code:
        EXPECT_EQ(wire::decode_header<wire::QueryConsumerOffset>(command)->set_zero_if_not_found,
                  false);
        return serve_offset<wire::QueryConsumerOffset>(connection, command, "committed");
      case wire::UpdateConsumerOffset::meta.code: {
        const auto header = wire::decode_header<wire::UpdateConsumerOffset>(command);
        told_.add("commit " + std::to_string(*header->commit_offset));
        return serve_next(connection, [&](const Answered& next) {
          answer(connection, command, wire::number(next.code), "as the test says");
        });
      }
      default:
        ADD_FAILURE() << "code " << command.code;
    }
  }

  template <class Request>
  void serve_offset(net::Connection& connection, const wire::Command& command,
                    const std::string& what) {
    told_.add(what);
    serve_next(connection, [&](const Answered& next) {
      answer_with<Request>(connection, command, {.offset = next.offset}, {},
                           wire::number(next.code));
    });
  }

  void serve_next(net::Connection& connection, const std::function<void(const Answered&)>& give) {
    if (answers_.empty()) return;
    const Answered next = std::move(answers_.front());
    answers_.pop_front();
    if (next.hang_up)
      connection.close(net::CloseReason::kDone);
    else
      give(next);
  }

  PullConsumerOptions options() {
    return {.name_servers = {address_}, .group = "g", .timeout = kLong};
  }
  PullConsumer open() {
    auto consumer = PullConsumer::open(options());
    EXPECT_TRUE(consumer) << consumer.error().message;
    return std::move(*consumer);
  }
  using Lines = std::vector<std::string>;

  const Queue queue_{"T", "b", 0};
  std::deque<Answered> answers_;  // written before open()
  bool keeps_pulls_ = false;      // for ever, if they allow it
  os::SystemClock clock_;
  Told told_;
  std::unique_ptr<FakeBroker> broker_;
  std::string address_;
  std::unique_ptr<net::Server> server_;
};

TEST_F(PullConsumerTest, APullGivesMessagesAndWhereToGoOn) {
  answers_ = {{.offset = 9, .records = record(7, "x") + record(8, "y")}};
  PullConsumer consumer = open();
  EXPECT_EQ(*consumer.queues("T"), (std::vector<Queue>{queue_}));
  const auto got = consumer.pull({.queue = queue_, .offset = 7});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->kind, Pulled::Kind::kFound);
  ASSERT_EQ(got->messages.size(), 2U);
  EXPECT_EQ(got->messages[0].message.body, "x");
  EXPECT_EQ(got->messages[1].queue_offset, 8);
  EXPECT_EQ(got->messages[1].queue, queue_);
  EXPECT_EQ(got->next, 9);
  EXPECT_EQ(got->first, 3);
  EXPECT_EQ(got->end, 90);
  // With the subscription, and nobody waits.
  EXPECT_EQ(told_.lines(1), (Lines{"pull 7 max 32 flag 4 keep 0 TAG *"}));
}

TEST_F(PullConsumerTest, AWaitIsManyPullsOverWhatNoFilterWants) {
  answers_ = {{.code = ResponseCode::kPullRetryImmediately, .offset = 40},
              {.offset = 41, .records = record(40, "other", "TAGS\1AaBB\2")},
              {.code = ResponseCode::kPullNotFound, .offset = 41},
              {.hang_up = true},
              {.code = ResponseCode::kSystemBusy},
              {.offset = 42, .records = record(41, "it", "TAGS\1BBAa\2")}};
  PullConsumer consumer = open();
  const auto got =
      consumer.pull({.queue = queue_, .offset = 1, .max = 5, .wait = kLong, .expression = "BBAa"});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->kind, Pulled::Kind::kFound);
  EXPECT_EQ(got->messages.at(0).message.body, "it");
  const Lines all = told_.lines(6);
  EXPECT_EQ(all[0], "pull 1 max 5 flag 6 keep 15000 TAG BBAa");
  EXPECT_EQ(all[1], "pull 40 max 5 flag 6 keep 15000 TAG BBAa");
  EXPECT_EQ(all[2], "pull 41 max 5 flag 6 keep 15000 TAG BBAa");
  EXPECT_EQ(all[5].substr(0, 8), "pull 41 ");
}

TEST_F(PullConsumerTest, NothingIsNoError) {
  answers_ = {{.code = ResponseCode::kPullNotFound, .offset = 7},
              {.code = ResponseCode::kPullRetryImmediately, .offset = 20}};
  PullConsumer consumer = open();
  const PullOrder order{
      .queue = queue_, .offset = 7, .expression = "a > 1", .kind = Subscription::Kind::kSql92};
  for (const std::int64_t next : {7, 20}) {
    const auto got = consumer.pull(order);
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->kind, Pulled::Kind::kNone);
    EXPECT_EQ(got->next, next);
  }
  EXPECT_EQ(told_.lines(1)[0], "pull 7 max 32 flag 4 keep 0 SQL92 a > 1");
}

TEST_F(PullConsumerTest, ABrokerThatKeepsAPullTooLongIsAskedOnceMore) {
  keeps_pulls_ = true;
  // One more than the last pull needs: an earlier one, that had no time left to be kept, may get
  // the other too late.
  answers_ = {{.code = ResponseCode::kPullNotFound, .offset = 7},
              {.code = ResponseCode::kPullNotFound, .offset = 7}};
  PullConsumer consumer = open();
  ASSERT_TRUE(consumer.queues("T"));  // the route is known from here on
  const auto got = consumer.pull({.queue = queue_, .offset = 7, .wait = milliseconds(30)});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->kind, Pulled::Kind::kNone);
  EXPECT_EQ(told_.lines(1).back(), "pull 7 max 32 flag 4 keep 0 TAG *");
}

TEST_F(PullConsumerTest, AnIllegalOffsetIsToldWithTheNextLegalOne) {
  answers_ = {{.code = ResponseCode::kPullOffsetMoved, .offset = 3}};
  PullConsumer consumer = open();
  const auto got = consumer.pull({.queue = queue_, .offset = 0, .wait = kLong});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->kind, Pulled::Kind::kIllegal);
  EXPECT_EQ(got->next, 3);
}

TEST_F(PullConsumerTest, WhatCannotBeUnpackedIsCounted) {
  answers_ = {{.offset = 8, .records = record(7, "not zlib", {}, model::sysflag::kCompressed)}};
  PullConsumer consumer = open();
  const auto got = consumer.pull({.queue = queue_, .offset = 7, .wait = kLong});
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->kind, Pulled::Kind::kNone);
  EXPECT_EQ(got->unreadable, 1U);
  EXPECT_EQ(got->next, 8);
}

TEST_F(PullConsumerTest, RefusalsAndBrokenAnswersAreErrors) {
  std::string broken = record(0, "x");
  broken.pop_back();
  answers_ = {{.code = ResponseCode::kSubscriptionParseFailed}, {.records = broken}};
  PullConsumer consumer = open();
  const auto refused = consumer.pull({.queue = queue_, .wait = kLong});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kRefused);
  EXPECT_EQ(refused.error().response_code, 23);
  EXPECT_EQ(consumer.pull({.queue = queue_}).error().code, Errc::kInternal);
}

TEST_F(PullConsumerTest, OffsetsAreAskedForAndCommitted) {
  answers_ = {{.offset = 3},
              {.offset = 90},
              {.offset = 55},
              {.code = ResponseCode::kQueryNotFound},
              {.hang_up = true},
              {.offset = 12},
              {},
              {.code = ResponseCode::kNoPermission},
              {.code = ResponseCode::kNoPermission},
              {.code = ResponseCode::kNoPermission}};
  PullConsumer consumer = open();
  EXPECT_EQ(*consumer.first_offset(queue_), 3);
  EXPECT_EQ(*consumer.end_offset(queue_), 90);
  EXPECT_EQ(*consumer.offset_at(queue_, 1'234), 55);
  EXPECT_EQ(*consumer.committed(queue_), std::nullopt);
  EXPECT_EQ(*consumer.committed(queue_), 12);  // the first answer was lost
  EXPECT_TRUE(consumer.commit(queue_, 13));
  // "Not here" is asked three times.
  EXPECT_EQ(consumer.commit(queue_, 14).error().response_code, 16);
  EXPECT_EQ(told_.lines(10),
            (Lines{"first", "end", "at 1234", "committed", "committed", "committed", "commit 13",
                   "commit 14", "commit 14", "commit 14"}));
}

TEST_F(PullConsumerTest, AnUnknownBrokerIsLookedForUntilTheTimeIsOver) {
  PullConsumerOptions impatient = options();
  impatient.timeout = milliseconds(120);
  auto consumer = PullConsumer::open(impatient);
  ASSERT_TRUE(consumer->queues("T"));  // the route is known from here on
  EXPECT_EQ(consumer->first_offset({"T", "elsewhere", 0}).error().code, Errc::kUnreachable);
  EXPECT_EQ(consumer->first_offset(queue_).error().code, Errc::kTimeout);
}

TEST_F(PullConsumerTest, AnUnknownTopicIsAnError) {
  PullConsumer consumer = open();
  EXPECT_EQ(consumer.first_offset({"U", "b", 0}).error().code, Errc::kTopicNotFound);
  EXPECT_EQ(consumer.queues("U").error().code, Errc::kTopicNotFound);
}

TEST_F(PullConsumerTest, CloseEndsWhatWaits) {
  PullConsumer consumer = open();
  client::Meeting<Errc> ended;
  os::Thread puller(
      "puller", [&] { ended.bring(consumer.pull({.queue = queue_, .wait = kLong}).error().code); });
  (void)told_.lines(1);
  consumer.close();
  EXPECT_EQ(ended.wait(), Errc::kClosed);
  puller.join();
  EXPECT_EQ(consumer.first_offset(queue_).error().code, Errc::kClosed);
  EXPECT_EQ(consumer.queues("T").error().code, Errc::kClosed);
  consumer.close();
}

TEST_F(PullConsumerTest, OptionsAndArgumentsAreChecked) {
  const auto refused = [&](auto change) {
    PullConsumerOptions wrong = options();
    change(wrong);
    const auto got = PullConsumer::open(wrong);
    return !got && got.error().code == Errc::kInvalidArgument;
  };
  EXPECT_FALSE(refused([](PullConsumerOptions&) {}));
  EXPECT_TRUE(refused([](PullConsumerOptions& o) { o.name_servers.clear(); }));
  EXPECT_TRUE(refused([](PullConsumerOptions& o) { o.group = "no spaces"; }));
  EXPECT_TRUE(refused([](PullConsumerOptions& o) { o.timeout = milliseconds(0); }));
  PullConsumer consumer = open();
  const auto is_illegal = [](const auto& result) {
    return !result && result.error().code == Errc::kInvalidArgument;
  };
  EXPECT_TRUE(is_illegal(consumer.queues("a b")));
  EXPECT_TRUE(is_illegal(consumer.first_offset({"a b", "b", 0})));
  EXPECT_TRUE(is_illegal(consumer.first_offset({"T", "b", -1})));
  EXPECT_TRUE(is_illegal(consumer.commit(queue_, -1)));
  EXPECT_TRUE(is_illegal(consumer.pull({.queue = queue_, .offset = -1})));
  EXPECT_TRUE(is_illegal(consumer.pull({.queue = queue_, .max = 0})));
  EXPECT_TRUE(is_illegal(consumer.pull({.queue = queue_, .max = 1'025})));
  EXPECT_TRUE(is_illegal(consumer.pull({.queue = queue_, .wait = milliseconds(-1)})));
  EXPECT_TRUE(is_illegal(consumer.pull({.queue = queue_, .expression = "||"})));
}

}  // namespace
}  // namespace oncemq::sdk
