// What RocketMQ wrote, against our codecs: frames, bodies and batches in both directions.
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "model/config_json.h"
#include "model/properties.h"
#include "tests/golden/fixture.h"
#include "wire/remoting/body/connections.h"
#include "wire/remoting/body/groups.h"
#include "wire/remoting/body/heartbeat.h"
#include "wire/remoting/body/message_batch.h"
#include "wire/remoting/body/queue_locks.h"
#include "wire/remoting/body/register_broker.h"
#include "wire/remoting/body/reset_offset.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/body/stats.h"
#include "wire/remoting/schema/all_requests.h"

namespace oncemq::wire {
namespace {

using golden::from_hex;
using golden::read_file;
using golden::read_index;

using Fields = std::map<std::string, std::string>;

// ---- frames

struct GoldenFrame {
  std::string name;
  std::string bytes;
  HeaderKind kind = HeaderKind::kJson;
  std::int32_t code = 0;
  std::int32_t compact_code = 0;
  std::string language;
  std::int32_t version = 0;
  std::int32_t opaque = 0;
  std::int32_t flag = 0;
  std::string remark;
  Fields fields;
  std::string body;
};

std::vector<GoldenFrame> golden_frames() {
  const std::string bytes = read_file("remoting/frames.bin");
  std::vector<GoldenFrame> frames;
  const auto number = [](const Json& json) { return static_cast<std::int32_t>(json.as_int()); };
  const auto place = [](const Json& json) { return static_cast<std::size_t>(json.as_int()); };
  const Json index = read_index("remoting/frames.json");
  for (const Json& row : index.items()) {
    GoldenFrame frame;
    frame.name = row["name"].as_string();
    frame.bytes = bytes.substr(place(row["offset"]), place(row["length"]));
    frame.kind = row["header"].as_int() == 0 ? HeaderKind::kJson : HeaderKind::kBinary;
    frame.code = number(row["code"]);
    frame.compact_code = number(row["compactCode"]);
    frame.language = row["language"].as_string();
    frame.version = number(row["version"]);
    frame.opaque = number(row["opaque"]);
    frame.flag = number(row["flag"]);
    frame.remark = row["remark"].as_string();
    for (const auto& [name, value] : row["ext"].members()) {
      // An empty value is absent in binary headers.
      if (frame.kind == HeaderKind::kJson || !value.as_string().empty())
        frame.fields[name] = value.as_string();
    }
    frame.body = from_hex(row["body"].as_string());
    frames.push_back(std::move(frame));
  }
  return frames;
}

Fields fields_of_command(const Command& command) {
  Fields fields;
  for (const ExtField& field : command.ext)
    EXPECT_TRUE(fields.emplace(field.name, field.value).second) << field.name;
  return fields;
}

void expect_frame(const Command& command, const GoldenFrame& golden) {
  EXPECT_EQ(command.kind, golden.kind);
  EXPECT_EQ(command.code, golden.kind == HeaderKind::kJson ? golden.code : golden.compact_code);
  EXPECT_EQ(language_name(command.language), golden.language);
  EXPECT_EQ(command.version, golden.version);
  EXPECT_EQ(command.opaque, golden.opaque);
  EXPECT_EQ(command.flag, golden.flag);
  EXPECT_EQ(command.remark, golden.remark);
  EXPECT_EQ(fields_of_command(command), golden.fields);
  EXPECT_EQ(as_text(command.body), golden.body);
}

Command read(const std::string& bytes) {
  const Cut cut = cut_frame(as_bytes(bytes));
  EXPECT_EQ(cut.state, Cut::State::kComplete) << cut.why;
  EXPECT_EQ(cut.size, bytes.size());
  Command command;
  const Status status = command.decode(cut.frame);
  EXPECT_TRUE(status) << (status ? "" : status.error().message);
  return command;
}

TEST(GoldenFrames, AreReadAsTheIndexSays) {
  const std::vector<GoldenFrame> frames = golden_frames();
  ASSERT_GT(frames.size(), 300U);
  for (const GoldenFrame& golden : frames) {
    SCOPED_TRACE(golden.name);
    expect_frame(read(golden.bytes), golden);
  }
}

TEST(GoldenFrames, AreWrittenWithTheSameContentAndLength) {
  for (const GoldenFrame& golden : golden_frames()) {
    SCOPED_TRACE(golden.name);
    const Command original = read(golden.bytes);
    std::string bytes;
    HeaderWriter writer(bytes, golden.kind,
                        HeaderStart{.code = golden.code,
                                    .opaque = golden.opaque,
                                    .flag = golden.flag,
                                    .remark = golden.remark,
                                    .language = original.language,
                                    .version = golden.version});
    for (const ExtField& field : original.ext) writer.field(field.name, field.value);
    writer.finish(golden.body.size());
    bytes += golden.body;
    expect_frame(read(bytes), golden);

    const bool has_empty_value = golden.name.find("odd-values") != std::string::npos;
    if (golden.kind == HeaderKind::kBinary && !has_empty_value) {
      EXPECT_EQ(bytes, golden.bytes);
    }
    // Upstream leaves the object out where it is empty; elsewhere the bytes are the same.
    if (golden.kind == HeaderKind::kJson && !golden.fields.empty() && golden.remark.empty() &&
        !has_empty_value) {
      EXPECT_EQ(bytes, golden.bytes);
    }
  }
}

// Runs `check` with the request struct of a code; false when we do not serve it.
template <class Check, class... Requests>
bool with_request(std::int32_t code, Check&& check, RequestList<Requests...>) {
  return ((Requests::meta.code == code && (check(Requests{}), true)) || ...);
}

// Every request that upstream knows and we serve: its full header is read by our struct, and
// writing the struct gives the fields back, but for those that we do not keep.
TEST(GoldenFrames, HeadersOfServedRequestsFitTheirStructs) {
  const std::set<std::string> not_kept{"proxyFrowardClientId", "lo", "ns", "nsd", "oway"};
  std::size_t checked = 0;
  for (const GoldenFrame& golden : golden_frames()) {
    const bool full = golden.name.find("/full#") != std::string::npos;
    const bool required = golden.name.find("/required#") != std::string::npos;
    if ((!full && !required) || (golden.flag & Command::kFlagResponse) != 0) continue;
    SCOPED_TRACE(golden.name);
    const Command command = read(golden.bytes);
    const auto check = [&]<class Request>(Request) {
      ++checked;
      EXPECT_EQ(golden.name.substr(0, golden.name.find('/')), Request::meta.name);
      const Result<typename Request::Header> header = decode_header<Request>(command);
      ASSERT_TRUE(header) << header.error().message;
      std::string bytes;
      encode_request<Request>(bytes, golden.kind, golden.opaque, *header, 0);
      Fields written = fields_of_command(read(bytes));
      Fields expected = golden.fields;
      for (const std::string& name : not_kept) expected.erase(name);
      // Java's client adds this field by hand.
      if (golden.code == QueryMessage::meta.code) expected["_UNIQUE_KEY_QUERY"] = "false";
      if (full) {
        EXPECT_EQ(written, expected);
      } else {
        for (const auto& [name, value] : expected) EXPECT_EQ(written[name], value) << name;
      }
    };
    with_request(golden.code, check, AllRequests{});
    with_request(golden.code, check, ClientCalls{});
  }
  EXPECT_GT(checked, 100U);
}

template <class Reply>
void expect_reply(const std::vector<GoldenFrame>& frames, const std::string& name) {
  std::size_t found = 0;
  for (const GoldenFrame& golden : frames) {
    if (golden.name.rfind(name + "/", 0) != 0) continue;
    SCOPED_TRACE(golden.name);
    ++found;
    const Command command = read(golden.bytes);
    const Result<Reply> reply = decode_fields<Reply>(command.ext);
    ASSERT_TRUE(reply) << reply.error().message;
    std::string bytes;
    encode_reply(bytes, golden.kind, HeaderStart{.opaque = golden.opaque}, *reply);
    Fields expected = golden.fields;
    EXPECT_EQ(fields_of_command(read(bytes)), expected);
  }
  EXPECT_EQ(found, 4U) << name;
}

TEST(GoldenFrames, RepliesFitTheirStructs) {
  const std::vector<GoldenFrame> frames = golden_frames();
  expect_reply<SendMessage::Reply>(frames, "SendMessageResponse");
  expect_reply<PullMessage::Reply>(frames, "PullMessageResponse");
  expect_reply<QueryMessage::Reply>(frames, "QueryMessageResponse");
  expect_reply<QueryConsumerOffset::Reply>(frames, "QueryConsumerOffsetResponse");
  expect_reply<SearchOffsetByTimestamp::Reply>(frames, "SearchOffsetResponse");
  expect_reply<GetMaxOffset::Reply>(frames, "GetMaxOffsetResponse");
  expect_reply<GetMinOffset::Reply>(frames, "GetMinOffsetResponse");
  expect_reply<GetEarliestMessageStoreTime::Reply>(frames, "GetEarliestMsgStoretimeResponse");
  expect_reply<GetBrokerConfig::Reply>(frames, "GetBrokerConfigResponse");
  expect_reply<GetKvConfig::Reply>(frames, "GetKVConfigResponse");
  expect_reply<RegisterBroker::Reply>(frames, "RegisterBrokerResponse");
  expect_reply<QueryDataVersion::Reply>(frames, "QueryDataVersionResponse");
  expect_reply<WipeWritePermOfBroker::Reply>(frames, "WipeWritePermOfBrokerResponse");
  expect_reply<AddWritePermOfBroker::Reply>(frames, "AddWritePermOfBrokerResponse");
}

TEST(GoldenFrames, OurTableKnowsEveryRequest) {
  for (const GoldenFrame& golden : golden_frames()) {
    if ((golden.flag & Command::kFlagResponse) != 0) continue;
    const RequestEntry* entry = find_request(
        golden.kind, golden.kind == HeaderKind::kJson ? golden.code : golden.compact_code);
    ASSERT_NE(entry, nullptr) << golden.name;
    EXPECT_EQ(entry->meta.code, golden.code) << golden.name;
  }
}

// ---- bodies

// Reads the fixture; what is written back is the fixture, or `expected` where we choose to write
// standard JSON.
template <class Body>
Body expect_body(const std::string& name, const std::string& expected) {
  SCOPED_TRACE(name);
  const std::string text = read_file("bodies/" + name);
  const Result<Body> body = decode_body<Body>(as_bytes(text));
  EXPECT_TRUE(body) << (body ? "" : body.error().message);
  if (!body) return {};
  EXPECT_EQ(encode_body(*body), expected);
  return *body;
}
template <class Body>
Body expect_body(const std::string& name) {
  return expect_body<Body>(name, read_file("bodies/" + name));
}

std::string without(std::string text, std::string_view part) {
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part))
    text.erase(at, part.size());
  return text;
}

