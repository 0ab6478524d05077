#pragma once

#include <optional>
#include <string_view>

#include "wire/remoting/schema.h"

// Name service: routes and topic lists.
namespace oncemq::wire {

// Body of the answer: body/route.h.
struct GetRouteInfoByTopic {
  static constexpr RequestMeta meta{.code = 105,
                                    .name = "GET_ROUTEINFO_BY_TOPIC",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kTopic, Action::kAny},
                                    .guards = {}};
  struct Header {
    std::string_view topic;
    std::optional<bool> accept_standard_json_only;

    static constexpr auto fields =
        fields_of(field("topic", &Header::topic, kRequired),
                  field("acceptStandardJsonOnly", &Header::accept_standard_json_only));
  };
  using Reply = NoFields;
};

struct GetBrokerClusterInfo {
  static constexpr RequestMeta meta{.code = 106,
                                    .name = "GET_BROKER_CLUSTER_INFO",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kGet},
                                    .guards = {}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct GetAllTopicListFromNameServer {
  static constexpr RequestMeta meta{.code = 206,
                                    .name = "GET_ALL_TOPIC_LIST_FROM_NAMESERVER",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kTopic, Action::kList},
                                    .guards = {}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct GetTopicsByCluster {
  static constexpr RequestMeta meta{.code = 224,
                                    .name = "GET_TOPICS_BY_CLUSTER",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kTopic, Action::kList},
                                    .guards = {}};
  struct Header {
    std::string_view cluster;

    static constexpr auto fields = fields_of(field("cluster", &Header::cluster, kRequired));
  };
  using Reply = NoFields;
};

struct GetSystemTopicListFromNameServer {
  static constexpr RequestMeta meta{.code = 304,
                                    .name = "GET_SYSTEM_TOPIC_LIST_FROM_NS",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kTopic, Action::kList},
                                    .guards = {}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct GetUnitTopicList {
  static constexpr RequestMeta meta{.code = 311,
                                    .name = "GET_UNIT_TOPIC_LIST",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kTopic, Action::kList},
                                    .guards = {}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct GetHasUnitSubTopicList {
  static constexpr RequestMeta meta{.code = 312,
                                    .name = "GET_HAS_UNIT_SUB_TOPIC_LIST",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kTopic, Action::kList},
                                    .guards = {}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct GetHasUnitSubUnunitTopicList {
  static constexpr RequestMeta meta{.code = 313,
                                    .name = "GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kTopic, Action::kList},
                                    .guards = {}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct DeleteTopicInNameServer {
  static constexpr RequestMeta meta{.code = 216,
                                    .name = "DELETE_TOPIC_IN_NAMESRV",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kUpdate},
                                    .guards = {}};
  struct Header {
    std::string_view topic;
    std::string_view cluster_name;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired),
                                             field("clusterName", &Header::cluster_name));
  };
  using Reply = NoFields;
};

// Body: body/route.h.
struct RegisterTopicInNameServer {
  static constexpr RequestMeta meta{.code = 217,
                                    .name = "REGISTER_TOPIC_IN_NAMESRV",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kUpdate},
                                    .guards = {}};
  struct Header {
    std::string_view topic;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired));
  };
  using Reply = NoFields;
};

using NameRouteRequests =
    RequestList<GetRouteInfoByTopic, GetBrokerClusterInfo, GetAllTopicListFromNameServer,
                GetTopicsByCluster, GetSystemTopicListFromNameServer, GetUnitTopicList,
                GetHasUnitSubTopicList, GetHasUnitSubUnunitTopicList, DeleteTopicInNameServer,
                RegisterTopicInNameServer>;

}  // namespace oncemq::wire
