#pragma once

#include <string_view>

#include "wire/remoting/schema.h"

// What clients say about themselves, and queue locks.
namespace oncemq::wire {

// Body: body/heartbeat.h.
struct Heartbeat {
  static constexpr RequestMeta meta{.code = 34,
                                    .name = "HEART_BEAT",
                                    .lane = Lane::kHeartbeat,
                                    .access = {Resource::kGroup, Action::kAny}};
  using Header = NoFields;
  struct Reply {
    bool supports_v2 = true;
    bool subscription_changed = true;

    static constexpr auto fields =
        fields_of(field("IS_SUPPORT_HEART_BEAT_V2", &Reply::supports_v2, kRequired),
                  field("IS_SUB_CHANGE", &Reply::subscription_changed, kRequired));
  };
};

struct UnregisterClient {
  static constexpr RequestMeta meta{.code = 35,
                                    .name = "UNREGISTER_CLIENT",
                                    .lane = Lane::kClient,
                                    .access = {Resource::kGroup, Action::kAny}};
  struct Header {
    std::string_view client_id;
    std::string_view producer_group;
    std::string_view consumer_group;

    static constexpr auto fields = fields_of(field("clientID", &Header::client_id, kRequired),
                                             field("producerGroup", &Header::producer_group),
                                             field("consumerGroup", &Header::consumer_group));
  };
  using Reply = NoFields;
};

struct GetConsumerListByGroup {
  static constexpr RequestMeta meta{.code = 38,
                                    .name = "GET_CONSUMER_LIST_BY_GROUP",
                                    .lane = Lane::kClient,
                                    .access = {Resource::kGroup, Action::kSub}};
  struct Header {
    std::string_view consumer_group;

    static constexpr auto fields =
        fields_of(field("consumerGroup", &Header::consumer_group, kRequired));
  };
  using Reply = NoFields;
};

struct CheckClientConfig {
  static constexpr RequestMeta meta{.code = 46,
                                    .name = "CHECK_CLIENT_CONFIG",
                                    .lane = Lane::kClient,
                                    .access = {Resource::kGroup, Action::kSub}};
  using Header = NoFields;
  using Reply = NoFields;
};

// Body and answer: body/queue_locks.h.
struct LockBatchQueues {
  static constexpr RequestMeta meta{.code = 41,
                                    .name = "LOCK_BATCH_MQ",
                                    .lane = Lane::kClient,
                                    .access = {Resource::kGroup, Action::kSub}};
  using Header = NoFields;
  using Reply = NoFields;
};

struct UnlockBatchQueues {
  static constexpr RequestMeta meta{.code = 42,
                                    .name = "UNLOCK_BATCH_MQ",
                                    .lane = Lane::kClient,
                                    .access = {Resource::kGroup, Action::kSub}};
  using Header = NoFields;
  using Reply = NoFields;
};

// Body and answer: body/assignment.h.
struct QueryAssignment {
  static constexpr RequestMeta meta{.code = 400,
                                    .name = "QUERY_ASSIGNMENT",
                                    .lane = Lane::kClient,
                                    .access = {Resource::kGroup, Action::kSub}};
  using Header = NoFields;
  using Reply = NoFields;
};

using ClientRequests =
    RequestList<Heartbeat, UnregisterClient, GetConsumerListByGroup, CheckClientConfig,
                LockBatchQueues, UnlockBatchQueues, QueryAssignment>;

}  // namespace oncemq::wire