TEST(GoldenBodies, AreReadAndWrittenByteForByte) {
  expect_body<HeartbeatBody>("heartbeat.json");
  expect_body<ConsumerConnections>("consumer_connection.json");
  expect_body<ProducerConnections>("producer_connection.json");
  expect_body<GroupList>("group_list.json");
  expect_body<TopicList>("topic_list.json");
  expect_body<KvTable>("kv_table.json");
  expect_body<QueueLockBody>("lock_batch_request.json");
  expect_body<LockedQueues>("lock_batch_response.json");
  expect_body<TopicStats>("topic_stats.json");
  expect_body<ConsumerStatus>("consumer_status.json");
  expect_body<TopicRoute>("route_standard.json");
}

TEST(GoldenBodies, NumericKeysAreWrittenQuoted) {
  expect_body<TopicRoute>("route.json", read_file("bodies/route_standard.json"));
  const ClusterInfo info = expect_body<ClusterInfo>(
      "cluster_info.json",
      R"({"brokerAddrTable":{"broker-a":{"brokerAddrs":{"0":"10.0.0.1:10911",)"
      R"("1":"10.0.0.2:10911"},"brokerName":"broker-a","cluster":"DefaultCluster",)"
      R"("enableActingMaster":false}},"clusterAddrTable":{"DefaultCluster":["broker-a"]}})");
  EXPECT_EQ(info.brokers.at("broker-a").addresses.at(1), "10.0.0.2:10911");
}

