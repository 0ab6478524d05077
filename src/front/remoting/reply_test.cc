#include "front/remoting/reply.h"

#include "front/remoting/edge_fixture.h"
#include "model/properties.h"
#include "wire/remoting/body/heartbeat.h"
#include "wire/remoting/schema/clients.h"
#include "wire/remoting/schema/pull.h"

namespace oncemq::front {
namespace {

class ReplyTest : public EdgeTest {
 protected:
  ReplyTest() : topic(test_broker.options.cluster + "_REPLY_TOPIC") {}

  FakeConnection& asker(std::string_view client_id) {
    FakeConnection& connection = connect("10.0.0.7:1");
    wire::HeartbeatBody body;
    body.client_id = client_id;
    body.producers.push_back({.name = "askers"});
    EXPECT_EQ(call<wire::Heartbeat>(connection, {}, wire::encode_body(body)).code, 0);
    return connection;
  }
  static std::string properties(std::string_view client_id) {
    std::string text;
    model::append_property(text, "CORRELATION_ID", "77");
    if (!client_id.empty()) model::append_property(text, "REPLY_TO_CLIENT", client_id);
    model::append_property(text, "MSG_TYPE", "reply");
    return text;
  }
  wire::SendHeader header(std::string_view text) const {
    return {.producer_group = "repliers",
            .topic = topic,
            .default_topic = "TBW102",
            .default_topic_queue_nums = 4,
            .queue_id = 0,
            .sys_flag = 1,
            .born_timestamp = 5,
            .flag = 3,
            .properties = text};
  }
  // Answers what the asker was asked.
  void confirm(FakeConnection& connection, std::int32_t question, wire::ResponseCode code) {
    std::string frame;
    wire::encode_reply(frame, wire::HeaderKind::kJson,
                       {.code = wire::number(code), .opaque = question, .remark = "said"},
                       wire::NoFields{});
    feed(connection, frame);
    tick();
  }
  std::int64_t stored() {
    auto* queue = test_broker.store.find_queue(topic, 0);
    return queue == nullptr ? 0 : queue->max().value;
  }

  const std::string topic;
};

TEST_F(ReplyTest, GoesToTheAskerAndTheReplierIsToldWhenItIsThere) {
  FakeConnection& client = asker("asker-1");
  FakeConnection& other = asker("asker-2");
  FakeConnection& replier = connect();
  const std::string text = properties("asker-1");
  EXPECT_EQ(call<wire::SendReplyMessageV2>(replier, header(text), "the answer").code, -1);
  tick();
  const Answer pushed = take(client);
  EXPECT_EQ(pushed.code, 326);
  EXPECT_EQ(pushed.body, "the answer");
  EXPECT_EQ(pushed.fields.at("producerGroup"), "repliers");
  EXPECT_EQ(pushed.fields.at("topic"), topic);
  EXPECT_EQ(pushed.fields.at("sysFlag"), "1");
  EXPECT_EQ(pushed.fields.at("flag"), "3");
  EXPECT_EQ(pushed.fields.at("bornTimestamp"), "5");
  EXPECT_EQ(pushed.fields.at("bornHost"), "10.0.0.9:50000");
  EXPECT_EQ(pushed.fields.at("storeHost"), test_broker.options.address.to_string());
  const std::string& sent = pushed.fields.at("properties");
  EXPECT_EQ(model::find_property(sent, "CORRELATION_ID"), "77");
  EXPECT_TRUE(model::find_property(sent, "PUSH_REPLY_TIME").has_value());
  EXPECT_TRUE(other.out.empty());

  confirm(client, pushed.opaque, wire::ResponseCode::kSuccess);
  const Answer answer = take(replier);
  EXPECT_EQ(answer.code, 0);
  EXPECT_EQ(answer.fields.at("msgId"), "0");
  EXPECT_EQ(answer.fields.at("queueId"), "0");
  EXPECT_EQ(answer.fields.at("queueOffset"), "0");
  EXPECT_EQ(stored(), 1);
}

TEST_F(ReplyTest, AskerThatIsGoneRefusesOrIsSilent) {
  FakeConnection& replier = connect();
  const std::string text = properties("asker-1");
  const Answer nobody = call<wire::SendReplyMessage>(replier, header(text), "x");
  EXPECT_EQ(nobody.code, 1);
  EXPECT_NE(nobody.remark.find("<asker-1> not found"), std::string::npos);

  FakeConnection& client = asker("asker-1");
  EXPECT_EQ(call<wire::SendReplyMessage>(replier, header(text), "x").code, -1);
  tick();
  confirm(client, take(client).opaque, wire::ResponseCode::kSystemError);
  const Answer refused = take(replier);
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.remark.find("asker-1 fail: said"), std::string::npos);

