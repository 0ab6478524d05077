#include "oncemq/push_consumer.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

#include "client/sdk/test_support.h"
#include "client/test_support.h"
#include "model/message.h"
#include "os/clock.h"
#include "wire/remoting/body/heartbeat.h"
#include "wire/remoting/body/queue_locks.h"
#include "wire/remoting/body/reset_offset.h"
#include "wire/remoting/body/stats.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/client_calls.h"
#include "wire/remoting/schema/clients.h"
#include "wire/remoting/schema/connections.h"
#include "wire/remoting/schema/name_routes.h"
#include "wire/remoting/schema/offsets.h"
#include "wire/remoting/schema/pull.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::sdk {
namespace {

using client::answer;
using client::answer_with;
using client::FakeBroker;
using wire::ResponseCode;

// A name server and a broker that has one queue of T, and tells what it is asked. What is pulled is
// what the test says; then pulls wait for ever.
class PushConsumerTest : public testing::Test {
 protected:
  struct Pulled {
    ResponseCode code = ResponseCode::kSuccess;
    std::int64_t next = 0;
    std::string records{};
  };

  PushConsumerTest() : server_(std::move(*net::Server::open({.loops = 1}, clock_))) {
    broker_ = std::make_unique<FakeBroker>(
        [this](auto& connection, const auto& command) { serve(connection, command); });
    address_ = server_->listen(Address::loopback(0), *broker_)->to_string();
    server_->start();
  }

  void serve(net::Connection& connection, const wire::Command& command) {
    if (command.is_response()) {
      told_.add("answer " + std::to_string(command.code) + " " +
                std::string(as_text(command.body)));
      return;
    }
    switch (command.code) {
      case wire::GetRouteInfoByTopic::meta.code:
        return serve_route(connection, command);
      case wire::Heartbeat::meta.code:
        return take_heartbeat(connection, command);
      case wire::GetConsumerListByGroup::meta.code:
        EXPECT_FALSE(broadcast_);
        return answer(connection, command, 0, {}, wire::encode_body(wire::ConsumerIdList{{id_}}));
      case wire::QueryConsumerOffset::meta.code:
        if (committed_ >= 0)
          return answer_with<wire::QueryConsumerOffset>(connection, command,
                                                        {.offset = committed_});
        return answer(connection, command, wire::number(ResponseCode::kQueryNotFound), "none");
      case wire::GetMaxOffset::meta.code:
        told_.add("max");
        return answer_with<wire::GetMaxOffset>(connection, command, {.offset = 70});
      case wire::GetMinOffset::meta.code:
        told_.add("min");
        return answer_with<wire::GetMinOffset>(connection, command, {.offset = 7});
      case wire::SearchOffsetByTimestamp::meta.code:
        told_.add(
            "time " +
            std::to_string(wire::decode_header<wire::SearchOffsetByTimestamp>(command)->timestamp));
        return answer_with<wire::SearchOffsetByTimestamp>(connection, command, {.offset = 35});
      case wire::UpdateConsumerOffset::meta.code:
        told_.add("commit " +
                  std::to_string(
                      *wire::decode_header<wire::UpdateConsumerOffset>(command)->commit_offset));
        return answer(connection, command, 0);
      case wire::PullMessage::meta.code:
        return serve_pull(connection, command);
      case wire::ConsumerSendMessageBack::meta.code: {
        const auto header = wire::decode_header<wire::ConsumerSendMessageBack>(command);
        told_.add("back " + std::to_string(header->offset) + " level " +
                  std::to_string(header->delay_level) + " retries " +
                  std::to_string(header->max_reconsume_times.value_or(-1)));
        const bool no = refusals_ > 0 && refusals_-- > 0;
        return answer(connection, command,
                      wire::number(no ? ResponseCode::kSystemError : ResponseCode::kSuccess));
      }
      case wire::LockBatchQueues::meta.code: {
        const auto body = wire::decode_body<wire::QueueLockBody>(command.body);
        EXPECT_EQ(body->client_id, id_);
        const bool taken = locked_by_others_ > 0 && locked_by_others_-- > 0;
        told_.add(taken ? "no lock" : "lock");
        return answer(connection, command, 0, {},
                      wire::encode_body(
                          wire::LockedQueues{taken ? std::vector<wire::Queue>() : body->queues}));
      }
      case wire::UnlockBatchQueues::meta.code:
        EXPECT_TRUE(command.is_oneway());
        told_.add("unlock");
        return;
      case wire::UnregisterClient::meta.code:
        told_.add("goodbye");
        return answer(connection, command, 0);
      default:
        ADD_FAILURE() << "code " << command.code;
    }
  }