TEST(GoldenBodies, MapsOfQueuesAreWrittenInTheOrderOfTheQueues) {
  expect_body<QueueOffsets>(
      "reset_offset.json", R"({"offsetTable":{{"brokerName":"broker-a","queueId":0,"topic":"T"}:3,)"
                           R"({"brokerName":"broker-a","queueId":1,"topic":"T"}:4}})");
}

TEST(GoldenBodies, ReferencesAreFollowed) {
  const Result<ConsumeStats> stats =
      decode_body<ConsumeStats>(as_bytes(read_file("bodies/consume_stats.json")));
  ASSERT_TRUE(stats) << stats.error().message;
  ASSERT_EQ(stats->queues.size(), 2U);
  for (const auto& [queue, offsets] : stats->queues) {
    EXPECT_EQ(offsets.broker_offset, 10) << queue.queue_id;
    EXPECT_EQ(offsets.consumer_offset, 4) << queue.queue_id;
    EXPECT_EQ(offsets.pull_offset, 6) << queue.queue_id;
  }
}

TEST(GoldenBodies, RunningInfo) {
  const std::string text = read_file("bodies/consumer_running_info.json");
  std::string expected = without(
      text,
      R"(,"transactionMsgCount":0,"transactionMsgMaxOffset":0,"transactionMsgMinOffset":0,"tryUnlockTimes":0)");
  const ConsumerRunningInfo info =
      expect_body<ConsumerRunningInfo>("consumer_running_info.json", expected);
  EXPECT_EQ(info.queues.begin()->second.commit_offset, 5);
}

