#include "wire/remoting/body/body.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/remoting/body/assignment.h"
#include "wire/remoting/body/connections.h"
#include "wire/remoting/body/groups.h"
#include "wire/remoting/body/heartbeat.h"
#include "wire/remoting/body/queue_locks.h"
#include "wire/remoting/body/reset_offset.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/body/stats.h"
#include "wire/remoting/body/topics.h"

namespace oncemq::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class Body>
Body decoded(std::string_view text) {
  Result<Body> body = decode_body<Body>(as_bytes(text));
  EXPECT_TRUE(body) << (body ? "" : body.error().message);
  return body ? *body : Body{};
}

template <class Body>
std::string refusal(std::string_view text) {
  const Result<Body> body = decode_body<Body>(as_bytes(text));
  if (body) return "no error";
  EXPECT_EQ(body.error().code, Errc::kBadBytes);
  return body.error().message;
}

TEST(HeartbeatBody, OfAJavaClient) {
  const HeartbeatBody body = decoded<HeartbeatBody>(
      R"({"clientID":"c","heartbeatFingerprint":7,"withoutSub":true,)"
      R"("producerDataSet":[{"groupName":"pg"}],"consumerDataSet":[{"groupName":"g",)"
      R"("consumeType":"CONSUME_ACTIVELY","messageModel":"BROADCASTING",)"
      R"("consumeFromWhere":"CONSUME_FROM_TIMESTAMP","unitMode":true,"subscriptionDataSet":[)"
      R"({"topic":"T","subString":"a||b","tagsSet":["a","b"],"codeSet":[97,98],)"
      R"("subVersion":1700000000000,"expressionType":"TAG","classFilterMode":false}]}]})");
  EXPECT_EQ(body.client_id, "c");
  EXPECT_EQ(body.fingerprint, 7);
  EXPECT_TRUE(body.without_subscriptions);
  ASSERT_EQ(body.producers.size(), 1U);
  EXPECT_EQ(body.producers[0].name, "pg");
  ASSERT_EQ(body.consumers.size(), 1U);
  const ConsumerGroup& group = body.consumers[0];
  EXPECT_EQ(group.name, "g");
  EXPECT_EQ(group.consume_type, model::ConsumeType::kActively);
  EXPECT_EQ(group.message_model, model::MessageModel::kBroadcasting);
  EXPECT_EQ(group.consume_from, ConsumeFrom::kTimestamp);
  EXPECT_TRUE(group.unit_mode);
  ASSERT_EQ(group.subscriptions.size(), 1U);
  EXPECT_EQ(group.subscriptions[0].topic, "T");
  EXPECT_EQ(group.subscriptions[0].expression, "a||b");
  EXPECT_THAT(group.subscriptions[0].tags, ElementsAre("a", "b"));
  EXPECT_THAT(group.subscriptions[0].codes, ElementsAre(97, 98));
  EXPECT_EQ(group.subscriptions[0].version, 1700000000000);
}

// client-cpp: enums as ordinals, numbers in texts, no expression type.
TEST(HeartbeatBody, OfACppClient) {
  const HeartbeatBody body = decoded<HeartbeatBody>(
      R"({"clientID":"c","producerDataSet":[],"consumerDataSet":[{"groupName":"g",)"
      R"("consumeType":1,"messageModel":1,"consumeFromWhere":4,"subscriptionDataSet":[)"
      R"({"topic":"T","subString":"*","tagsSet":[],"codeSet":[],"subVersion":"17"}]}]})");
  ASSERT_EQ(body.consumers.size(), 1U);
  EXPECT_EQ(body.consumers[0].consume_type, model::ConsumeType::kPassively);
  EXPECT_EQ(body.consumers[0].message_model, model::MessageModel::kClustering);
  EXPECT_EQ(body.consumers[0].consume_from, ConsumeFrom::kFirstOffset);
  EXPECT_EQ(body.consumers[0].subscriptions.at(0).version, 17);
  EXPECT_TRUE(body.consumers[0].subscriptions.at(0).is_tag());
}