  void serve_route(net::Connection& connection, const wire::Command& command) {
    if (wire::decode_header<wire::GetRouteInfoByTopic>(command)->topic != "T")
      return answer(connection, command, wire::number(ResponseCode::kTopicNotExist), "unknown");
    answer(connection, command, 0, {}, route_to({{"b", address_}}));
  }

  void take_heartbeat(net::Connection& connection, const wire::Command& command) {
    const auto body = wire::decode_body<wire::HeartbeatBody>(command.body);
    ASSERT_TRUE(body) << body.error().message;
    id_ = body->client_id;
    ASSERT_EQ(body->consumers.size(), 1U);
    EXPECT_EQ(body->consumers[0].name, "g");
    EXPECT_EQ(body->consumers[0].message_model,
              broadcast_ ? model::MessageModel::kBroadcasting : model::MessageModel::kClustering);
    // Otherwise also to the group's retry topic.
    EXPECT_EQ(body->consumers[0].subscriptions.size(), broadcast_ ? 1U : 2U);
    answer_with<wire::Heartbeat>(connection, command, {});
  }

  void serve_pull(net::Connection& connection, const wire::Command& command) {
    const auto header = wire::decode_header<wire::PullMessage>(command);
    told_.add("pull " + std::to_string(header->queue_offset));
    if (pulls_.empty()) {
      if (on_wait_) std::exchange(on_wait_, nullptr)(connection);
      return;
    }
    const Pulled pulled = std::move(pulls_.front());
    pulls_.pop_front();
    answer_with<wire::PullMessage>(connection, command, {.next_begin_offset = pulled.next},
                                   pulled.records, wire::number(pulled.code));
  }

  template <class Request>
  static void ask(net::Connection& connection, const typename Request::Header& header,
                  std::string_view body = {}, bool oneway = false) {
    std::string frame;
    wire::encode_request<Request>(frame, wire::HeaderKind::kJson, 77, header, body.size(), oneway);
    frame += body;
    connection.write(as_bytes(frame));
  }

  PushConsumer open(PushConsumerOptions options = {}) {
    broadcast_ = options.broadcast;
    options.name_servers = {address_};
    options.group = "g";
    if (options.subscriptions.empty()) options.subscriptions = {{.topic = "T"}};
    options.close_timeout = std::chrono::minutes(2);
    auto consumer = PushConsumer::open(options, [this](std::span<const Delivery> batch) {
      told_.add("handle " + batch.front().message.body + " attempt " +
                std::to_string(batch.front().attempt));
      return outcome_;
    });
    EXPECT_TRUE(consumer) << consumer.error().message;
    return std::move(*consumer);
  }
  using Lines = std::vector<std::string>;