TEST(GoldenBodies, Registration) {
  const std::string plain = read_file("bodies/register_broker.json");
  const Result<RegisterBrokerBody> body =
      decode_register_body(as_bytes(plain), false, version::kOurs);
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->version, (model::DataVersion{.timestamp = 1700000000000, .counter = 7}));
  ASSERT_EQ(body->topics.size(), 2U);
  EXPECT_EQ(body->topics.at("%RETRY%g").attributes.at("message.type"), "FIFO");

  // The same content, whatever the order in which Java's map gives the topics.
  const std::string written = encode_register_body(*body);
  const auto sorted = [](const std::string& text) {
    return Json::parse(text).value().dump_pretty();
  };
  std::string expected = plain;
  const std::string time = R"("mappingDataVersion":{"counter":0,"stateVersion":0,"timestamp":)";
  expected.replace(expected.find(time) + time.size(), 13, "0");
  EXPECT_EQ(sorted(written), sorted(expected));

  const std::string compressed = read_file("bodies/register_broker.compressed");
  const Result<RegisterBrokerBody> packed =
      decode_register_body(as_bytes(compressed), true, version::kOurs);
  ASSERT_TRUE(packed) << packed.error().message;
  EXPECT_EQ(packed->version, body->version);
  for (const auto& [name, topic] : packed->topics) {
    // The compressed form has no order and no system flag.
    model::TopicConfig same = body->topics.at(name);
    same.order = false;
    same.sys_flag = 0;
    EXPECT_EQ(topic, same);
  }
}

TEST(GoldenBodies, ConfigsOfTopicAndGroup) {
  const auto json = [](const std::string& name) { return read_index("bodies/" + name); };
  const auto topic = model::topic_config_from_json(json("topic_config.json"));
  ASSERT_TRUE(topic);
  EXPECT_EQ(model::to_json(*topic).dump(), read_file("bodies/topic_config.json"));
  const auto group = model::group_config_from_json(json("subscription_group.json"));
  ASSERT_TRUE(group);
  EXPECT_EQ(model::to_json(*group).dump(), read_file("bodies/subscription_group.json"));
  const auto version = model::data_version_from_json(json("data_version.json"));
  ASSERT_TRUE(version);
  EXPECT_EQ(model::to_json(*version).dump(), read_file("bodies/data_version.json"));
}

// ---- config files of a real broker

TEST(GoldenConfig, FilesOfABrokerAreReadAndWrittenAgain) {
  for (const std::string folder : {"broker/stopped/config/", "broker/killed/config/"}) {
    SCOPED_TRACE(folder);
    const auto sorted = [](const Json& json) { return json.dump_pretty(); };
    const Json topics = read_index(folder + "topics.json");
    const auto topic_file = model::topic_table_from_json(topics);
    ASSERT_TRUE(topic_file) << topic_file.error().message;
    EXPECT_TRUE(topic_file->topics.contains("golden"));
    EXPECT_EQ(sorted(model::topic_table_to_json(topic_file->topics, topic_file->version)),
              sorted(topics));

    const Json groups = read_index(folder + "subscriptionGroup.json");
    const auto group_file = model::group_table_from_json(groups);
    ASSERT_TRUE(group_file) << group_file.error().message;
    EXPECT_TRUE(group_file->groups.contains("golden-group"));
    EXPECT_EQ(sorted(model::group_table_to_json(group_file->groups, group_file->forbidden,
                                                group_file->version)),
              sorted(groups));

    const auto offsets = model::offset_table_from_json(read_index(folder + "consumerOffset.json"));
    ASSERT_TRUE(offsets) << offsets.error().message;
    EXPECT_FALSE(offsets->offsets.at("golden@golden-group").empty());
    const auto delays = model::delay_offset_from_json(read_index(folder + "delayOffset.json"));
    ASSERT_TRUE(delays) << delays.error().message;
  }
}

// ---- batches

TEST(GoldenBatches, AreReadAndWrittenByteForByte) {
  const std::string bytes = read_file("values/batches.bin");
  std::size_t batches = 0;
  const Json index = read_index("values/batches.json");
  for (const Json& row : index.items()) {
    SCOPED_TRACE(row["name"].as_string());
    ++batches;
    const std::string batch = bytes.substr(static_cast<std::size_t>(row["offset"].as_int()),
                                           static_cast<std::size_t>(row["length"].as_int()));
    EXPECT_EQ(count_batch(as_bytes(batch)).value(), row["messages"].items().size());
    BatchReader reader(as_bytes(batch));
    std::string again;
    for (const Json& expected : row["messages"].items()) {
      BatchedMessage message;
      ASSERT_TRUE(reader.next(message).value());
      EXPECT_EQ(message.flag, expected["flag"].as_int());
      EXPECT_EQ(as_text(message.body), from_hex(expected["body"].as_string()));
      for (const auto& [name, value] : expected["properties"].members())
        EXPECT_EQ(model::find_property(message.properties, name), value.as_string());
      append_to_batch(again, message);
    }
    EXPECT_EQ(again, batch);
  }
  EXPECT_GE(batches, 3U);
}

}  // namespace
}  // namespace oncemq::wire
