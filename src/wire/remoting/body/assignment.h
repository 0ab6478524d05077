#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "wire/remoting/body/heartbeat.h"

// QUERY_ASSIGNMENT (400), SET_MESSAGE_REQUEST_MODE (401), GET_ALL_MESSAGE_REQUEST_MODE (402) and
// messageRequestMode.json.
namespace oncemq::wire {

struct QueryAssignmentBody {
  std::string client_id;
  std::string group;
  model::MessageModel message_model = model::MessageModel::kClustering;
  std::string strategy;  // "AVG" or "AVG_BY_CIRCLE"
  std::string topic;

  static constexpr auto members =
      json_members(json_member("clientId", &QueryAssignmentBody::client_id),
                   json_member("consumerGroup", &QueryAssignmentBody::group),
                   json_member("messageModel", &QueryAssignmentBody::message_model),
                   json_member("strategyName", &QueryAssignmentBody::strategy),
                   json_member("topic", &QueryAssignmentBody::topic));
};

enum class RequestMode : std::uint8_t { kPull = 0, kPop = 1 };

struct QueueAssignment {
  std::map<std::string, std::string> attachments;
  Queue queue;
  RequestMode mode = RequestMode::kPull;

  static constexpr auto members =
      json_members(json_member("attachments", &QueueAssignment::attachments),
                   json_member("messageQueue", &QueueAssignment::queue),
                   json_member("mode", &QueueAssignment::mode));
};
struct QueueAssignments {
  std::vector<QueueAssignment> assignments;

  static constexpr auto members =
      json_members(json_member("messageQueueAssignments", &QueueAssignments::assignments));
};

struct GroupRequestMode {
  std::string group;
  RequestMode mode = RequestMode::kPull;
  std::int32_t pop_share_queues = 0;
  std::string topic;

  static constexpr auto members =
      json_members(json_member("consumerGroup", &GroupRequestMode::group),
                   json_member("mode", &GroupRequestMode::mode),
                   json_member("popShareQueueNum", &GroupRequestMode::pop_share_queues),
                   json_member("topic", &GroupRequestMode::topic));
};
// topic -> group -> mode.
struct RequestModes {
  std::map<std::string, std::map<std::string, GroupRequestMode>> modes;

  static constexpr auto members =
      json_members(json_member("messageRequestModeMap", &RequestModes::modes));
};

}  // namespace oncemq::wire

namespace oncemq {
template <>
struct JsonEnum<wire::RequestMode> {
  static constexpr std::array<std::string_view, 2> names{"PULL", "POP"};
};
}  // namespace oncemq