TEST(HeartbeatBody, UnknownEnumNamesLeaveTheDefault) {
  const HeartbeatBody body = decoded<HeartbeatBody>(
      R"({"clientID":"c","consumerDataSet":[{"groupName":"g","consumeType":"CONSUME_BY_FAX",)"
      R"("messageModel":9}]})");
  EXPECT_EQ(body.consumers.at(0).consume_type, model::ConsumeType::kPassively);
  EXPECT_EQ(body.consumers.at(0).message_model, model::MessageModel::kClustering);
}

TEST(Body, RefusalsNameThePlace) {
  EXPECT_NE(refusal<HeartbeatBody>(""), "no error");
  EXPECT_THAT(refusal<HeartbeatBody>("null"), HasSubstr("expected an object"));
  EXPECT_THAT(refusal<HeartbeatBody>("[]"), HasSubstr("expected an object"));
  EXPECT_THAT(refusal<HeartbeatBody>("{"), testing::Not("no error"));
  EXPECT_EQ(refusal<HeartbeatBody>(R"({"consumerDataSet":{}})"),
            "consumerDataSet: expected an array");
  EXPECT_EQ(refusal<HeartbeatBody>(R"({"consumerDataSet":[{},{"groupName":[]}]})"),
            "consumerDataSet: [1]: groupName: expected a string");
  EXPECT_EQ(refusal<HeartbeatBody>(R"({"heartbeatFingerprint":99999999999})"),
            "heartbeatFingerprint: expected a number of 32 bits");
  EXPECT_EQ(refusal<HeartbeatBody>(R"({"withoutSub":{}})"), "withoutSub: expected a boolean");
  EXPECT_EQ(refusal<ConsumeStats>(R"({"consumeTps":[]})"), "consumeTps: expected a number");
  EXPECT_EQ(refusal<ClusterInfo>(R"({"brokerAddrTable":{"b":{"brokerAddrs":{"x":"y"}}}})"),
            "brokerAddrTable: b: brokerAddrs: x: expected a number as key");
  EXPECT_THAT(refusal<TopicStats>(R"({"offsetTable":{"no queue":{}}})"),
              HasSubstr("offsetTable: no queue"));
}

TEST(RouteBody, WritesQuotedKeysAndLeavesOutWhatIsNotThere) {
  TopicRoute route;
  route.brokers.push_back(
      {.addresses = {{0, "10.0.0.1:10911"}, {1, "10.0.0.2:10911"}}, .name = "b", .cluster = "c"});
  route.queues.push_back({.broker_name = "b", .perm = 6, .read_queues = 8, .write_queues = 4});
  EXPECT_EQ(encode_body(route),
            R"({"brokerDatas":[{"brokerAddrs":{"0":"10.0.0.1:10911","1":"10.0.0.2:10911"},)"
            R"("brokerName":"b","cluster":"c","enableActingMaster":false}],)"
            R"("filterServerTable":{},"queueDatas":[{"brokerName":"b","perm":6,)"
            R"("readQueueNums":8,"topicSysFlag":0,"writeQueueNums":4}]})");
  route.order_topic_conf = "b:8";
  EXPECT_THAT(encode_body(route), HasSubstr(R"("orderTopicConf":"b:8")"));
  EXPECT_EQ(encode_body(TopicRoute{}),
            R"({"brokerDatas":[],"filterServerTable":{},"queueDatas":[]})");
}

TEST(RouteBody, ReadsBareNumericKeys) {
  const TopicRoute route = decoded<TopicRoute>(
      R"({"brokerDatas":[{"brokerAddrs":{0:"a:1",1:"b:2"},"brokerName":"b","cluster":"c"}]})");
  EXPECT_EQ(route.brokers.at(0).addresses.at(0), "a:1");
  EXPECT_EQ(route.brokers.at(0).addresses.at(1), "b:2");
}

