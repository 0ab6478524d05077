#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/json_members.h"
#include "model/group.h"
#include "model/subscription.h"
#include "wire/remoting/body/body.h"

// HEART_BEAT (34) and CHECK_CLIENT_CONFIG (46).
namespace oncemq {
template <>
struct JsonEnum<model::ConsumeType> {
  static constexpr std::array<std::string_view, 3> names{"CONSUME_ACTIVELY", "CONSUME_PASSIVELY",
                                                         "CONSUME_POP"};
};
template <>
struct JsonEnum<model::MessageModel> {
  static constexpr std::array<std::string_view, 2> names{"BROADCASTING", "CLUSTERING"};
};
}  // namespace oncemq

namespace oncemq::wire {

// Where a group begins that has no offset; the client decides, the broker only passes it on.
enum class ConsumeFrom : std::uint8_t {
  kLastOffset = 0,
  kLastOffsetAndFromMinWhenBootFirst = 1,
  kMinOffset = 2,
  kMaxOffset = 3,
  kFirstOffset = 4,
  kTimestamp = 5,
};

struct ProducerGroup {
  std::string name;

  static constexpr auto members = json_members(json_member("groupName", &ProducerGroup::name));
};

struct ConsumerGroup {
  ConsumeFrom consume_from = ConsumeFrom::kLastOffset;
  model::ConsumeType consume_type = model::ConsumeType::kPassively;
  std::string name;
  model::MessageModel message_model = model::MessageModel::kClustering;
  std::vector<model::Subscription> subscriptions;
  bool unit_mode = false;

  static constexpr auto members =
      json_members(json_member("consumeFromWhere", &ConsumerGroup::consume_from),
                   json_member("consumeType", &ConsumerGroup::consume_type),
                   json_member("groupName", &ConsumerGroup::name),
                   json_member("messageModel", &ConsumerGroup::message_model),
                   json_member("subscriptionDataSet", &ConsumerGroup::subscriptions),
                   json_member("unitMode", &ConsumerGroup::unit_mode));
};

struct HeartbeatBody {
  std::string client_id;
  std::vector<ConsumerGroup> consumers;
  std::int32_t fingerprint = 0;  // 0: the first form of heartbeats
  std::vector<ProducerGroup> producers;
  bool without_subscriptions = false;

  static constexpr auto members =
      json_members(json_member("clientID", &HeartbeatBody::client_id),
                   json_member("consumerDataSet", &HeartbeatBody::consumers),
                   json_member("heartbeatFingerprint", &HeartbeatBody::fingerprint),
                   json_member("producerDataSet", &HeartbeatBody::producers),
                   json_member("withoutSub", &HeartbeatBody::without_subscriptions));
};

struct CheckClientBody {
  std::string client_id;
  std::string group;
  std::optional<std::string> name_space;
  std::optional<model::Subscription> subscription;

  static constexpr auto members =
      json_members(json_member("clientId", &CheckClientBody::client_id),
                   json_member("group", &CheckClientBody::group),
                   json_member("namespace", &CheckClientBody::name_space),
                   json_member("subscriptionData", &CheckClientBody::subscription));
};

// Answer of GET_CONSUMER_LIST_BY_GROUP (38).
struct ConsumerIdList {
  std::vector<std::string> ids;

  static constexpr auto members = json_members(json_member("consumerIdList", &ConsumerIdList::ids));
};

}  // namespace oncemq::wire

namespace oncemq {
template <>
struct JsonEnum<wire::ConsumeFrom> {
  static constexpr std::array<std::string_view, 6> names{
      "CONSUME_FROM_LAST_OFFSET",  "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST",
      "CONSUME_FROM_MIN_OFFSET",   "CONSUME_FROM_MAX_OFFSET",
      "CONSUME_FROM_FIRST_OFFSET", "CONSUME_FROM_TIMESTAMP"};
};
}  // namespace oncemq
