// The small functions of model, against what Apache's classes answer.
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/crc.h"
#include "model/message.h"
#include "model/message_id.h"
#include "model/properties.h"
#include "model/topic.h"
#include "tests/golden/fixture.h"

namespace oncemq::golden {
namespace {

const Json& values() {
  static const Json index = read_index("values/values.json");
  return index;
}

using Map = std::map<std::string, std::string>;

Map map_of(const Json& object) {
  Map map;
  for (const auto& [name, value] : object.members()) map[name] = value.as_string();
  return map;
}

Map decoded_map(std::string_view properties) {
  Map map;
  model::PropertyCursor cursor(properties);
  std::string_view name;
  std::string_view value;
  while (cursor.next(name, value)) map[std::string(name)] = value;
  return map;
}

TEST(Golden, TagHash) {
  ASSERT_FALSE(values()["tagHash"].items().empty());
  for (const Json& row : values()["tagHash"].items())
    EXPECT_EQ(model::tags_code(row["tag"].as_string()), row["code"].as_int()) << row.dump();
}

TEST(Golden, IndexHashIsTheAbsoluteJavaHash) {
  ASSERT_FALSE(values()["indexHash"].items().empty());
  for (const Json& row : values()["indexHash"].items()) {
    const std::int64_t hash = model::java_hash(row["key"].as_string());
    const std::int64_t absolute = hash == INT32_MIN ? 0 : std::abs(hash);
    EXPECT_EQ(absolute, row["hash"].as_int()) << row.dump();
  }
}

TEST(Golden, Crc) {
  ASSERT_FALSE(values()["crc32"].items().empty());
  for (const Json& row : values()["crc32"].items())
    EXPECT_EQ(crc32_rocketmq(as_bytes(from_hex(row["bytes"].as_string()))), row["crc"].as_int());
}

TEST(Golden, Properties) {
  int decoded = 0;
  for (const Json& row : values()["properties"].items()) {
    const Map map = map_of(row["map"]);
    const bool written = row.has("encoded");
    const std::string text = from_hex(row[written ? "encoded" : "decodedFrom"].as_string());
    if (map.contains("empty")) {
      EXPECT_EQ(decoded_map(text), Map()) << "a value of no bytes is written and not read";
      continue;
    }
    EXPECT_EQ(decoded_map(text), map) << row.dump();
    for (const auto& [name, value] : map) EXPECT_EQ(model::find_property(text, name), value);
    ++decoded;
  }
  EXPECT_GT(decoded, 5);
}

TEST(Golden, MessageIds) {
  ASSERT_FALSE(values()["messageId"].items().empty());
  for (const Json& row : values()["messageId"].items()) {
    const std::string ip = row["host"].as_string();
    const bool v6 = ip.find(':') != std::string::npos;
    const auto host = Address::parse((v6 ? "[" + ip + "]" : ip) + ":" + row["port"].as_string());
    ASSERT_TRUE(host.has_value());
    const model::LogOffset offset{row["offset"].as_int()};
    EXPECT_EQ(model::offset_message_id(*host, offset), row["id"].as_string());
    const auto parsed = model::parse_offset_message_id(row["id"].as_string());
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->store_host, *host);
    EXPECT_EQ(parsed->offset, offset);
  }
}

TEST(Golden, SystemFlags) {
  const std::map<std::string, std::int32_t> ours = {
      {"compressed", model::sysflag::kCompressed},
      {"prepared", model::sysflag::kTransactionPrepared},
      {"commit", model::sysflag::kTransactionCommit},
      {"rollback", model::sysflag::kTransactionRollback},
      {"bornHostV6", model::sysflag::kBornHostV6},
      {"storeHostV6", model::sysflag::kStoreHostV6},
      {"needUnwrap", model::sysflag::kNeedUnwrap},
      {"innerBatch", model::sysflag::kInnerBatch}};
  std::size_t found = 0;
  for (const Json& row : values()["sysFlag"].items()) {
    const auto flag = ours.find(row["name"].as_string());
    if (flag == ours.end()) continue;
    EXPECT_EQ(flag->second, row["bits"].as_int()) << flag->first;
    ++found;
  }
  EXPECT_EQ(found, ours.size());
}

TEST(Golden, TopicNames) {
  ASSERT_FALSE(values()["topicName"].items().empty());
  for (const Json& row : values()["topicName"].items()) {
    const std::string topic = row["topic"].as_string();
    // 5.3.3 itself stores retry topics of long groups and only refuses them from clients that fall
    // back to sending there; later versions take up to 255, and so do we.
    const bool long_retry = topic.starts_with("%RETRY%") && topic.size() == 255;
    EXPECT_EQ(model::topic::is_system(topic), row["system"].as_bool()) << row.dump();
    if (long_retry) continue;
    EXPECT_EQ(model::check_topic_name(topic).has_value(), row["legal"].as_bool()) << row.dump();
  }
}

}  // namespace
}  // namespace oncemq::golden