TEST(QueueKeys, AreWrittenBareAndReadBareOrQuoted) {
  QueueOffsets body;
  body.offsets[{.broker_name = "b", .queue_id = 1, .topic = "T"}] = 4;
  const std::string text = encode_body(body);
  EXPECT_EQ(text, R"({"offsetTable":{{"brokerName":"b","queueId":1,"topic":"T"}:4}})");
  EXPECT_EQ(decoded<QueueOffsets>(text).offsets, body.offsets);
  EXPECT_EQ(decoded<QueueOffsets>(
                R"({"offsetTable":{"{\"topic\":\"T\",\"brokerName\":\"b\",\"queueId\":1}":4}})")
                .offsets,
            body.offsets);
}

TEST(QueueKeys, OnlyBodiesWithQueuesWriteBareKeys) {
  KvTable table;
  table.table["{k}"] = "v";
  EXPECT_EQ(encode_body(table), R"({"table":{"{k}":"v"}})");
}

TEST(QueueKeys, RowsForCppClients) {
  QueueOffsetRows rows;
  rows.offsets.push_back({.broker_name = "b", .offset = 4, .queue_id = 1, .topic = "T"});
  EXPECT_EQ(encode_body(rows),
            R"({"offsetTable":[{"brokerName":"b","offset":4,"queueId":1,"topic":"T"}]})");
}

TEST(References, AreFollowed) {
  const TopicStats stats = decoded<TopicStats>(
      R"({"offsetTable":{{"brokerName":"b","queueId":1,"topic":"T"}:{"maxOffset":9,"minOffset":2},)"
      R"({"brokerName":"b","queueId":0,"topic":"T"}:)"
      R"({"$ref":"$.offsetTable.MessageQueue\\ \\[topic\\=T\\,\\ brokerName\\=b\\,\\ queueId\\=1\\]"}}})");
  ASSERT_EQ(stats.queues.size(), 2U);
  EXPECT_EQ(stats.queues.begin()->second.max_offset, 9);

  const TopicRoute route = decoded<TopicRoute>(
      R"({"queueDatas":[{"brokerName":"a","perm":4},{"$ref":"$.queueDatas[0]"}]})");
  EXPECT_EQ(route.queues.at(1).perm, 4);
}

TEST(References, ThatLeadNowhereAreRefused) {
  for (const std::string_view path :
       {"", "x", "..", "$x", "$.nothing", "$.queueDatas[1]", "$.queueDatas[", "$.queueDatas[x]",
        "$.queueDatas[0].a.b", "$.MessageQueue [topic=T]", "$", "$.brokerDatas", "$.brokerDatas[0]",
        "$.later"}) {
    const std::string text = R"({"queueDatas":[{}],"brokerDatas":[{"$ref":")" + std::string(path) +
                             R"("}],"later":[{"$ref":"$.queueDatas"}]})";
    EXPECT_THAT(refusal<TopicRoute>(text), HasSubstr("leads nowhere")) << path;
  }
}

// Each level holds the one before ten times.
TEST(References, CannotBlowUpABody) {
  std::string text = R"({"a0":[1,2,3,4,5,6,7,8,9,10])";
  for (int level = 1; level < 9; ++level) {
    text += ",\"a" + std::to_string(level) + "\":[";
    for (int i = 0; i < 10; ++i)
      text += std::string(i > 0 ? "," : "") + R"({"$ref":"$.a)" + std::to_string(level - 1) + "\"}";
    text += "]";
  }
  EXPECT_THAT(refusal<TopicRoute>(text + "}"), HasSubstr("too much is referred to"));
}

// Each level hangs the one before below ten arrays of its own.
TEST(References, CannotNestDeeperThanTheParserAllows) {
  const auto chain = [](int levels) {
    std::string text = R"({"a0":[])";
    for (int level = 1; level <= levels; ++level)
      text += ",\"a" + std::to_string(level) + "\":[[[[[[[[[[" + R"({"$ref":"$.a)" +
              std::to_string(level - 1) + R"("}]]]]]]]]]])";
    return text + "}";
  };
  EXPECT_EQ(refusal<TopicRoute>(chain(6)), "no error");
  EXPECT_THAT(refusal<TopicRoute>(chain(7)), HasSubstr("too much is referred to"));
}

