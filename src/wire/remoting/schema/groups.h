#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/remoting/schema.h"

// Consumer groups of a broker: settings, progress, offsets.
namespace oncemq::wire {

// Body: one group config, see model/config_json.h.
struct UpdateAndCreateGroup {
  static constexpr RequestMeta meta{.code = 200,
                                    .name = "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kCreate}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct UpdateAndCreateGroupList {
  static constexpr RequestMeta meta{.code = 225,
                                    .name = "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kCreate}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct GetAllGroupConfig {
  static constexpr RequestMeta meta{.code = 201,
                                    .name = "GET_ALL_SUBSCRIPTIONGROUP_CONFIG",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kList}};
  struct Header {
    std::optional<std::int32_t> first;
    std::string_view data_version;
    std::optional<std::int32_t> max_groups;

    static constexpr auto fields =
        fields_of(field("groupSeq", &Header::first), field("dataVersion", &Header::data_version),
                  field("maxGroupNum", &Header::max_groups));
  };
  struct Reply {
    std::optional<std::int32_t> total;

    static constexpr auto fields = fields_of(field("totalGroupNum", &Reply::total));
  };
};

struct DeleteGroup {
  static constexpr RequestMeta meta{.code = 207,
                                    .name = "DELETE_SUBSCRIPTIONGROUP",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kDelete}};
  struct Header {
    std::string_view group;
    bool clean_offset = false;

    static constexpr auto fields = fields_of(field("groupName", &Header::group, kRequired),
                                             field("cleanOffset", &Header::clean_offset));
  };
  using Reply = NoFields;
};

struct GetGroupConfig {
  static constexpr RequestMeta meta{.code = 352,
                                    .name = "GET_SUBSCRIPTIONGROUP_CONFIG",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kGet}};
  struct Header {
    std::string_view group;

    static constexpr auto fields = fields_of(field("group", &Header::group, kRequired));
  };
  using Reply = NoFields;
};

struct UpdateAndGetGroupForbidden {
  static constexpr RequestMeta meta{.code = 353,
                                    .name = "UPDATE_AND_GET_GROUP_FORBIDDEN",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kUpdate}};
  struct Header {
    std::string_view group;
    std::string_view topic;
    std::optional<bool> readable;  // absent: only ask

    static constexpr auto fields =
        fields_of(field("group", &Header::group, kRequired),
                  field("topic", &Header::topic, kRequired), field("readable", &Header::readable));
  };
  using Reply = NoFields;
};

struct GetConsumeStats {
  static constexpr RequestMeta meta{.code = 208,
                                    .name = "GET_CONSUME_STATS",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kGet}};
  struct Header {
    std::string_view consumer_group;
    std::string_view topic;
    std::string_view topic_list;  // separated by ';'

    static constexpr auto fields =
        fields_of(field("consumerGroup", &Header::consumer_group, kRequired),
                  field("topic", &Header::topic), field("topicList", &Header::topic_list));
  };
  using Reply = NoFields;
};

struct GetBrokerConsumeStats {
  static constexpr RequestMeta meta{.code = 317,
                                    .name = "GET_BROKER_CONSUME_STATS",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kGet}};
  struct Header {
    bool order = false;

    static constexpr auto fields = fields_of(field("isOrder", &Header::order));
  };
  using Reply = NoFields;
};

struct QueryConsumeTimeSpan {
  static constexpr RequestMeta meta{.code = 303,
                                    .name = "QUERY_CONSUME_TIME_SPAN",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopicAndGroup, Action::kGet}};
  struct Header {
    std::string_view topic;
    std::string_view group;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired),
                                             field("group", &Header::group, kRequired));
  };
  using Reply = NoFields;
};

struct QueryTopicsByConsumer {
  static constexpr RequestMeta meta{.code = 343,
                                    .name = "QUERY_TOPICS_BY_CONSUMER",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kGet}};
  struct Header {
    std::string_view group;

    static constexpr auto fields = fields_of(field("group", &Header::group, kRequired));
  };
  using Reply = NoFields;
};

struct QuerySubscriptionByConsumer {
  static constexpr RequestMeta meta{.code = 345,
                                    .name = "QUERY_SUBSCRIPTION_BY_CONSUMER",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kGet}};
  struct Header {
    std::string_view group;
    std::string_view topic;

    static constexpr auto fields =
        fields_of(field("group", &Header::group, kRequired), field("topic", &Header::topic));
  };
  using Reply = NoFields;
};

struct CloneGroupOffset {
  static constexpr RequestMeta meta{.code = 314,
                                    .name = "CLONE_GROUP_OFFSET",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kUpdate}};
  struct Header {
    std::string_view source;
    std::string_view destination;
    std::string_view topic;
    bool offline = false;

    static constexpr auto fields =
        fields_of(field("srcGroup", &Header::source, kRequired),
                  field("destGroup", &Header::destination, kRequired),
                  field("topic", &Header::topic), field("offline", &Header::offline));
  };
  using Reply = NoFields;
};

// Of INVOKE_BROKER_TO_RESET_OFFSET and RESET_CONSUMER_CLIENT_OFFSET.
struct ResetOffsetHeader {
  std::string_view group;
  std::string_view topic;
  std::int32_t queue_id = -1;  // -1: all
  std::optional<std::int64_t> offset;
  std::int64_t timestamp = 0;  // ms since epoch; negative: the latest
  bool force = false;

  static constexpr auto fields = fields_of(
      field("group", &ResetOffsetHeader::group, kRequired),
      field("topic", &ResetOffsetHeader::topic, kRequired),
      field("queueId", &ResetOffsetHeader::queue_id), field("offset", &ResetOffsetHeader::offset),
      field("timestamp", &ResetOffsetHeader::timestamp, kRequired),
      field("isForce", &ResetOffsetHeader::force, kRequired));
};

struct InvokeBrokerToResetOffset {
  static constexpr RequestMeta meta{.code = 222,
                                    .name = "INVOKE_BROKER_TO_RESET_OFFSET",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopicAndGroup, Action::kUpdate}};
  using Header = ResetOffsetHeader;
  using Reply = NoFields;
};

struct GetAllConsumerOffset {
  static constexpr RequestMeta meta{.code = 43,
                                    .name = "GET_ALL_CONSUMER_OFFSET",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kList}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct GetAllDelayOffset {
  static constexpr RequestMeta meta{.code = 45,
                                    .name = "GET_ALL_DELAY_OFFSET",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kGet}};
  using Header = NoFields;
  using Reply = NoFields;
};

// Body: body/assignment.h.
struct SetMessageRequestMode {
  static constexpr RequestMeta meta{.code = 401,
                                    .name = "SET_MESSAGE_REQUEST_MODE",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kUpdate}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct GetAllMessageRequestMode {
  static constexpr RequestMeta meta{.code = 402,
                                    .name = "GET_ALL_MESSAGE_REQUEST_MODE",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kList}};
  using Header = NoFields;
  using Reply = NoFields;
};

using GroupRequests =
    RequestList<UpdateAndCreateGroup, UpdateAndCreateGroupList, GetAllGroupConfig, DeleteGroup,
                GetGroupConfig, UpdateAndGetGroupForbidden, GetConsumeStats, GetBrokerConsumeStats,
                QueryConsumeTimeSpan, QueryTopicsByConsumer, QuerySubscriptionByConsumer,
                CloneGroupOffset, InvokeBrokerToResetOffset, GetAllConsumerOffset,
                GetAllDelayOffset, SetMessageRequestMode, GetAllMessageRequestMode>;

}  // namespace oncemq::wire