  EXPECT_EQ(call<wire::SendReplyMessage>(replier, header(text), "x").code, -1);
  tick();
  EXPECT_EQ(take(client).code, 326);
  disconnect(client);
  tick();
  EXPECT_EQ(take(replier).code, 1);
  EXPECT_EQ(stored(), 3);
}

TEST_F(ReplyTest, AskerThatIsSilentIsGivenUp) {
  FakeConnection& client = asker("asker-1");
  FakeConnection& replier = connect();
  const std::string text = properties("asker-1");
  call<wire::SendReplyMessageV2>(replier, header(text), "x");
  tick();
  const std::int32_t question = take(client).opaque;
  test_broker.clock.advance_ms(ReplyFamily::kClientTimeoutMs - 1);
  tick();
  EXPECT_TRUE(replier.out.empty());
  test_broker.clock.advance_ms(1);
  tick();
  tick();
  const Answer answer = take(replier);
  EXPECT_EQ(answer.code, 1);
  EXPECT_NE(answer.remark.find("did not answer in time"), std::string::npos);
  confirm(client, question, wire::ResponseCode::kSuccess);
  EXPECT_TRUE(replier.out.empty());
}

TEST_F(ReplyTest, TooManyThatWaitAreRefused) {
  asker("asker-1");
  const std::string text = properties("asker-1");
  std::size_t waiting = 0;
  while (waiting < ClientCalls::kWaitingMax) {
    FakeConnection& replier = connect();
    for (std::size_t i = 0; i < 1000 && waiting < ClientCalls::kWaitingMax; ++i, ++waiting)
      call<wire::SendReplyMessageV2>(replier, header(text), "x");
    tick();
  }
  EXPECT_EQ(edge->client_calls().waiting(), ClientCalls::kWaitingMax);
  FakeConnection& replier = connect();
  EXPECT_EQ(call<wire::SendReplyMessageV2>(replier, header(text), "x").code, 1);
}

TEST_F(ReplyTest, WithoutAnAskerItIsRefused) {
  FakeConnection& replier = connect();
  const std::string text = properties("");
  const Answer answer = call<wire::SendReplyMessageV2>(replier, header(text), "x");
  EXPECT_EQ(answer.code, 1);
  EXPECT_NE(answer.remark.find("REPLY_TO_CLIENT"), std::string::npos);
}

TEST_F(ReplyTest, IsNotStoredWhenThatIsSwitchedOff) {
  test_broker.switches.store_reply = false;
  FakeConnection& client = asker("asker-1");
  FakeConnection& replier = connect();
  const std::string text = properties("asker-1");
  call<wire::SendReplyMessageV2>(replier, header(text), "x");
  tick();
  EXPECT_EQ(take(client).code, 326);
  EXPECT_EQ(stored(), 0);
}

TEST_F(ReplyTest, WhatCannotBeAMessageIsRefused) {
  asker("asker-1");
  FakeConnection& replier = connect();
  const std::string text = properties("asker-1");
  EXPECT_EQ(call<wire::SendReplyMessageV2>(replier, header(text), "").code, 13);
}

}  // namespace
}  // namespace oncemq::front
