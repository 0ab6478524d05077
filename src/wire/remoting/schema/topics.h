#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/remoting/schema.h"

// Topics of a broker.
namespace oncemq::wire {

struct UpdateAndCreateTopic {
  static constexpr RequestMeta meta{.code = 17,
                                    .name = "UPDATE_AND_CREATE_TOPIC",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopic, Action::kCreate}};
  struct Header {
    std::string_view topic;
    std::string_view default_topic;
    std::int32_t read_queues = 0;
    std::int32_t write_queues = 0;
    std::int32_t perm = 0;
    std::string_view filter_type;  // SINGLE_TAG or MULTI_TAG
    std::int32_t sys_flag = 0;
    bool order = false;
    std::string_view attributes;  // changes: "+key=value,-key"
    bool force = false;

    static constexpr auto fields =
        fields_of(field("topic", &Header::topic, kRequired),
                  field("defaultTopic", &Header::default_topic, kRequired),
                  field("readQueueNums", &Header::read_queues, kRequired),
                  field("writeQueueNums", &Header::write_queues, kRequired),
                  field("perm", &Header::perm, kRequired),
                  field("topicFilterType", &Header::filter_type, kRequired),
                  field("topicSysFlag", &Header::sys_flag), field("order", &Header::order),
                  field("attributes", &Header::attributes), field("force", &Header::force));
  };
  using Reply = NoFields;
};

// Body: {"topicConfigList":[...]}, see body/topics.h.
struct UpdateAndCreateTopicList {
  static constexpr RequestMeta meta{.code = 18,
                                    .name = "UPDATE_AND_CREATE_TOPIC_LIST",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopic, Action::kCreate}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct DeleteTopicInBroker {
  static constexpr RequestMeta meta{.code = 215,
                                    .name = "DELETE_TOPIC_IN_BROKER",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopic, Action::kDelete}};
  struct Header {
    std::string_view topic;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired));
  };
  using Reply = NoFields;
};

struct GetAllTopicConfig {
  static constexpr RequestMeta meta{.code = 21,
                                    .name = "GET_ALL_TOPIC_CONFIG",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopic, Action::kList}};
  struct Header {
    std::optional<std::int32_t> first;
    std::string_view data_version;
    std::optional<std::int32_t> max_topics;

    static constexpr auto fields =
        fields_of(field("topicSeq", &Header::first), field("dataVersion", &Header::data_version),
                  field("maxTopicNum", &Header::max_topics));
  };
  struct Reply {
    std::optional<std::int32_t> total;

    static constexpr auto fields = fields_of(field("totalTopicNum", &Reply::total));
  };
};

struct GetTopicConfig {
  static constexpr RequestMeta meta{.code = 351,
                                    .name = "GET_TOPIC_CONFIG",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view topic;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired));
  };
  using Reply = NoFields;
};

struct GetTopicStatsInfo {
  static constexpr RequestMeta meta{.code = 202,
                                    .name = "GET_TOPIC_STATS_INFO",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view topic;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired));
  };
  using Reply = NoFields;
};

struct GetSystemTopicListFromBroker {
  static constexpr RequestMeta meta{.code = 305,
                                    .name = "GET_SYSTEM_TOPIC_LIST_FROM_BROKER",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopic, Action::kList}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct CleanUnusedTopic {
  static constexpr RequestMeta meta{.code = 316,
                                    .name = "CLEAN_UNUSED_TOPIC",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kUpdate}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct QueryTopicConsumeByWho {
  static constexpr RequestMeta meta{.code = 300,
                                    .name = "QUERY_TOPIC_CONSUME_BY_WHO",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view topic;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired));
  };
  using Reply = NoFields;
};

using TopicRequests =
    RequestList<UpdateAndCreateTopic, UpdateAndCreateTopicList, DeleteTopicInBroker,
                GetAllTopicConfig, GetTopicConfig, GetTopicStatsInfo, GetSystemTopicListFromBroker,
                CleanUnusedTopic, QueryTopicConsumeByWho>;

}  // namespace oncemq::wire
