#include "client/remoting/remoting_client.h"

#include <atomic>
#include <future>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "client/test_support.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/offsets.h"

namespace oncemq::client {
namespace {

class RemotingClientTest : public testing::TestWithParam<wire::HeaderKind> {
 protected:
  void serve(Serve how) {
    broker_ = std::make_unique<FakeBroker>(std::move(how));
    server_ = std::move(*net::Server::open({.loops = 1}, clock_));
    address_ = server_->listen(Address::loopback(0), *broker_)->to_string();
    server_->start();
  }
  RemotingClient& client(RemotingOptions options = {}) {
    options.header = GetParam();
    client_ = std::move(*RemotingClient::open(clock_, options));
    return *client_;
  }
  Result<Answer> ask(const std::string& address) {
    return client_->call<wire::GetMaxOffset>(address, {.topic = "T", .queue_id = 3});
  }

  os::SystemClock clock_;
  std::unique_ptr<FakeBroker> broker_;
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<RemotingClient> client_;
  std::string address_;
};

TEST_P(RemotingClientTest, AsksAndGetsTypedFields) {
  serve([](net::Connection& connection, const wire::Command& command) {
    EXPECT_EQ(command.kind, GetParam());
    const auto header = wire::decode_header<wire::GetMaxOffset>(command);
    ASSERT_TRUE(header);
    answer_with<wire::GetMaxOffset>(connection, command, {.offset = 40 + header->queue_id}, "body");
  });
  client();
  const auto got = ask(address_);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->fields<wire::GetMaxOffset>()->offset, 43);
  EXPECT_EQ(as_text(got->body()), "body");
  EXPECT_TRUE(got->status());
}

TEST_P(RemotingClientTest, ARefusalIsAnAnswer) {
  serve([](net::Connection& connection, const wire::Command& command) {
    answer(connection, command, wire::number(wire::ResponseCode::kTopicNotExist), "no T here");
  });
  client();
  const auto got = ask(address_);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->code(), 17);
  EXPECT_EQ(got->status().error().code, Errc::kTopicNotFound);
  EXPECT_EQ(got->status().error().message, "code 17: no T here");
  EXPECT_EQ(got->fields<wire::GetMaxOffset>().error().code, Errc::kTopicNotFound);
}

TEST_P(RemotingClientTest, AnswersFindTheirCallersInAnyOrder) {
  // The first request is answered after the second.
  std::optional<std::pair<std::int32_t, wire::HeaderKind>> first;
  serve([&](net::Connection& connection, const wire::Command& command) {
    const auto reply = [&](std::int32_t opaque, std::int64_t offset) {
      std::string frame;
      wire::encode_reply(frame, command.kind, {.opaque = opaque},
                         wire::GetMaxOffset::Reply{.offset = offset});
      connection.write(as_bytes(frame));
    };
    if (!first) {
      first = {command.opaque, command.kind};
      return;
    }
    reply(command.opaque, 2);
    reply(first->first, 1);
  });
  client();
  std::promise<std::int64_t> early;
  std::promise<std::int64_t> late;
  const auto into = [](std::promise<std::int64_t>& promise) {
    return [&promise](Result<Answer> got) {
      promise.set_value(got ? got->fields<wire::GetMaxOffset>()->offset : -1);
    };
  };
  client_->call_async<wire::GetMaxOffset>(address_, {.topic = "T"}, {}, into(early));
  client_->call_async<wire::GetMaxOffset>(address_, {.topic = "T"}, {}, into(late));
  EXPECT_EQ(early.get_future().get(), 1);
  EXPECT_EQ(late.get_future().get(), 2);
  EXPECT_EQ(client_->connections(), 1U);
}

TEST_P(RemotingClientTest, GivesUpAfterItsTime) {
  std::atomic<int> asked{0};
  serve([&](net::Connection& connection, const wire::Command& command) {
    if (++asked > 1) answer_with<wire::GetMaxOffset>(connection, command, {.offset = 5});
  });
  client({.timeout_ms = 30});
  const auto got = ask(address_);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::kIo);
  EXPECT_NE(got.error().message.find("within 30 ms"), std::string::npos);
}

TEST_P(RemotingClientTest, TellsWhenNobodyIsThere) {
  client();
  EXPECT_EQ(ask("127.0.0.1:1").error().code, Errc::kIo);
  EXPECT_EQ(ask("not an address").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(ask("no.such.host.invalid:1").error().code, Errc::kNotFound);
  EXPECT_EQ(client_->connections(), 0U);
}

TEST_P(RemotingClientTest, ALostConnectionEndsTheCallsOnItAndTheNextCallOpensAnother) {
  std::atomic<int> asked{0};
  serve([&](net::Connection& connection, const wire::Command& command) {
    if (++asked == 1)
      connection.close(net::CloseReason::kDone);
    else
      answer_with<wire::GetMaxOffset>(connection, command, {.offset = 5});
  });
  client();
  const auto lost = ask(address_);
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Errc::kIo);
  EXPECT_NE(lost.error().message.find("peer_closed"), std::string::npos);
  EXPECT_EQ(ask(address_)->fields<wire::GetMaxOffset>()->offset, 5);
}

TEST_P(RemotingClientTest, GarbageEndsTheConnection) {
  serve([](net::Connection& connection, const wire::Command&) {
    connection.write(as_bytes("HTTP/1.1 400 Bad Request\r\n"));
  });
  client();
  const auto got = ask(address_);
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find("bad_bytes"), std::string::npos);
}

TEST_P(RemotingClientTest, OnewayArrivesMarked) {
  std::promise<bool> oneway;
  serve([&](net::Connection&, const wire::Command& command) {
    oneway.set_value(command.is_oneway() && as_text(command.body) == "body");
  });
  client();
  EXPECT_TRUE(client_->call_oneway<wire::GetMaxOffset>(address_, {.topic = "T"}, as_bytes("body")));
  EXPECT_TRUE(oneway.get_future().get());
  EXPECT_EQ(client_->call_oneway<wire::GetMaxOffset>("nonsense", {.topic = "T"}).error().code,
            Errc::kInvalidArgument);
}

TEST_P(RemotingClientTest, EndingTheClientAnswersWhoWaits) {
  std::promise<void> asked;
  serve([&](net::Connection&, const wire::Command&) { asked.set_value(); });
  client();
  std::promise<Errc> got;
  client_->call_async<wire::GetMaxOffset>(address_, {.topic = "T"}, {}, [&](Result<Answer> answer) {
    got.set_value(answer ? Errc::kInternal : answer.error().code);
  });
  asked.get_future().wait();
  client_.reset();
  EXPECT_EQ(got.get_future().get(), Errc::kIo);
}

INSTANTIATE_TEST_SUITE_P(BothHeaders, RemotingClientTest,
                         testing::Values(wire::HeaderKind::kJson, wire::HeaderKind::kBinary));

}  // namespace
}  // namespace oncemq::client
