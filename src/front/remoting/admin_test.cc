// What operators ask of a broker, bytes in and bytes out.
#include "base/json.h"
#include "front/remoting/broker_admin.h"
#include "front/remoting/channel.h"
#include "front/remoting/connections.h"
#include "front/remoting/edge_fixture.h"
#include "front/remoting/groups.h"
#include "front/remoting/topics.h"
#include "model/config_json.h"
#include "model/message_id.h"
#include "wire/remoting/body/assignment.h"
#include "wire/remoting/body/connections.h"
#include "wire/remoting/body/groups.h"
#include "wire/remoting/body/heartbeat.h"
#include "wire/remoting/body/reset_offset.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/body/stats.h"
#include "wire/remoting/body/topics.h"
#include "wire/remoting/schema/clients.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class AdminTest : public EdgeTest {
 protected:
  template <class Body>
  static Body body_of(const Answer& answer) {
    EXPECT_EQ(answer.code, 0) << answer.remark;
    auto body = wire::decode_body<Body>(as_bytes(answer.body));
    EXPECT_TRUE(body.has_value()) << answer.body;
    return body ? std::move(*body) : Body{};
  }
  void send(std::string_view topic) {
    FakeConnection& producer = connect("10.0.0.8:1");
    EXPECT_EQ(call<wire::SendMessageV2>(producer,
                                        {.producer_group = "pg",
                                         .topic = topic,
                                         .default_topic = "TBW102",
                                         .default_topic_queue_nums = 4},
                                        "body")
                  .code,
              0);
  }
  // A client of group g that subscribes T.
  FakeConnection& consumer(std::string_view client_id) {
    FakeConnection& connection = connect("10.0.0.9:1");
    wire::ConsumerGroup group;
    group.name = "g";
    group.subscriptions = {model::parse_tag_expression("T", "*").value()};
    wire::HeartbeatBody body;
    body.client_id = client_id;
    body.consumers = {group};
    body.producers = {{.name = "pg"}};
    EXPECT_EQ(call<wire::Heartbeat>(connection, {}, wire::encode_body(body)).code, 0);
    connection.out.clear();
    return connection;
  }
};

wire::UpdateAndCreateTopic::Header topic_header(std::string_view name) {
  return {.topic = name,
          .default_topic = "TBW102",
          .read_queues = 3,
          .write_queues = 2,
          .perm = 6,
          .filter_type = "SINGLE_TAG"};
}

TEST_F(AdminTest, TopicsAreMadeShownAndDeleted) {
  FakeConnection& client = connect();
  EXPECT_EQ(call<wire::UpdateAndCreateTopic>(client, topic_header("T")).code, 0);
  const Answer shown = call<wire::GetTopicConfig>(client, {.topic = "T"});
  ASSERT_EQ(shown.code, 0);
  const auto config = model::topic_config_from_json(Json::parse(shown.body).value());
  EXPECT_EQ(config->read_queues, 3);
  EXPECT_EQ(config->write_queues, 2);
  EXPECT_THAT(call<wire::GetAllTopicConfig>(client, {}).body, HasSubstr("\"T\":{"));
  EXPECT_EQ(call<wire::DeleteTopicInBroker>(client, {.topic = "T"}).code, 0);
  EXPECT_EQ(call<wire::GetTopicConfig>(client, {.topic = "T"}).code, 17);
}

TEST_F(AdminTest, AnOrderIsAnsweredWhenItIsOnDisk) {
  FakeConnection& client = connect();
  feed(client, request<wire::UpdateAndCreateTopic>(topic_header("T")));
  tick();
  EXPECT_TRUE(client.out.empty());
  EXPECT_TRUE(client.session->owes_answer());
  test_broker.broker.service_tick();
  tick();
  EXPECT_EQ(take(client).code, 0);
  EXPECT_TRUE(test_broker.disk.stat("config/topics.json").has_value());
}

