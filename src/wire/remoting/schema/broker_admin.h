#pragma once

#include <string_view>

#include "wire/remoting/schema.h"

// The broker as a whole: configuration, state, cleaning.
namespace oncemq::wire {

// Body: key=value lines.
struct UpdateBrokerConfig {
  static constexpr RequestMeta meta{.code = 25,
                                    .name = "UPDATE_BROKER_CONFIG",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kUpdate}};
  using Header = NoFields;
  using Reply = NoFields;
};

// Body of the answer: key=value lines.
struct GetBrokerConfig {
  static constexpr RequestMeta meta{.code = 26,
                                    .name = "GET_BROKER_CONFIG",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kGet}};
  using Header = NoFields;
  struct Reply {
    std::string_view version;  // DataVersion as JSON

    static constexpr auto fields = fields_of(field("version", &Reply::version, kRequired));
  };
};

struct GetBrokerRuntimeInfo {
  static constexpr RequestMeta meta{.code = 28,
                                    .name = "GET_BROKER_RUNTIME_INFO",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kGet}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct ViewBrokerStatsData {
  static constexpr RequestMeta meta{.code = 315,
                                    .name = "VIEW_BROKER_STATS_DATA",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kGet}};
  struct Header {
    std::string_view stats_name;
    std::string_view stats_key;

    static constexpr auto fields = fields_of(field("statsName", &Header::stats_name, kRequired),
                                             field("statsKey", &Header::stats_key, kRequired));
  };
  using Reply = NoFields;
};

struct CleanExpiredConsumeQueue {
  static constexpr RequestMeta meta{.code = 306,
                                    .name = "CLEAN_EXPIRED_CONSUMEQUEUE",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kUpdate}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct DeleteExpiredCommitLog {
  static constexpr RequestMeta meta{.code = 329,
                                    .name = "DELETE_EXPIRED_COMMITLOG",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kCluster, Action::kUpdate}};
  using Header = NoFields;
  using Reply = NoFields;
};

using BrokerAdminRequests =
    RequestList<UpdateBrokerConfig, GetBrokerConfig, GetBrokerRuntimeInfo, ViewBrokerStatsData,
                CleanExpiredConsumeQueue, DeleteExpiredCommitLog>;

}  // namespace oncemq::wire
