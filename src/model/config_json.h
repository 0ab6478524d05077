#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "model/group.h"
#include "model/subscription.h"
#include "model/topic.h"

// The JSON of things that stand both in config files and in bodies on the wire, with members in the
// order in which upstream writes them. Readers skip unknown members, take defaults for absent ones
// and refuse only what is no object (kBadBytes).
namespace oncemq::model {

Json to_json(const TopicConfig& topic);
Json to_json(const GroupConfig& group);
Json to_json(const DataVersion& version);
Json to_json(const Subscription& subscription);

Result<TopicConfig> topic_config_from_json(const Json& json);
Result<GroupConfig> group_config_from_json(const Json& json);
Result<DataVersion> data_version_from_json(const Json& json);
// Tags and codes as the client says them; expression "*" when absent.
Result<Subscription> subscription_from_json(const Json& json);

// topics.json, subscriptionGroup.json and the answers to GET_ALL_*: tables by name. A group's
// forbidden table maps topics to bits.
using TopicTableMap = std::map<std::string, TopicConfig>;
using GroupTableMap = std::map<std::string, GroupConfig>;
using ForbiddenTable = std::map<std::string, std::map<std::string, std::int32_t>>;

Json topic_table_to_json(const TopicTableMap& topics, const DataVersion& version);
Json group_table_to_json(const GroupTableMap& groups, const ForbiddenTable& forbidden,
                         const DataVersion& version);

struct TopicTableFile {
  TopicTableMap topics;
  DataVersion version;
};
struct GroupTableFile {
  GroupTableMap groups;
  ForbiddenTable forbidden;
  DataVersion version;
};
// kBadBytes when the table is missing or an entry is broken.
Result<TopicTableFile> topic_table_from_json(const Json& json);
Result<GroupTableFile> group_table_from_json(const Json& json);

// consumerOffset.json: "topic@group" -> queue id -> next offset wanted.
using OffsetTableMap = std::map<std::string, std::map<std::int32_t, std::int64_t>>;
struct OffsetTableFile {
  OffsetTableMap offsets;
  DataVersion version;
  // Ours ("onceResets"; Apache passes over it and leaves it out): where groups were put and have
  // not pulled since.
  OffsetTableMap resets = {};
  // Ours ("onceSettled"): transactions below this place of their queue are contained in `offsets`.
  std::int64_t settled = 0;
};
Json offset_table_to_json(const OffsetTableFile& file);
Result<OffsetTableFile> offset_table_from_json(const Json& json);

// delayOffset.json: delay level -> next offset in the schedule topic.
struct DelayOffsetFile {
  std::map<std::int32_t, std::int64_t> offsets;
  DataVersion version;
  // Ours ("onceLog"; Apache passes over it and leaves it out): deliveries that `offsets` does not
  // tell stand at or behind this position of the log. -1: unknown.
  std::int64_t log = -1;
};
Json delay_offset_to_json(const DelayOffsetFile& file);
Result<DelayOffsetFile> delay_offset_from_json(const Json& json);

}  // namespace oncemq::model
