#include "front/remoting/session.h"

#include "front/remoting/edge_fixture.h"
#include "wire/remoting/schema/all_requests.h"

namespace oncemq::front {
namespace {

using ::testing::HasSubstr;

class SessionTest : public EdgeTest {};

std::string raw(std::int32_t code, std::int32_t opaque, std::int32_t flag = 0) {
  std::string frame;
  wire::append_frame(frame, wire::HeaderKind::kJson,
                     {.code = code, .opaque = opaque, .flag = flag});
  return frame;
}

TEST_F(SessionTest, HalfFramesWaitAndSayWhatTheyNeed) {
  FakeConnection& client = connect();
  const std::string frame = request<wire::GetAllTopicListFromNameServer>({});
  for (std::size_t cut = 1; cut < frame.size(); ++cut) {
    EXPECT_EQ(feed(client, frame.substr(0, cut)), 0U) << cut;
    EXPECT_GT(client.expected, cut);
  }
  EXPECT_EQ(client.expected, frame.size());
  EXPECT_TRUE(client.out.empty());
  EXPECT_EQ(feed(client, frame), frame.size());
  EXPECT_EQ(take(client).code, 0);
}

TEST_F(SessionTest, PipelinedRequestsAreAnsweredEach) {
  FakeConnection& client = connect();
  std::string frames;
  for (int i = 0; i < 5; ++i) frames += request<wire::GetAllTopicListFromNameServer>({});
  frames += request<wire::GetAllTopicListFromNameServer>({}).substr(0, 7);
  EXPECT_EQ(feed(client, frames), frames.size() - 7);
  for (int i = 0; i < 5; ++i) {
    const Answer answer = take(client);
    EXPECT_EQ(answer.code, 0);
    EXPECT_EQ(answer.opaque, 101 + i);
    EXPECT_EQ(answer.flag, wire::Command::kFlagResponse);
  }
  EXPECT_TRUE(client.out.empty());
  EXPECT_FALSE(client.session->owes_answer());
}

TEST_F(SessionTest, BadBytesCloseTheConnection) {
  FakeConnection& garbage = connect();
  EXPECT_EQ(feed(garbage, "GET / HTTP/1.1\r\n\r\n"), 0U);
  EXPECT_EQ(garbage.closed, net::CloseReason::kBadBytes);

  FakeConnection& broken = connect();
  const std::string frame("\0\0\0\x06\0\0\0\x02{]", 10);
  feed(broken, frame);
  EXPECT_EQ(broken.closed, net::CloseReason::kBadBytes);
  EXPECT_TRUE(broken.out.empty());
}

TEST_F(SessionTest, UnknownCodesAreAnsweredAndOneWayOnesAreNot) {
  FakeConnection& client = connect();
  feed(client, raw(9999, 7));
  const Answer answer = take(client);
  EXPECT_EQ(answer.code, 3);
  EXPECT_EQ(answer.opaque, 7);
  EXPECT_EQ(answer.remark, " request type 9999 not supported");
  feed(client, raw(9999, 8, wire::Command::kFlagOneway));
  tick();
  EXPECT_TRUE(client.out.empty());
  EXPECT_FALSE(client.session->owes_answer());
}

TEST_F(SessionTest, KnownButUnservedCodesSayWhy) {
  FakeConnection& client = connect();
  feed(client, raw(200056, 1));
  const Answer answer = take(client);
  EXPECT_EQ(answer.code, 3);
  EXPECT_THAT(answer.remark, HasSubstr("RocksDB"));
}

TEST_F(SessionTest, MissingFieldsAreNamed) {
  FakeConnection& client = connect();
  feed(client, raw(105, 1));
  const Answer answer = take(client);
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.remark, HasSubstr("topic"));
}

TEST_F(SessionTest, BinaryRequestsGetBinaryAnswers) {
  FakeConnection& client = connect();
  feed(client,
       request<wire::GetAllTopicListFromNameServer>({}, {}, false, wire::HeaderKind::kBinary));
  ASSERT_GT(client.out.size(), 5U);
  EXPECT_EQ(client.out[4], 1);
  EXPECT_EQ(take(client).code, 0);
}

TEST_F(SessionTest, CongestionStopsReading) {
  FakeConnection& client = connect();
  client.is_congested = true;
  EXPECT_EQ(feed(client, request<wire::GetAllTopicListFromNameServer>({})), 0U);
  EXPECT_TRUE(client.out.empty());
}

TEST_F(SessionTest, BrokerRequestsWaitForRecovery) {
  remoting->set_serving(false);
  FakeConnection& client = connect();
  const Answer broker = call<wire::GetBrokerConfig>(client, {});
  EXPECT_EQ(broker.code, 14);
  EXPECT_EQ(call<wire::GetBrokerClusterInfo>(client, {}).code, 0) << "the name service serves";
}

TEST_F(SessionTest, EveryRequestOfTheTableIsAnsweredOnce) {
  // Without fields and body most are refused; none may be forgotten, answered twice or crash.
  for (const wire::RequestEntry& entry : wire::request_table()) {
    FakeConnection& client = connect();
    feed(client, raw(entry.meta.code, 5));
    tick();
    test_broker.broker.service_tick();
    tick();
    const Answer answer = take(client);
    EXPECT_NE(answer.code, -1) << entry.meta.name;
    EXPECT_EQ(answer.opaque, 5) << entry.meta.name;
    EXPECT_TRUE(client.out.empty()) << entry.meta.name;
    EXPECT_FALSE(client.session->owes_answer()) << entry.meta.name;
  }
}

TEST_F(SessionTest, OneRoleAloneRefusesTheOthersRequests) {
  EdgeParts names_only{
      .settings = settings, .clock = test_broker.clock, .names = names.get(), .kv = kv.get()};
  EdgeShared others;
  others.serving = true;
  LoopEdge name_edge(*loop, names_only, others);
  others.loops.push_back(&name_edge);
  FakeConnection client(*loop, 0, "10.0.0.9:1");
  client.handler_owner = std::make_unique<Session>(name_edge, client);
  client.session = static_cast<Session*>(client.handler_owner.get());
  feed(client, request<wire::GetBrokerClusterInfo>({}));
  EXPECT_EQ(take(client).code, 0);
  feed(client, raw(28, 1));
  const Answer refused = take(client);
  EXPECT_EQ(refused.code, 3);
  EXPECT_EQ(refused.remark, " request type 28 not supported");
  client.session->on_close(client, net::CloseReason::kPeerClosed);
  loop->remove_hook(name_edge);
}

}  // namespace
}  // namespace oncemq::front