  os::SystemClock clock_;
  Told told_;
  std::string id_;
  std::int64_t committed_ = -1;
  std::deque<Pulled> pulls_;
  bool broadcast_ = false;
  int locked_by_others_ = 0;  // as often they still have it
  int refusals_ = 0;          // of messages that are sent back
  std::function<void(net::Connection&)> on_wait_;
  Outcome outcome_ = Outcome::done();
  std::unique_ptr<FakeBroker> broker_;
  std::string address_;
  std::unique_ptr<net::Server> server_;
};

TEST_F(PushConsumerTest, ANewGroupCommitsWhereItBeginsBeforeItPulls) {
  {
    const PushConsumer consumer = open();
    EXPECT_EQ(told_.lines(3), (Lines{"max", "commit 70", "pull 70"}));
  }
  // It is committed already, and nothing came.
  EXPECT_EQ(told_.lines(4), (Lines{"max", "commit 70", "pull 70", "goodbye"}));
}

TEST_F(PushConsumerTest, ANewGroupMayBeginAtTheFirstMessage) {
  const PushConsumer consumer = open({.start_at = StartAt::kFirst});
  EXPECT_EQ(told_.lines(3), (Lines{"min", "commit 7", "pull 7"}));
}

TEST_F(PushConsumerTest, ANewGroupMayBeginAtATime) {
  const PushConsumer consumer = open({.start_at = StartAt::kTime, .start_time_ms = 1234});
  EXPECT_EQ(told_.lines(3), (Lines{"time 1234", "commit 35", "pull 35"}));
}

TEST_F(PushConsumerTest, GoesOnWhereTheGroupWasAndCommitsWhatIsDone) {
  committed_ = 12;
  pulls_.push_back({.next = 13, .records = record(12, "x")});
  {
    const PushConsumer consumer = open();
    (void)told_.lines(3);  // pull, handle, pull in some order
  }
  const Lines all = told_.lines(5);
  EXPECT_EQ(all[0], "pull 12");
  EXPECT_EQ(Lines(all.end() - 2, all.end()), (Lines{"commit 13", "goodbye"}));
}

TEST_F(PushConsumerTest, AnIllegalOffsetIsPutRight) {
  committed_ = 12;
  pulls_.push_back({.code = ResponseCode::kPullOffsetMoved, .next = 50});
  const PushConsumer consumer = open();
  EXPECT_EQ(told_.lines(3), (Lines{"pull 12", "commit 50", "pull 50"}));
}

TEST_F(PushConsumerTest, ABroadcastBeginsWhereItIsToldAndCommitsNothing) {
  committed_ = 12;  // by whoever
  pulls_.push_back({.next = 71, .records = record(70, "x")});
  {
    const PushConsumer consumer = open({.broadcast = true});
    (void)told_.lines(4);
  }
  Lines all = told_.lines(5);
  std::sort(all.begin() + 2, all.begin() + 4);  // the handler runs beside the next pull
  EXPECT_EQ(all, (Lines{"max", "pull 70", "handle x attempt 1", "pull 71", "goodbye"}));
}

TEST_F(PushConsumerTest, WhatABroadcastRefusesIsPassed) {
  outcome_ = Outcome::again(3);
  constexpr std::int32_t kPacked = model::sysflag::kCompressed;
  pulls_.push_back({.next = 8, .records = record(7, "x")});
  pulls_.push_back({.next = 10, .records = record(8, "not zlib", {}, kPacked) + record(9, "y")});
  pulls_.push_back({.code = ResponseCode::kPullOffsetMoved, .next = 50});
  {
    const PushConsumer consumer =
        open({.broadcast = true, .queue_messages_max = 1, .start_at = StartAt::kFirst});
    (void)told_.lines(7);
  }
  // One at a time: the next pull waits until the queue is empty.
  EXPECT_EQ(told_.lines(8), (Lines{"min", "pull 7", "handle x attempt 1", "pull 8",
                                   "handle y attempt 1", "pull 10", "pull 50", "goodbye"}));
}

TEST_F(PushConsumerTest, WhatNoFilterWantsIsPassed) {
  committed_ = 0;
  pulls_.push_back({.code = ResponseCode::kPullRetryImmediately, .next = 9});
  // Equal hashes are no equal tags.
  pulls_.push_back({.next = 10, .records = record(9, "x", "TAGS\1AaBB\2")});
  {
    const PushConsumer consumer = open({.subscriptions = {{.topic = "T", .expression = "BBAa"}}});
    (void)told_.lines(3);
  }
  EXPECT_EQ(told_.lines(5), (Lines{"pull 0", "pull 9", "pull 10", "commit 10", "goodbye"}));
}

TEST_F(PushConsumerTest, ABrokenAnswerIsPulledAgain) {
  committed_ = 0;
  std::string broken = record(0, "x");
  broken.back() ^= 1;
  broken.resize(broken.size() - 1);
  pulls_.push_back({.next = 1, .records = broken});
  const PushConsumer consumer = open();
  EXPECT_EQ(told_.lines(2), (Lines{"pull 0", "pull 0"}));
}

TEST_F(PushConsumerTest, UnpacksAndRefusesWhatItCannotUnpack) {
  committed_ = 0;
  const std::string text(10'000, 'z');
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::string packed(size, '\0');
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                     reinterpret_cast<const Bytef*>(text.data()), static_cast<uLong>(text.size())),
            Z_OK);
  packed.resize(size);
  constexpr std::int32_t kPacked = model::sysflag::kCompressed;
  pulls_.push_back(
      {.next = 4,
       .records = record(0, packed, {}, kPacked) + record(1, packed, {}, kPacked | 0x300) +
                  record(2, "lz4", {}, kPacked | 0x100) + record(3, "not zlib", {}, kPacked)});
  {
    const PushConsumer consumer = open({.threads = 1});
    (void)told_.lines(6);
  }
  const Lines all = told_.lines(8);
  const auto has = [&](const std::string& line) {
    return std::count(all.begin(), all.end(), line);
  };
  EXPECT_EQ(has("handle " + text + " attempt 1"), 2);
  EXPECT_EQ(has("back 2000 level 0 retries -1"), 1);
  EXPECT_EQ(has("back 3000 level 0 retries -1"), 1);
  EXPECT_EQ(has("commit 4"), 1);
  EXPECT_EQ(all.size(), 8U);
}