TEST(QueueLocks, RequestAndAnswer) {
  const QueueLockBody body = decoded<QueueLockBody>(
      R"({"consumerGroup":"g","clientId":"c","mqSet":[{"topic":"T","brokerName":"b","queueId":3}]})");
  EXPECT_EQ(body.group, "g");
  EXPECT_EQ(body.client_id, "c");
  EXPECT_FALSE(body.only_this_broker);
  ASSERT_EQ(body.queues.size(), 1U);
  EXPECT_EQ(body.queues[0], (Queue{.broker_name = "b", .queue_id = 3, .topic = "T"}));
  EXPECT_EQ(encode_body(LockedQueues{.queues = body.queues}),
            R"({"lockOKMQSet":[{"brokerName":"b","queueId":3,"topic":"T"}]})");
}

TEST(Assignment, RequestAnswerAndModes) {
  const QueryAssignmentBody request = decoded<QueryAssignmentBody>(
      R"({"topic":"T","consumerGroup":"g","clientId":"c","strategyName":"AVG",)"
      R"("messageModel":"CLUSTERING"})");
  EXPECT_EQ(request.strategy, "AVG");
  QueueAssignments answer;
  answer.assignments.push_back(
      {.queue = {.broker_name = "b", .queue_id = 2, .topic = "T"}, .mode = RequestMode::kPop});
  EXPECT_EQ(encode_body(answer),
            R"({"messageQueueAssignments":[{"attachments":{},"messageQueue":{"brokerName":"b",)"
            R"("queueId":2,"topic":"T"},"mode":"POP"}]})");
  const RequestModes modes = decoded<RequestModes>(
      R"({"messageRequestModeMap":{"T":{"g":{"consumerGroup":"g","mode":"POP",)"
      R"("popShareQueueNum":3,"topic":"T"}}}})");
  EXPECT_EQ(modes.modes.at("T").at("g").mode, RequestMode::kPop);
  EXPECT_EQ(modes.modes.at("T").at("g").pop_share_queues, 3);
}

TEST(AdminBodies, RoundTrip) {
  const std::string producers = encode_body(ProducerTable{
      .groups = {{"g", {{.client_id = "c", .language = "GO", .remote_ip = "1.2.3.4"}}}}});
  EXPECT_EQ(decoded<ProducerTable>(producers).groups.at("g").at(0).remote_ip, "1.2.3.4");

  BrokerConsumeStats stats;
  stats.groups.push_back({{"g", {ConsumeStats{.consume_tps = 1.5}}}});
  stats.total_diff = 7;
  const BrokerConsumeStats again = decoded<BrokerConsumeStats>(encode_body(stats));
  EXPECT_EQ(again.groups.at(0).at("g").at(0).consume_tps, 1.5);
  EXPECT_EQ(again.total_diff, 7);

  const GroupForbidden forbidden = decoded<GroupForbidden>(R"({"group":"g","topic":"T"})");
  EXPECT_FALSE(forbidden.readable.has_value());
  EXPECT_EQ(encode_body(forbidden), R"({"group":"g","topic":"T"})");

  const GroupConfigList groups =
      decoded<GroupConfigList>(R"({"groupConfigList":[{"groupName":"g","retryMaxTimes":3}]})");
  EXPECT_EQ(groups.groups.at(0).retry_max_times, 3);
  const TopicConfigList topics =
      decoded<TopicConfigList>(R"({"topicConfigList":[{"topicName":"T","perm":4}]})");
  EXPECT_EQ(topics.topics.at(0).perm, 4);

  QueueEntries entries;
  entries.entries.push_back({.log_offset = 5, .size = 6, .tags_code = -7});
  EXPECT_EQ(encode_body(entries),
            R"({"maxQueueIndex":0,"minQueueIndex":0,"queueData":[{"eval":false,"physicOffset":5,)"
            R"("physicSize":6,"tagsCode":-7}]})");
  EXPECT_EQ(encode_body(BrokerStatsData{}),
            R"({"statsDay":{"avgpt":0.0,"sum":0,"tps":0.0},"statsHour":{"avgpt":0.0,"sum":0,)"
            R"("tps":0.0},"statsMinute":{"avgpt":0.0,"sum":0,"tps":0.0}})");
}

}  // namespace
}  // namespace oncemq::wire
