#include "client/load/bench.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/test_support.h"
#include "model/record_codec.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/schema/name_routes.h"
#include "wire/remoting/schema/offsets.h"
#include "wire/remoting/schema/pull.h"
#include "wire/remoting/schema/send.h"
#include "wire/remoting/schema/topics.h"

namespace oncemq::client {
namespace {

// Keeps what it is sent and gives it back; name server and broker on one port.
class BenchTest : public testing::Test {
 protected:
  BenchTest()
      : broker_([this](net::Connection& connection, const wire::Command& command) {
          serve(connection, command);
        }) {
    server_ = std::move(*net::Server::open({.loops = 1}, clock_));
    address_ = server_->listen(Address::loopback(0), broker_)->to_string();
    server_->start();
  }

  void serve(net::Connection& connection, const wire::Command& command) {
    switch (command.code) {
      case wire::UpdateAndCreateTopic::meta.code:
        created_ = wire::decode_header<wire::UpdateAndCreateTopic>(command)->topic;
        answer(connection, command, 0);
        break;
      case wire::GetBrokerClusterInfo::meta.code:
        answer(connection, command, 0, {},
               wire::encode_body(wire::ClusterInfo{
                   .brokers = {{"a", {.addresses = {{0, address_}}, .name = "a"}}}}));
        break;
      case wire::GetRouteInfoByTopic::meta.code:
        answer(connection, command, 0, {},
               wire::encode_body(wire::TopicRoute{
                   .brokers = {{.addresses = {{0, address_}}, .name = "a"}},
                   .queues = {{.broker_name = "a", .read_queues = 2, .write_queues = 2}}}));
        break;
      case wire::SendMessageV2::meta.code:
        keep(connection, command);
        break;
      case wire::GetMinOffset::meta.code:
        answer_with<wire::GetMinOffset>(connection, command, {.offset = 0});
        break;
      case wire::GetMaxOffset::meta.code:
        answer_with<wire::GetMaxOffset>(
            connection, command,
            {.offset = static_cast<std::int64_t>(
                 queues_[wire::decode_header<wire::GetMaxOffset>(command)->queue_id].size())});
        break;
      case wire::PullMessage::meta.code:
        give(connection, command);
        break;
      default:
        answer(connection, command, 3);
        break;
    }
  }

  void keep(net::Connection& connection, const wire::Command& command) {
    if (close_at_ > 0 && --close_at_ == 0) {
      connection.close(net::CloseReason::kDone);
      return;
    }
    const auto header = wire::decode_header<wire::SendMessageV2>(command);
    ASSERT_TRUE(header);
    auto& queue = queues_[header->queue_id];
    const model::Message message{.topic = header->topic,
                                 .queue_id = header->queue_id,
                                 .body = command.body,
                                 .properties = header->properties};
    std::string record(model::encoded_size(message, {}), '\0');
    model::encode_record(message, {.queue_offset = {static_cast<std::int64_t>(queue.size())}}, {},
                         std::as_writable_bytes(std::span(record)));
    queue.push_back(std::move(record));
    answer_with<wire::SendMessageV2>(connection, command, {.message_id = "id"});
  }

  void give(net::Connection& connection, const wire::Command& command) {
    const auto header = wire::decode_header<wire::PullMessage>(command);
    ASSERT_TRUE(header);
    const auto& queue = queues_[header->queue_id];
    const auto from = static_cast<std::size_t>(header->queue_offset);
    const std::size_t to =
        std::min(queue.size(), from + static_cast<std::size_t>(header->max_messages));
    std::string body;
    for (std::size_t i = from; i < to; ++i) body += queue[i];
    answer_with<wire::PullMessage>(connection, command,
                                   {.next_begin_offset = static_cast<std::int64_t>(to)}, body,
                                   body.empty() ? 19 : 0);
  }

  Result<BenchReport> run(const BenchPlan& plan) {
    return run_bench(plan, clock_, [](const BenchProgress&) {});
  }

  os::SystemClock clock_;
  std::string created_;
  std::map<std::int32_t, std::vector<std::string>> queues_;
  std::atomic<int> close_at_{0};  // which send ends the connection
  FakeBroker broker_;
  std::unique_ptr<net::Server> server_;
  std::string address_;
};

TEST_F(BenchTest, SendsAndThenConsumesWhatWasSent) {
  const auto sent = run({.name_server = address_,
                         .topic = "T",
                         .queues = 2,
                         .connections = 2,
                         .window = 4,
                         .size = 64,
                         .count = 500});
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(sent->messages, 500U);
  EXPECT_EQ(sent->acknowledged, 500U);
  EXPECT_EQ(sent->lost, 0U);
  EXPECT_EQ(sent->error, "");
  EXPECT_GT(sent->p50_ns, 0);
  EXPECT_LE(sent->p50_ns, sent->max_ns);

  const auto consumed = run({.kind = BenchKind::kConsume,
                             .name_server = address_,
                             .topic = "T",
                             .create_topic = false,
                             .duration_s = 0,
                             .pull_batch = 7});
  ASSERT_TRUE(consumed) << consumed.error().message;
  EXPECT_EQ(consumed->messages, 500U);
  server_->stop();
  EXPECT_EQ(created_, "T");
  EXPECT_EQ(queues_[0].size(), 250U);
  EXPECT_EQ(queues_[1].size(), 250U);
}

TEST_F(BenchTest, EndToEndReceivesWhatItSendsAndNotWhatWasThere) {
  ASSERT_TRUE(run({.broker = address_, .topic = "T", .queues = 2, .count = 50}));
  const auto report = run({.kind = BenchKind::kE2e,
                           .broker = address_,
                           .topic = "T",
                           .queues = 2,
                           .connections = 1,
                           .rate = 5000,
                           .size = 64,
                           .count = 200});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->acknowledged, 200U);
  EXPECT_EQ(report->messages, 200U);
  EXPECT_GT(report->p50_ns, 0);
}

TEST_F(BenchTest, ALostConnectionEndsItEarly) {
  close_at_ = 20;
  const auto report =
      run({.broker = address_, .queues = 1, .connections = 1, .window = 5, .count = 1000});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->error, "connection ended: peer_closed");
  EXPECT_GT(report->lost, 0U);
  EXPECT_LT(report->messages, 20U);
}

TEST_F(BenchTest, WhatCannotBeginIsAnError) {
  EXPECT_EQ(run({.broker = "127.0.0.1:1"}).error().code, Errc::kIo);
  EXPECT_EQ(run({.broker = "nonsense"}).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(run({.broker = address_, .count = 1, .broker_pid = -7}).error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace oncemq::client
