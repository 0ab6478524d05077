#pragma once

#include <string_view>

#include "wire/remoting/schema.h"

// Name service: key-value tables and configuration.
namespace oncemq::wire {

struct PutKvConfig {
  static constexpr RequestMeta meta{.code = 100,
                                    .name = "PUT_KV_CONFIG",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kUpdate},
                                    .guards = {}};
  struct Header {
    std::string_view name_space;
    std::string_view key;
    std::string_view value;

    static constexpr auto fields =
        fields_of(field("namespace", &Header::name_space, kRequired),
                  field("key", &Header::key, kRequired), field("value", &Header::value, kRequired));
  };
  using Reply = NoFields;
};

struct GetKvConfig {
  static constexpr RequestMeta meta{.code = 101,
                                    .name = "GET_KV_CONFIG",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kGet},
                                    .guards = {}};
  struct Header {
    std::string_view name_space;
    std::string_view key;

    static constexpr auto fields = fields_of(field("namespace", &Header::name_space, kRequired),
                                             field("key", &Header::key, kRequired));
  };
  struct Reply {
    std::string_view value;

    static constexpr auto fields = fields_of(field("value", &Reply::value));
  };
};

struct DeleteKvConfig {
  static constexpr RequestMeta meta{.code = 102,
                                    .name = "DELETE_KV_CONFIG",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kUpdate},
                                    .guards = {}};
  struct Header {
    std::string_view name_space;
    std::string_view key;

    static constexpr auto fields = fields_of(field("namespace", &Header::name_space, kRequired),
                                             field("key", &Header::key, kRequired));
  };
  using Reply = NoFields;
};

struct GetKvListByNamespace {
  static constexpr RequestMeta meta{.code = 219,
                                    .name = "GET_KVLIST_BY_NAMESPACE",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kGet},
                                    .guards = {}};
  struct Header {
    std::string_view name_space;

    static constexpr auto fields = fields_of(field("namespace", &Header::name_space, kRequired));
  };
  using Reply = NoFields;
};

struct UpdateNameServerConfig {
  static constexpr RequestMeta meta{.code = 318,
                                    .name = "UPDATE_NAMESRV_CONFIG",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kUpdate},
                                    .guards = {}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct GetNameServerConfig {
  static constexpr RequestMeta meta{.code = 319,
                                    .name = "GET_NAMESRV_CONFIG",
                                    .to = Peer::kNameServer,
                                    .lane = Lane::kName,
                                    .access = {Resource::kCluster, Action::kGet},
                                    .guards = {}};
  using Header = NoFields;
  using Reply = NoFields;
};

using NameKvRequests = RequestList<PutKvConfig, GetKvConfig, DeleteKvConfig, GetKvListByNamespace,
                                   UpdateNameServerConfig, GetNameServerConfig>;

}  // namespace oncemq::wire