TEST_F(AdminTest, TopicRefusals) {
  FakeConnection& client = connect();
  EXPECT_EQ(call<wire::UpdateAndCreateTopic>(client, topic_header("bad name")).code, 29);
  EXPECT_EQ(call<wire::UpdateAndCreateTopic>(client, topic_header("TBW102")).code, 29);
  auto attributes = topic_header("T");
  attributes.attributes = "what?";
  EXPECT_EQ(call<wire::UpdateAndCreateTopic>(client, attributes).code, 1);
  EXPECT_EQ(call<wire::UpdateAndCreateTopicList>(client, {}, "").code, 1);
  EXPECT_EQ(call<wire::UpdateAndCreateTopicList>(
                client, {}, wire::encode_body(wire::TopicConfigList{{{.name = "bad name"}}}))
                .code,
            29);
  EXPECT_EQ(call<wire::UpdateAndCreateTopicList>(
                client, {}, wire::encode_body(wire::TopicConfigList{{{.name = "L"}}}))
                .code,
            0);
  EXPECT_EQ(call<wire::DeleteTopicInBroker>(client, {.topic = "TBW102"}).code, 29);
  EXPECT_EQ(call<wire::GetTopicStatsInfo>(client, {.topic = "no"}).code, 17);
}

TEST_F(AdminTest, LargeTablesComeInPages) {
  FakeConnection& client = connect();
  const Answer all = call<wire::GetAllTopicConfig>(client, {});
  const int total = std::stoi(all.fields.at("totalTopicNum"));
  ASSERT_GT(total, 3);
  const auto page = [&](std::int32_t first, std::int32_t count) {
    const Answer answer =
        call<wire::GetAllTopicConfig>(client, {.first = first, .max_topics = count});
    return model::topic_table_from_json(Json::parse(answer.body).value()).value().topics.size();
  };
  EXPECT_EQ(page(0, 2), 2U);
  EXPECT_EQ(page(total - 1, 2), 1U);
  EXPECT_EQ(page(total + 5, 2), 0U);
  EXPECT_EQ(page(-5, -5), 0U);
}

TEST_F(AdminTest, TopicStatsAndLists) {
  make_topic("T", 2);
  send("T");
  FakeConnection& client = connect();
  const auto stats =
      body_of<wire::TopicStats>(call<wire::GetTopicStatsInfo>(client, {.topic = "T"}));
  EXPECT_EQ(stats.queues.size(), 2U);
  EXPECT_EQ(stats.queues.at({.broker_name = "b-a", .queue_id = 0, .topic = "T"}).max_offset, 1);
  EXPECT_THAT(body_of<wire::TopicList>(call<wire::GetSystemTopicListFromBroker>(client, {})).topics,
              Contains("TBW102"));
  EXPECT_EQ(call<wire::CleanUnusedTopic>(client, {}).code, 0);
  ASSERT_TRUE(test_broker.broker.offsets().commit("g", "T", 0, model::ConsumeOffset{1}));
  EXPECT_THAT(
      body_of<wire::GroupList>(call<wire::QueryTopicConsumeByWho>(client, {.topic = "T"})).groups,
      Contains("g"));
}

TEST_F(AdminTest, GroupsAreMadeShownAndDeleted) {
  FakeConnection& client = connect();
  const std::string config = model::to_json(model::GroupConfig{.name = "g"}).dump();
  EXPECT_EQ(call<wire::UpdateAndCreateGroup>(client, {}, config).code, 0);
  EXPECT_EQ(call<wire::GetGroupConfig>(client, {.group = "g"}).code, 0);
  EXPECT_THAT(call<wire::GetAllGroupConfig>(client, {}).body, HasSubstr("\"g\":{"));
  EXPECT_EQ(call<wire::UpdateAndGetGroupForbidden>(client,
                                                   {.group = "g", .topic = "T", .readable = false})
                .code,
            0);
  const auto forbidden = body_of<wire::GroupForbidden>(
      call<wire::UpdateAndGetGroupForbidden>(client, {.group = "g", .topic = "T"}));
  EXPECT_EQ(forbidden.readable, false);
  EXPECT_EQ(call<wire::DeleteGroup>(client, {.group = "g", .clean_offset = true}).code, 0);
  EXPECT_EQ(call<wire::GetGroupConfig>(client, {.group = "g"}).code, 26);
  EXPECT_EQ(call<wire::UpdateAndCreateGroupList>(
                client, {}, wire::encode_body(wire::GroupConfigList{{{.name = "h"}}}))
                .code,
            0);
  EXPECT_NE(test_broker.broker.groups().find("h"), nullptr);
}