TEST_F(PushConsumerTest, RefusedMessagesGoBackWithLevelAndLimit) {
  committed_ = 5;
  outcome_ = Outcome::again(3);
  pulls_.push_back({.next = 6, .records = record(5, "x")});
  {
    const PushConsumer consumer = open({.retries_max = 4});
    (void)told_.lines(4);
  }
  const Lines all = told_.lines(6);
  EXPECT_EQ(std::count(all.begin(), all.end(), "back 5000 level 3 retries 4"), 1);
  EXPECT_EQ(all[4], "commit 6");
}

TEST_F(PushConsumerTest, WhatTheBrokerDoesNotTakeBackIsHandledAgain) {
  committed_ = 5;
  refusals_ = 1;
  outcome_ = Outcome::dead();
  pulls_.push_back({.next = 6, .records = record(5, "x")});
  {
    const PushConsumer consumer = open();
    (void)told_.lines(6);
  }
  Lines all = told_.lines(8);
  std::erase(all, "pull 6");
  EXPECT_EQ(all,
            (Lines{"pull 5", "handle x attempt 1", "back 5000 level -1 retries -1",
                   "handle x attempt 2", "back 5000 level -1 retries -1", "commit 6", "goodbye"}));
}

TEST_F(PushConsumerTest, AnOperatorMayResetOffsets) {
  committed_ = 5;
  on_wait_ = [](net::Connection& connection) {
    wire::QueueOffsetRows rows;
    rows.offsets = {{.broker_name = "b", .offset = 2, .queue_id = 0, .topic = "T"},
                    {.broker_name = "b", .offset = 2, .queue_id = 1, .topic = "T"}};
    ask<wire::ResetConsumerClientOffset>(connection, {.group = "other", .topic = "T"},
                                         wire::encode_body(rows), true);
    ask<wire::ResetConsumerClientOffset>(connection, {.group = "g", .topic = "T"},
                                         wire::encode_body(rows), true);
  };
  const PushConsumer consumer = open();
  EXPECT_EQ(told_.lines(3), (Lines{"pull 5", "commit 2", "pull 2"}));
}

