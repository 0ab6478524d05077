#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/remoting/schema.h"

// Name service: brokers that come, stay and go.
namespace oncemq::wire {

// Body: body/register_broker.h.
struct RegisterBroker {
  static constexpr RequestMeta meta{.code = 103,
                                    .name = "REGISTER_BROKER",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kUpdate},
                                    .guards = {}};
  struct Header {
    std::string_view broker_name;
    std::string_view broker_address;
    std::string_view cluster_name;
    std::string_view ha_address;
    std::int64_t broker_id = 0;
    std::optional<std::int64_t> heartbeat_timeout_ms;
    std::optional<bool> enable_acting_master;
    bool compressed = false;
    std::int32_t body_crc32 = 0;  // 0: not checked
    std::string_view zone_name;

    static constexpr auto fields =
        fields_of(field("brokerName", &Header::broker_name, kRequired),
                  field("brokerAddr", &Header::broker_address, kRequired),
                  field("clusterName", &Header::cluster_name, kRequired),
                  field("haServerAddr", &Header::ha_address, kRequired),
                  field("brokerId", &Header::broker_id, kRequired),
                  field("heartbeatTimeoutMillis", &Header::heartbeat_timeout_ms),
                  field("enableActingMaster", &Header::enable_acting_master),
                  field("compressed", &Header::compressed), field("bodyCrc32", &Header::body_crc32),
                  field("__ZONE_NAME", &Header::zone_name));
  };
  struct Reply {
    std::string_view ha_address;
    std::string_view master_address;

    static constexpr auto fields = fields_of(field("haServerAddr", &Reply::ha_address),
                                             field("masterAddr", &Reply::master_address));
  };
};

struct UnregisterBroker {
  static constexpr RequestMeta meta{.code = 104,
                                    .name = "UNREGISTER_BROKER",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kUpdate},
                                    .guards = {}};
  struct Header {
    std::string_view broker_name;
    std::string_view broker_address;
    std::string_view cluster_name;
    std::int64_t broker_id = 0;

    static constexpr auto fields =
        fields_of(field("brokerName", &Header::broker_name, kRequired),
                  field("brokerAddr", &Header::broker_address, kRequired),
                  field("clusterName", &Header::cluster_name, kRequired),
                  field("brokerId", &Header::broker_id, kRequired));
  };
  using Reply = NoFields;
};

struct BrokerHeartbeat {
  static constexpr RequestMeta meta{.code = 904,
                                    .name = "BROKER_HEARTBEAT",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kUpdate},
                                    .guards = {}};
  struct Header {
    std::string_view broker_name;
    std::string_view broker_address;
    std::string_view cluster_name;
    std::optional<std::int64_t> broker_id;
    std::optional<std::int32_t> epoch;
    std::optional<std::int64_t> max_offset;
    std::optional<std::int64_t> confirm_offset;
    std::optional<std::int64_t> heartbeat_timeout_ms;
    std::optional<std::int32_t> election_priority;

    static constexpr auto fields = fields_of(
        field("brokerName", &Header::broker_name, kRequired),
        field("brokerAddr", &Header::broker_address, kRequired),
        field("clusterName", &Header::cluster_name, kRequired),
        field("brokerId", &Header::broker_id), field("epoch", &Header::epoch),
        field("maxOffset", &Header::max_offset), field("confirmOffset", &Header::confirm_offset),
        field("heartbeatTimeoutMills", &Header::heartbeat_timeout_ms),
        field("electionPriority", &Header::election_priority));
  };
  using Reply = NoFields;
};

// Body in both directions: DataVersion as JSON.
struct QueryDataVersion {
  static constexpr RequestMeta meta{.code = 322,
                                    .name = "QUERY_DATA_VERSION",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kGet},
                                    .guards = {}};
  struct Header {
    std::string_view broker_name;
    std::string_view broker_address;
    std::string_view cluster_name;
    std::int64_t broker_id = 0;

    static constexpr auto fields =
        fields_of(field("brokerName", &Header::broker_name, kRequired),
                  field("brokerAddr", &Header::broker_address, kRequired),
                  field("clusterName", &Header::cluster_name, kRequired),
                  field("brokerId", &Header::broker_id, kRequired));
  };
  struct Reply {
    bool changed = false;

    static constexpr auto fields = fields_of(field("changed", &Reply::changed, kRequired));
  };
};

struct GetBrokerMemberGroup {
  static constexpr RequestMeta meta{.code = 901,
                                    .name = "GET_BROKER_MEMBER_GROUP",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kGet},
                                    .guards = {}};
  struct Header {
    std::string_view cluster_name;
    std::string_view broker_name;

    static constexpr auto fields = fields_of(field("clusterName", &Header::cluster_name, kRequired),
                                             field("brokerName", &Header::broker_name, kRequired));
  };
  using Reply = NoFields;
};

struct WipeWritePermOfBroker {
  static constexpr RequestMeta meta{.code = 205,
                                    .name = "WIPE_WRITE_PERM_OF_BROKER",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kUpdate},
                                    .guards = {}};
  struct Header {
    std::string_view broker_name;

    static constexpr auto fields = fields_of(field("brokerName", &Header::broker_name, kRequired));
  };
  struct Reply {
    std::int32_t topics = 0;

    static constexpr auto fields = fields_of(field("wipeTopicCount", &Reply::topics, kRequired));
  };
};

struct AddWritePermOfBroker {
  static constexpr RequestMeta meta{.code = 327,
                                    .name = "ADD_WRITE_PERM_OF_BROKER",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kUpdate},
                                    .guards = {}};
  struct Header {
    std::string_view broker_name;

    static constexpr auto fields = fields_of(field("brokerName", &Header::broker_name, kRequired));
  };
  struct Reply {
    std::int32_t topics = 0;

    static constexpr auto fields = fields_of(field("addTopicCount", &Reply::topics, kRequired));
  };
};

using NameBrokerRequests =
    RequestList<RegisterBroker, UnregisterBroker, BrokerHeartbeat, QueryDataVersion,
                GetBrokerMemberGroup, WipeWritePermOfBroker, AddWritePermOfBroker>;

}  // namespace oncemq::wire
