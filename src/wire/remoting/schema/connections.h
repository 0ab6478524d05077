#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/remoting/schema.h"

// Who is connected, and questions that the broker passes on to a client.
namespace oncemq::wire {

struct GetConsumerConnectionList {
  static constexpr RequestMeta meta{.code = 203,
                                    .name = "GET_CONSUMER_CONNECTION_LIST",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kGet}};
  struct Header {
    std::string_view consumer_group;

    static constexpr auto fields =
        fields_of(field("consumerGroup", &Header::consumer_group, kRequired));
  };
  using Reply = NoFields;
};

struct GetProducerConnectionList {
  static constexpr RequestMeta meta{.code = 204,
                                    .name = "GET_PRODUCER_CONNECTION_LIST",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kGet}};
  struct Header {
    std::string_view producer_group;

    static constexpr auto fields =
        fields_of(field("producerGroup", &Header::producer_group, kRequired));
  };
  using Reply = NoFields;
};

struct GetAllProducerInfo {
  static constexpr RequestMeta meta{.code = 328,
                                    .name = "GET_ALL_PRODUCER_INFO",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kGet}};
  using Header = NoFields;
  using Reply = NoFields;
};

// Body of the answer: what the client says, passed on as it is.
struct GetConsumerRunningInfo {
  static constexpr RequestMeta meta{.code = 307,
                                    .name = "GET_CONSUMER_RUNNING_INFO",
                                    .to = Peer::kBroker | Peer::kClient,
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kGet}};
  struct Header {
    std::string_view consumer_group;
    std::string_view client_id;
    bool jstack_enable = false;

    static constexpr auto fields =
        fields_of(field("consumerGroup", &Header::consumer_group, kRequired),
                  field("clientId", &Header::client_id, kRequired),
                  field("jstackEnable", &Header::jstack_enable));
  };
  using Reply = NoFields;
};

// The broker adds the message as body and passes it on.
struct ConsumeMessageDirectly {
  static constexpr RequestMeta meta{.code = 309,
                                    .name = "CONSUME_MESSAGE_DIRECTLY",
                                    .to = Peer::kBroker | Peer::kClient,
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kSub}};
  struct Header {
    std::string_view consumer_group;
    std::string_view client_id;
    std::string_view message_id;
    std::string_view broker_name;
    std::string_view topic;
    std::optional<std::int32_t> topic_sys_flag;
    std::optional<std::int32_t> group_sys_flag;

    static constexpr auto fields =
        fields_of(field("consumerGroup", &Header::consumer_group, kRequired),
                  field("clientId", &Header::client_id), field("msgId", &Header::message_id),
                  field("brokerName", &Header::broker_name), field("topic", &Header::topic),
                  field("topicSysFlag", &Header::topic_sys_flag),
                  field("groupSysFlag", &Header::group_sys_flag));
  };
  using Reply = NoFields;
};

struct InvokeBrokerToGetConsumerStatus {
  static constexpr RequestMeta meta{.code = 223,
                                    .name = "INVOKE_BROKER_TO_GET_CONSUMER_STATUS",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopicAndGroup, Action::kGet}};
  struct Header {
    std::string_view topic;
    std::string_view group;
    std::string_view client_address;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired),
                                             field("group", &Header::group, kRequired),
                                             field("clientAddr", &Header::client_address));
  };
  using Reply = NoFields;
};

using ConnectionRequests =
    RequestList<GetConsumerConnectionList, GetProducerConnectionList, GetAllProducerInfo,
                GetConsumerRunningInfo, ConsumeMessageDirectly, InvokeBrokerToGetConsumerStatus>;

}  // namespace oncemq::wire