TEST_F(PushConsumerTest, AResetMayComeAsAMap) {
  committed_ = 5;
  on_wait_ = [](net::Connection& connection) {
    wire::QueueOffsets table;
    table.offsets = {{{.broker_name = "b", .queue_id = 0, .topic = "T"}, 3}};
    ask<wire::ResetConsumerClientOffset>(connection, {.group = "g", .topic = "T"},
                                         wire::encode_body(table), true);
  };
  const PushConsumer consumer = open();
  EXPECT_EQ(told_.lines(3), (Lines{"pull 5", "commit 3", "pull 3"}));
}

TEST_F(PushConsumerTest, TellsBrokersWhatItDoes) {
  committed_ = 5;
  on_wait_ = [](net::Connection& connection) {
    ask<wire::GetConsumerRunningInfo>(connection, {.consumer_group = "g", .client_id = "c"});
    ask<wire::GetConsumerStatusFromClient>(connection, {.topic = "T", .group = "g"});
    ask<wire::ConsumeMessageDirectly>(connection, {.consumer_group = "g"});
  };
  const PushConsumer consumer = open();
  const Lines all = told_.lines(4);
  const auto body_of = [](const std::string& line) {
    return as_bytes(std::string_view(line).substr(std::string_view("answer 0 ").size()));
  };
  const auto info = wire::decode_body<wire::ConsumerRunningInfo>(body_of(all[1]));
  ASSERT_TRUE(info) << all[1];
  const wire::Queue queue{.broker_name = "b", .queue_id = 0, .topic = "T"};
  EXPECT_EQ(info->queues.at(queue).commit_offset, 5);
  EXPECT_EQ(info->subscriptions.size(), 2U);
  const auto status = wire::decode_body<wire::ConsumerStatus>(body_of(all[2]));
  ASSERT_TRUE(status) << all[2];
  EXPECT_EQ(status->queues.at(queue), 5);
  EXPECT_EQ(all[3], "answer 3 ");
}

TEST_F(PushConsumerTest, AnOrderedQueueIsBegunWithItsLockAndUnlockedAfterItsCommit) {
  committed_ = 5;
  locked_by_others_ = 1;
  outcome_ = Outcome::done();
  pulls_.push_back({.next = 7, .records = record(5, "x") + record(6, "y")});
  {
    const PushConsumer consumer = open({.ordered = true});
    (void)told_.lines(6);
  }
  Lines all = told_.lines(9);
  std::erase(all, "pull 7");
  EXPECT_EQ(all, (Lines{"no lock", "lock", "pull 5", "handle x attempt 1", "handle y attempt 1",
                        "commit 7", "unlock", "goodbye"}));
}

TEST_F(PushConsumerTest, AnOrderedQueueThatIsResetIsLockedAgain) {
  committed_ = 5;
  pulls_.push_back({.code = ResponseCode::kPullOffsetMoved, .next = 50});
  const PushConsumer consumer = open({.ordered = true});
  EXPECT_EQ(told_.lines(5), (Lines{"lock", "pull 5", "lock", "commit 50", "pull 50"}));
}

TEST_F(PushConsumerTest, ClosesWhenNobodyIsThere) {
  auto consumer = PushConsumer::open(
      {.name_servers = {"127.0.0.1:1"}, .group = "g", .subscriptions = {{.topic = "T"}}},
      [](std::span<const Delivery>) { return Outcome::done(); });
  ASSERT_TRUE(consumer);
  consumer->close();
  consumer->close();
}

}  // namespace
}  // namespace oncemq::sdk