TEST_F(AdminTest, GroupRefusals) {
  FakeConnection& client = connect();
  EXPECT_EQ(call<wire::UpdateAndCreateGroup>(client, {}, "{").code, 1);
  EXPECT_EQ(call<wire::UpdateAndCreateGroup>(client, {}, "[]").code, 1);
  const std::string bad = model::to_json(model::GroupConfig{.name = "bad name"}).dump();
  EXPECT_EQ(call<wire::UpdateAndCreateGroup>(client, {}, bad).code, 29);
  EXPECT_EQ(call<wire::UpdateAndCreateGroupList>(client, {}, "x").code, 1);
  EXPECT_EQ(call<wire::DeleteGroup>(client, {.group = "TOOLS_CONSUMER"}).code, 29);
  EXPECT_EQ(call<wire::QueryConsumeTimeSpan>(client, {.topic = "no", .group = "g"}).code, 17);
}

TEST_F(AdminTest, ProgressOfAGroup) {
  make_topic("T", 1);
  make_group("g");
  send("T");
  send("T");
  ASSERT_TRUE(test_broker.broker.offsets().commit("g", "T", 0, model::ConsumeOffset{1}));
  FakeConnection& client = connect();
  const wire::Queue queue{.broker_name = "b-a", .queue_id = 0, .topic = "T"};
  for (const std::string_view topics : {"", "T;", ";T;other"}) {
    const auto stats = body_of<wire::ConsumeStats>(
        call<wire::GetConsumeStats>(client, {.consumer_group = "g", .topic_list = topics}));
    ASSERT_TRUE(stats.queues.contains(queue)) << topics;
    EXPECT_EQ(stats.queues.at(queue).broker_offset, 2);
    EXPECT_EQ(stats.queues.at(queue).consumer_offset, 1);
  }
  const auto all = body_of<wire::BrokerConsumeStats>(call<wire::GetBrokerConsumeStats>(client, {}));
  EXPECT_EQ(all.total_diff, 1);
  EXPECT_EQ(all.broker_address, "10.0.0.1:10911");
  EXPECT_EQ(body_of<wire::ConsumeTimeSpans>(
                call<wire::QueryConsumeTimeSpan>(client, {.topic = "T", .group = "g"}))
                .queues.size(),
            1U);
  EXPECT_THAT(
      body_of<wire::TopicList>(call<wire::QueryTopicsByConsumer>(client, {.group = "g"})).topics,
      Contains("T"));
  EXPECT_THAT(call<wire::GetAllConsumerOffset>(client, {}).body, HasSubstr("T@g"));
  EXPECT_EQ(call<wire::GetAllDelayOffset>(client, {}).code, 0);
}

