#include "model/config_json.h"

#include <utility>

#include "base/json_codec.h"

namespace oncemq::model {

namespace {

constexpr std::string_view kSingleTag = "SINGLE_TAG";
constexpr std::string_view kMultiTag = "MULTI_TAG";

// Reads members of one object; the first one that does not read is kept.
class MemberReader {
 public:
  explicit MemberReader(const Json& json) : json_(json) {
    if (!json.is_object()) status_ = fail(json_mismatch("an object"));
  }
  template <class T>
  void get(std::string_view name, T& into) {
    if (!status_) return;
    if (Status read = json_read(json_[name], into); !read)
      status_ = fail(json_within(name, read.error()));
  }
  // Members that nothing here looks into: kept as text, "" when absent.
  void get_verbatim(std::string_view name, std::string& into) {
    const Json& member = json_[name];
    if (status_ && !member.is_null()) into = member.dump();
  }
  template <class T>
  Result<T> result(T value) {
    if (!status_) return fail(std::move(status_.error()));
    return value;
  }

 private:
  const Json& json_;
  Status status_;
};

Json parsed_or_null(const std::string& text) {
  if (text.empty()) return {};
  Result<Json> json = Json::parse(text);
  return json ? std::move(*json) : Json();
}

// A member of a table: the entry by name, whose own name is the key when it has none.
template <class T>
Status read_table(const Json& json, std::string_view name, Result<T> (*read)(const Json&),
                  std::map<std::string, T>& into) {
  const Json& table = json[name];
  if (!table.is_object()) return fail(json_within(name, json_mismatch("an object")));
  for (const auto& [key, entry] : table.members()) {
    Result<T> value = read(entry);
    if (!value) return fail(json_within(name, json_within(key, value.error())));
    if (value->name.empty()) value->name = key;
    into.insert_or_assign(key, std::move(*value));
  }
  return {};
}

Status read_version(const Json& json, DataVersion& into) {
  const Json& member = json["dataVersion"];
  if (member.is_null()) return {};
  Result<DataVersion> version = data_version_from_json(member);
  if (!version) return fail(json_within("dataVersion", version.error()));
  into = *version;
  return {};
}

}  // namespace

Json to_json(const DataVersion& version) {
  return Json::object({{"counter", Json(version.counter)},
                       {"stateVersion", Json(version.state_version)},
                       {"timestamp", Json(version.timestamp)}});
}

Result<DataVersion> data_version_from_json(const Json& json) {
  DataVersion version;
  MemberReader members(json);
  members.get("counter", version.counter);
  members.get("stateVersion", version.state_version);
  members.get("timestamp", version.timestamp);
  return members.result(version);
}

Json to_json(const TopicConfig& topic) {
  return Json::object({{"attributes", json_write(topic.attributes)},
                       {"order", Json(topic.order)},
                       {"perm", Json(topic.perm)},
                       {"readQueueNums", Json(topic.read_queues)},
                       {"topicFilterType", Json(topic.multi_tag ? kMultiTag : kSingleTag)},
                       {"topicName", Json(topic.name)},
                       {"topicSysFlag", Json(topic.sys_flag)},
                       {"writeQueueNums", Json(topic.write_queues)}});
}

Result<TopicConfig> topic_config_from_json(const Json& json) {
  TopicConfig topic;
  std::string filter_type;
  MemberReader members(json);
  members.get("attributes", topic.attributes);
  members.get("order", topic.order);
  members.get("perm", topic.perm);
  members.get("readQueueNums", topic.read_queues);
  members.get("topicFilterType", filter_type);
  members.get("topicName", topic.name);
  members.get("topicSysFlag", topic.sys_flag);
  members.get("writeQueueNums", topic.write_queues);
  topic.multi_tag = filter_type == kMultiTag;
  return members.result(std::move(topic));
}

Json to_json(const GroupConfig& group) {
  Json json = Json::object({{"attributes", json_write(group.attributes)},
                            {"brokerId", Json(group.broker_id)},
                            {"consumeBroadcastEnable", Json(group.consume_broadcast_enable)},
                            {"consumeEnable", Json(group.consume_enable)},
                            {"consumeFromMinEnable", Json(group.consume_from_min_enable)},
                            {"consumeMessageOrderly", Json(group.consume_message_orderly)},
                            {"consumeTimeoutMinute", Json(group.consume_timeout_minutes)},
                            {"groupName", Json(group.name)}});
  if (Json policy = parsed_or_null(group.retry_policy_json); !policy.is_null())
    json.set("groupRetryPolicy", std::move(policy));
  json.set("groupSysFlag", Json(group.sys_flag));
  json.set("notifyConsumerIdsChangedEnable", Json(group.notify_consumer_ids_changed_enable));
  json.set("retryMaxTimes", Json(group.retry_max_times));
  json.set("retryQueueNums", Json(group.retry_queues));
  if (Json subscriptions = parsed_or_null(group.subscription_json); !subscriptions.is_null())
    json.set("subscriptionDataSet", std::move(subscriptions));
  json.set("whichBrokerWhenConsumeSlowly", Json(group.which_broker_when_slow));
  return json;
}

Result<GroupConfig> group_config_from_json(const Json& json) {
  GroupConfig group;
  MemberReader members(json);
  members.get("attributes", group.attributes);
  members.get("brokerId", group.broker_id);
  members.get("consumeBroadcastEnable", group.consume_broadcast_enable);
  members.get("consumeEnable", group.consume_enable);
  members.get("consumeFromMinEnable", group.consume_from_min_enable);
  members.get("consumeMessageOrderly", group.consume_message_orderly);
  members.get("consumeTimeoutMinute", group.consume_timeout_minutes);
  members.get("groupName", group.name);
  members.get_verbatim("groupRetryPolicy", group.retry_policy_json);
  members.get("groupSysFlag", group.sys_flag);
  members.get("notifyConsumerIdsChangedEnable", group.notify_consumer_ids_changed_enable);
  members.get("retryMaxTimes", group.retry_max_times);
  members.get("retryQueueNums", group.retry_queues);
  members.get_verbatim("subscriptionDataSet", group.subscription_json);
  members.get("whichBrokerWhenConsumeSlowly", group.which_broker_when_slow);
  return members.result(std::move(group));
}

Json to_json(const Subscription& subscription) {
  return Json::object({{"classFilterMode", Json(subscription.class_filter)},
                       {"codeSet", json_write(subscription.codes)},
                       {"expressionType", Json(subscription.expression_type)},
                       {"subString", Json(subscription.expression)},
                       {"subVersion", Json(subscription.version)},
                       {"tagsSet", json_write(subscription.tags)},
                       {"topic", Json(subscription.topic)}});
}

Result<Subscription> subscription_from_json(const Json& json) {
  Subscription subscription;
  MemberReader members(json);
  members.get("classFilterMode", subscription.class_filter);
  members.get("codeSet", subscription.codes);
  members.get("expressionType", subscription.expression_type);
  members.get("subString", subscription.expression);
  members.get("subVersion", subscription.version);
  members.get("tagsSet", subscription.tags);
  members.get("topic", subscription.topic);
  return members.result(std::move(subscription));
}

Json topic_table_to_json(const TopicTableMap& topics, const DataVersion& version) {
  Json::Object table;
  table.reserve(topics.size());
  for (const auto& [name, topic] : topics) table.emplace_back(name, to_json(topic));
  return Json::object(
      {{"dataVersion", to_json(version)}, {"topicConfigTable", Json::object(std::move(table))}});
}

Result<TopicTableFile> topic_table_from_json(const Json& json) {
  TopicTableFile file;
  ONCE_TRY(read_table(json, "topicConfigTable", topic_config_from_json, file.topics));
  ONCE_TRY(read_version(json, file.version));
  return file;
}

Json group_table_to_json(const GroupTableMap& groups, const ForbiddenTable& forbidden,
                         const DataVersion& version) {
  Json::Object table;
  table.reserve(groups.size());
  for (const auto& [name, group] : groups) table.emplace_back(name, to_json(group));
  return Json::object({{"dataVersion", to_json(version)},
                       {"forbiddenTable", json_write(forbidden)},
                       {"subscriptionGroupTable", Json::object(std::move(table))}});
}

Result<GroupTableFile> group_table_from_json(const Json& json) {
  GroupTableFile file;
  ONCE_TRY(read_table(json, "subscriptionGroupTable", group_config_from_json, file.groups));
  if (Status read = json_read(json["forbiddenTable"], file.forbidden); !read)
    return fail(json_within("forbiddenTable", read.error()));
  ONCE_TRY(read_version(json, file.version));
  return file;
}

Json offset_table_to_json(const OffsetTableFile& file) {
  // Upstream derives the topics of each group when it writes and ignores them when it reads; tools
  // that read the file look at them.
  std::map<std::string, std::vector<std::string>> topics_of_group;
  for (const auto& [key, queues] : file.offsets) {
    const std::size_t at = key.find('@');
    if (at != std::string::npos) topics_of_group[key.substr(at + 1)].push_back(key.substr(0, at));
  }
  Json json = Json::object({{"dataVersion", to_json(file.version)},
                            {"groupTopicMap", json_write(topics_of_group)},
                            {"offsetTable", json_write(file.offsets)}});
  if (!file.resets.empty()) json.set("onceResets", json_write(file.resets));
  if (file.settled > 0) json.set("onceSettled", file.settled);
  return json;
}

Result<OffsetTableFile> offset_table_from_json(const Json& json) {
  OffsetTableFile file;
  if (!json["offsetTable"].is_object())
    return fail(json_within("offsetTable", json_mismatch("an object")));
  if (Status read = json_read(json["offsetTable"], file.offsets); !read)
    return fail(json_within("offsetTable", read.error()));
  ONCE_TRY(read_version(json, file.version));
  if (!json["onceResets"].is_null()) {
    if (Status read = json_read(json["onceResets"], file.resets); !read)
      return fail(json_within("onceResets", read.error()));
  }
  file.settled = std::max<std::int64_t>(0, json["onceSettled"].as_int());
  return file;
}

Json delay_offset_to_json(const DelayOffsetFile& file) {
  Json json = Json::object(
      {{"dataVersion", to_json(file.version)}, {"offsetTable", json_write(file.offsets)}});
  if (file.log >= 0) json.set("onceLog", Json(file.log));
  return json;
}

Result<DelayOffsetFile> delay_offset_from_json(const Json& json) {
  DelayOffsetFile file;
  if (!json["offsetTable"].is_object())
    return fail(json_within("offsetTable", json_mismatch("an object")));
  if (Status read = json_read(json["offsetTable"], file.offsets); !read)
    return fail(json_within("offsetTable", read.error()));
  ONCE_TRY(read_version(json, file.version));
  if (!json["onceLog"].is_null()) {
    if (Status read = json_read(json["onceLog"], file.log); !read)
      return fail(json_within("onceLog", read.error()));
  }
  return file;
}

}  // namespace oncemq::model
