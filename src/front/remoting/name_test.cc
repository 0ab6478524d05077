// The name service, bytes in and bytes out.
#include "base/json.h"
#include "front/remoting/edge_fixture.h"
#include "front/remoting/name_brokers.h"
#include "front/remoting/name_kv.h"
#include "front/remoting/name_routes.h"
#include "model/config_json.h"
#include "wire/remoting/body/register_broker.h"
#include "wire/remoting/body/route.h"

namespace oncemq::front {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NameTest : public EdgeTest {
 protected:
  static std::string body(std::int64_t counter = 1) {
    wire::RegisterBrokerBody all;
    all.version.counter = counter;
    for (const char* name : {"T", "U"}) all.topics[name] = {.name = name, .read_queues = 4};
    return wire::encode_register_body(all);
  }
  static wire::RegisterBroker::Header header() {
    return {.broker_name = "x-a",
            .broker_address = "10.1.1.1:10911",
            .cluster_name = "X",
            .ha_address = "10.1.1.1:10912"};
  }
  std::vector<std::string> list(const Answer& answer) {
    EXPECT_EQ(answer.code, 0);
    return wire::decode_body<wire::TopicList>(as_bytes(answer.body)).value().topics;
  }
};

TEST_F(NameTest, AForeignBrokerRegistersAndHasRoutes) {
  FakeConnection& broker = connect();
  ASSERT_TRUE(kv->put(route::kOrderTopicNamespace, "O", "x-a:4"));
  const Answer answer = call<wire::RegisterBroker>(broker, header(), body());
  EXPECT_EQ(answer.code, 0) << answer.remark;
  EXPECT_EQ(answer.body, R"({"table":{"O":"x-a:4"}})");

  FakeConnection& client = connect();
  const Answer route = call<wire::GetRouteInfoByTopic>(client, {.topic = "T"});
  ASSERT_EQ(route.code, 0);
  EXPECT_THAT(route.body, HasSubstr(R"("brokerAddrs":{"0":"10.1.1.1:10911"})"));
  EXPECT_THAT(route.body, HasSubstr(R"("filterServerTable":{})"));
  EXPECT_EQ(call<wire::GetRouteInfoByTopic>(client, {.topic = "no"}).code, 17);
  EXPECT_THAT(call<wire::GetBrokerClusterInfo>(client, {}).body,
              HasSubstr(R"("clusterAddrTable":{"X":["x-a"]})"));
  EXPECT_THAT(list(call<wire::GetAllTopicListFromNameServer>(client, {})), ElementsAre("T", "U"));
  EXPECT_THAT(list(call<wire::GetTopicsByCluster>(client, {.cluster = "X"})),
              ElementsAre("T", "U"));
  EXPECT_THAT(list(call<wire::GetSystemTopicListFromNameServer>(client, {})),
              ElementsAre("X", "x-a"));
  EXPECT_TRUE(list(call<wire::GetUnitTopicList>(client, {})).empty());
  EXPECT_TRUE(list(call<wire::GetHasUnitSubTopicList>(client, {})).empty());
  EXPECT_TRUE(list(call<wire::GetHasUnitSubUnunitTopicList>(client, {})).empty());
  EXPECT_THAT(
      call<wire::GetBrokerMemberGroup>(client, {.cluster_name = "X", .broker_name = "x-a"}).body,
      HasSubstr("10.1.1.1:10911"));
  EXPECT_EQ(
      call<wire::GetBrokerMemberGroup>(client, {.cluster_name = "X", .broker_name = "no"}).code, 0);

  disconnect(broker);
  EXPECT_EQ(call<wire::GetRouteInfoByTopic>(client, {.topic = "T"}).code, 17);
}

TEST_F(NameTest, RegistrationRefusals) {
  FakeConnection& broker = connect();
  wire::RegisterBroker::Header wrong = header();
  wrong.body_crc32 = 7;
  EXPECT_EQ(call<wire::RegisterBroker>(broker, wrong, body()).code, 1);
  wrong.body_crc32 = wire::register_body_crc(as_bytes(std::string_view("{")));
  EXPECT_EQ(call<wire::RegisterBroker>(broker, wrong, "{").code, 1);
  wire::RegisterBrokerBody one;
  one.topics["T"] = {.name = "T"};
  EXPECT_EQ(call<wire::RegisterBroker>(broker, header(), wire::encode_register_body(one)).code, 1);
  wire::RegisterBroker::Header compressed = header();
  compressed.compressed = true;
  EXPECT_EQ(call<wire::RegisterBroker>(broker, compressed, body()).code, 1);
}

TEST_F(NameTest, VersionsPermissionsAndLeaving) {
  FakeConnection& broker = connect();
  ASSERT_EQ(call<wire::RegisterBroker>(broker, header(), body()).code, 0);
  const wire::QueryDataVersion::Header who{
      .broker_name = "x-a", .broker_address = "10.1.1.1:10911", .cluster_name = "X"};
  const auto changed = [&](std::int64_t counter) {
    const Answer answer = call<wire::QueryDataVersion>(
        broker, who, model::to_json(model::DataVersion{.counter = counter}).dump());
    EXPECT_EQ(answer.code, 0);
    EXPECT_THAT(answer.body, HasSubstr("\"counter\":1"));
    return answer.fields.at("changed");
  };
  EXPECT_EQ(changed(1), "false");
  EXPECT_EQ(changed(2), "true");
  EXPECT_EQ(call<wire::QueryDataVersion>(broker, who, "{").code, 1);
  EXPECT_EQ(
      call<wire::BrokerHeartbeat>(
          broker, {.broker_name = "x-a", .broker_address = "10.1.1.1:10911", .cluster_name = "X"})
          .code,
      0);
  EXPECT_EQ(
      call<wire::WipeWritePermOfBroker>(broker, {.broker_name = "x-a"}).fields.at("wipeTopicCount"),
      "2");
  EXPECT_EQ(names->route("T")->queues[0].perm, 4);
  EXPECT_EQ(
      call<wire::AddWritePermOfBroker>(broker, {.broker_name = "x-a"}).fields.at("addTopicCount"),
      "2");
  EXPECT_EQ(
      call<wire::WipeWritePermOfBroker>(broker, {.broker_name = "no"}).fields.at("wipeTopicCount"),
      "0");
  EXPECT_EQ(
      call<wire::UnregisterBroker>(
          broker, {.broker_name = "x-a", .broker_address = "10.1.1.1:10911", .cluster_name = "X"})
          .code,
      0);
  EXPECT_FALSE(names->route("T").has_value());
}

TEST_F(NameTest, TopicsByHand) {
  FakeConnection& client = connect();
  ASSERT_EQ(call<wire::RegisterBroker>(client, header(), body()).code, 0);
  wire::TopicRoute route;
  route.queues = {{.broker_name = "x-a", .read_queues = 2, .write_queues = 2}};
  using Register = wire::RegisterTopicInNameServer;
  EXPECT_EQ(call<Register>(client, {.topic = "H"}, wire::encode_body(route)).code, 0);
  EXPECT_TRUE(names->route("H").has_value());
  route.queues[0].broker_name = "no";
  EXPECT_EQ(call<Register>(client, {.topic = "H"}, wire::encode_body(route)).code, 1);
  EXPECT_EQ(call<Register>(client, {.topic = "H"}, "").code, 1);
  EXPECT_EQ(call<wire::DeleteTopicInNameServer>(client, {.topic = "H"}).code, 0);
  EXPECT_FALSE(names->route("H").has_value());
}

TEST_F(NameTest, KeyValueTablesAndConfiguration) {
  FakeConnection& client = connect();
  EXPECT_EQ(call<wire::PutKvConfig>(client, {.name_space = "n", .key = "k", .value = "v"}).code, 0);
  EXPECT_EQ(call<wire::GetKvConfig>(client, {.name_space = "n", .key = "k"}).fields.at("value"),
            "v");
  EXPECT_EQ(call<wire::GetKvListByNamespace>(client, {.name_space = "n"}).body,
            R"({"table":{"k":"v"}})");
  EXPECT_EQ(call<wire::DeleteKvConfig>(client, {.name_space = "n", .key = "k"}).code, 0);
  EXPECT_EQ(call<wire::GetKvConfig>(client, {.name_space = "n", .key = "k"}).code, 22);
  EXPECT_EQ(call<wire::GetKvListByNamespace>(client, {.name_space = "n"}).code, 22);
  EXPECT_EQ(call<wire::UpdateNameServerConfig>(client, {}, "orderMessageEnable=true").code, 0);
  EXPECT_THAT(call<wire::GetNameServerConfig>(client, {}).body,
              HasSubstr("orderMessageEnable=true\n"));
  EXPECT_EQ(call<wire::UpdateNameServerConfig>(client, {}, "kvConfigPath=/x").code, 16);
}

}  // namespace
}  // namespace oncemq::front