TEST_F(AdminTest, OffsetsAreResetAndCloned) {
  make_topic("T", 1);
  make_group("g");
  send("T");
  FakeConnection& client = connect();
  using Reset = wire::InvokeBrokerToResetOffset;
  Reset::Header header{.group = "g", .topic = "T", .offset = -1, .timestamp = 0, .force = true};
  const auto offsets = body_of<wire::QueueOffsets>(call<Reset>(client, header));
  EXPECT_EQ(offsets.offsets.at({.broker_name = "b-a", .queue_id = 0, .topic = "T"}), 0);
  header.offset = 1;
  header.queue_id = 0;
  EXPECT_EQ(call<Reset>(client, header).code, 0);
  EXPECT_EQ(test_broker.broker.offsets().query("g", "T", 0), model::ConsumeOffset{1});
  header.offset = 99;
  EXPECT_EQ(call<Reset>(client, header).code, 1);
  header.topic = "no";
  EXPECT_EQ(call<Reset>(client, header).code, 17);
  header.topic = "T";
  header.group = "no";
  EXPECT_EQ(call<Reset>(client, header).code, 26);
  make_group("copy");
  EXPECT_EQ(
      call<wire::CloneGroupOffset>(client, {.source = "g", .destination = "copy", .topic = "T"})
          .code,
      0);
  EXPECT_EQ(test_broker.broker.offsets().query("copy", "T", 0), model::ConsumeOffset{1});
}

TEST_F(AdminTest, RequestModesAreKept) {
  make_topic("T");
  make_group("g");
  FakeConnection& client = connect();
  const auto set = [&](std::string_view topic, std::string_view group, wire::RequestMode mode) {
    wire::GroupRequestMode body;
    body.topic = topic;
    body.group = group;
    body.mode = mode;
    return call<wire::SetMessageRequestMode>(client, {}, wire::encode_body(body)).code;
  };
  EXPECT_EQ(set("T", "g", wire::RequestMode::kPull), 0);
  EXPECT_EQ(set("T", "g", wire::RequestMode::kPop), 0);
  EXPECT_EQ(set("no", "g", wire::RequestMode::kPull), 17);
  EXPECT_EQ(set("T", "no", wire::RequestMode::kPull), 26);
  EXPECT_EQ(set("%RETRY%g", "g", wire::RequestMode::kPull), 16);
  EXPECT_EQ(call<wire::SetMessageRequestMode>(client, {}, "").code, 1);
  EXPECT_EQ(call<wire::GetAllMessageRequestMode>(client, {}).body,
            R"({"messageRequestModeMap":{"T":{"g":{"consumerGroup":"g","mode":"POP",)"
            R"("popShareQueueNum":0,"topic":"T"}}}})");
}

TEST_F(AdminTest, ConnectionsAreListed) {
  make_topic("T");
  make_group("g");
  consumer("c1");
  FakeConnection& client = connect();
  const auto connected = body_of<wire::ConsumerConnections>(
      call<wire::GetConsumerConnectionList>(client, {.consumer_group = "g"}));
  ASSERT_EQ(connected.connections.size(), 1U);
  EXPECT_EQ(connected.connections[0].client_id, "c1");
  EXPECT_EQ(connected.connections[0].address, "10.0.0.9:1");
  EXPECT_TRUE(connected.subscriptions.contains("T"));
  EXPECT_EQ(call<wire::GetConsumerConnectionList>(client, {.consumer_group = "no"}).code, 206);
  EXPECT_EQ(body_of<wire::ProducerConnections>(
                call<wire::GetProducerConnectionList>(client, {.producer_group = "pg"}))
                .connections.size(),
            1U);
  EXPECT_EQ(call<wire::GetProducerConnectionList>(client, {.producer_group = "no"}).code, 1);
  EXPECT_TRUE(body_of<wire::ProducerTable>(call<wire::GetAllProducerInfo>(client, {}))
                  .groups.contains("pg"));
  const auto subscription = body_of<wire::GroupSubscription>(
      call<wire::QuerySubscriptionByConsumer>(client, {.group = "g", .topic = "T"}));
  EXPECT_TRUE(subscription.subscription.has_value());
}

class RelayTest : public AdminTest {
 protected:
  RelayTest() {
    make_topic("T", 1);
    make_group("g");
    member = &consumer("c1");
    asker = &connect("10.0.0.7:1");
  }
  // The client answers the question that lies in its connection.
  void answer(std::int32_t code, std::string_view body) {
    const Answer question = take(*member);
    ASSERT_NE(question.code, -1) << "no question came";
    std::string frame;
    wire::append_frame(frame, wire::HeaderKind::kJson,
                       {.code = code,
                        .opaque = question.opaque,
                        .flag = wire::Command::kFlagResponse,
                        .remark = "so it is"},
                       as_bytes(body));
    feed(*member, frame);
    tick();
  }
  void ask() {
    feed(*asker, request<wire::GetConsumerRunningInfo>(
                     {.consumer_group = "g", .client_id = "c1", .jstack_enable = true}));
    tick();
  }

  FakeConnection* member = nullptr;
  FakeConnection* asker = nullptr;
};

TEST_F(RelayTest, QuestionsArePassedOnAndBack) {
  ask();
  EXPECT_TRUE(asker->out.empty());
  answer(0, R"({"properties":{}})");
  const Answer told = take(*asker);
  EXPECT_EQ(told.code, 0);
  EXPECT_EQ(told.opaque, opaque);
  EXPECT_EQ(told.body, R"({"properties":{}})");
  EXPECT_EQ(edge->client_calls().waiting(), 0U);
}

TEST_F(RelayTest, TheClientsOwnRefusalIsPassedOn) {
  ask();
  answer(1, "");
  const Answer told = take(*asker);
  EXPECT_EQ(told.code, 1);
  EXPECT_EQ(told.remark, "so it is");
}

TEST_F(RelayTest, ASilentClientIsATimeOut) {
  ask();
  test_broker.clock.advance_ms(ConnectionFamily::kClientTimeoutMs + 1);
  tick();
  tick();
  EXPECT_EQ(take(*asker).code, 207);
  answer(0, "late");
  EXPECT_TRUE(asker->out.empty());
}

TEST_F(RelayTest, AClientThatGoesAwayIsAnError) {
  ask();
  disconnect(*member);
  tick();
  EXPECT_EQ(take(*asker).code, 1);
}

TEST_F(RelayTest, SomebodyElsesAnswerDoesNotCount) {
  ask();
  FakeConnection& liar = connect("10.0.0.6:1");
  std::string frame;
  wire::append_frame(
      frame, wire::HeaderKind::kJson,
      {.code = 0, .opaque = take(*member).opaque, .flag = wire::Command::kFlagResponse});
  feed(liar, frame);
  tick();
  EXPECT_TRUE(asker->out.empty());
  EXPECT_EQ(edge->client_calls().waiting(), 1U);
}

TEST_F(RelayTest, UnknownClientsAreRefusedAtOnce) {
  EXPECT_EQ(
      call<wire::GetConsumerRunningInfo>(*asker, {.consumer_group = "g", .client_id = "no"}).code,
      1);
  EXPECT_EQ(call<wire::ConsumeMessageDirectly>(
                *asker, {.consumer_group = "g", .client_id = "no", .message_id = "00"})
                .code,
            1);
  EXPECT_EQ(call<wire::InvokeBrokerToGetConsumerStatus>(*asker, {.topic = "T", .group = "no"}).code,
            206);
}

TEST_F(RelayTest, AMessageIsHandedToOneConsumer) {
  send("T");
  const std::string id = model::offset_message_id(test_broker.options.address,
                                                  test_broker.store.record("T", 0, 0).log_offset);
  feed(*asker, request<wire::ConsumeMessageDirectly>(
                   {.consumer_group = "g", .client_id = "c1", .message_id = id, .topic = "T"}));
  tick();
  const std::string pending = member->out;
  const Answer question = take(*member);
  EXPECT_EQ(question.code, 309);
  EXPECT_EQ(question.fields.at("brokerName"), "b-a");
  EXPECT_EQ(question.fields.at("msgId"), id);
  EXPECT_FALSE(question.body.empty());
  member->out = pending;
  answer(0, R"({"consumeResult":"CR_SUCCESS"})");
  EXPECT_THAT(take(*asker).body, HasSubstr("CR_SUCCESS"));
  EXPECT_EQ(call<wire::ConsumeMessageDirectly>(
                *asker, {.consumer_group = "g", .client_id = "c1", .message_id = "nonsense"})
                .code,
            1);
}

TEST_F(RelayTest, TablesOfAllClientsArePutTogether) {
  feed(*asker, request<wire::InvokeBrokerToGetConsumerStatus>({.topic = "T", .group = "g"}));
  tick();
  EXPECT_TRUE(asker->out.empty());
  wire::ConsumerStatus own;
  const wire::Queue queue{.broker_name = "b-a", .queue_id = 0, .topic = "T"};
  own.queues[queue] = 4;
  answer(0, wire::encode_body(own));
  const auto all = body_of<wire::ConsumerStatus>(take(*asker));
  EXPECT_EQ(all.clients.at("c1").at(queue), 4);
}

TEST_F(AdminTest, ConfigurationIsShownAndChanged) {
  FakeConnection& client = connect();
  const Answer shown = call<wire::GetBrokerConfig>(client, {});
  EXPECT_THAT(shown.body, HasSubstr("maxMessageSize=4194304\n"));
  EXPECT_THAT(shown.fields.at("version"), HasSubstr("\"counter\":0"));
  EXPECT_EQ(call<wire::UpdateBrokerConfig>(client, {}, "maxMessageSize=1000\n").code, 0);
  EXPECT_EQ(settings.get().max_message_size, 1000);
  EXPECT_THAT(saved, ::testing::ElementsAre("maxMessageSize=1000"));
  const Answer again = call<wire::GetBrokerConfig>(client, {});
  EXPECT_THAT(again.body, HasSubstr("maxMessageSize=1000\n"));
  EXPECT_THAT(again.fields.at("version"), HasSubstr("\"counter\":1"));
}

TEST_F(AdminTest, ConfigurationRefusals) {
  FakeConnection& client = connect();
  const auto update = [&](std::string_view lines) {
    return call<wire::UpdateBrokerConfig>(client, {}, lines).code;
  };
  EXPECT_EQ(update("noSuchKey=1"), 1);
  EXPECT_EQ(update("maxMessageSize=huge"), 1);
  EXPECT_EQ(update("listenPort=1"), 16);
  EXPECT_EQ(update("brokerConfigPath=/x"), 16);
  EXPECT_EQ(update("=1"), 1);
  EXPECT_TRUE(saved.empty());
  save_result = fail(Errc::kNoSpace, "disk full");
  EXPECT_EQ(update("maxMessageSize=1000"), 14);
}

TEST_F(AdminTest, StateOfTheBroker) {
  make_topic("T");
  send("T");
  FakeConnection& client = connect();
  const auto table = body_of<wire::KvTable>(call<wire::GetBrokerRuntimeInfo>(client, {})).table;
  EXPECT_EQ(table.at("brokerVersionDesc"), "V5_3_3");
  EXPECT_EQ(table.at("sendThreadPoolQueueSize"), "0");
  EXPECT_TRUE(table.contains("putTps"));
  EXPECT_EQ(body_of<wire::BrokerStatsData>(
                call<wire::ViewBrokerStatsData>(client,
                                                {.stats_name = "TOPIC_PUT_NUMS", .stats_key = "T"}))
                .minute.sum,
            1);
  EXPECT_EQ(call<wire::ViewBrokerStatsData>(client, {.stats_name = "NO", .stats_key = "T"}).code,
            1);
  EXPECT_EQ(call<wire::CleanExpiredConsumeQueue>(client, {}).code, 0);
  EXPECT_EQ(call<wire::DeleteExpiredCommitLog>(client, {}).code, 0);
  EXPECT_EQ(test_broker.store.cleanings, 2);
}

}  // namespace
}  // namespace oncemq::front
