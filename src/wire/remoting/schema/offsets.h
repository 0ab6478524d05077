#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/remoting/schema.h"

// Offsets of queues and of groups.
namespace oncemq::wire {

// Which of the messages around a time a search gives.
enum class Boundary : std::uint8_t {
  kLower,  // the first that is not older
  kUpper,  // the last that is not newer
};
template <>
struct EnumText<Boundary> {
  // compat: anything but "upper", in any case, counts as lower (upstream BoundaryType).
  static bool parse(std::string_view text, Boundary& into);
  static std::string_view text(Boundary value) {
    return value == Boundary::kUpper ? "UPPER" : "LOWER";
  }
};

struct QueryConsumerOffset {
  static constexpr RequestMeta meta{.code = 14,
                                    .name = "QUERY_CONSUMER_OFFSET",
                                    .lane = Lane::kOffset,
                                    .access = {Resource::kTopicAndGroup, Action::kSub}};
  struct Header {
    std::string_view consumer_group;
    std::string_view topic;
    std::int32_t queue_id = 0;
    std::optional<bool> set_zero_if_not_found;

    static constexpr auto fields = fields_of(
        field("consumerGroup", &Header::consumer_group, kRequired),
        field("topic", &Header::topic, kRequired), field("queueId", &Header::queue_id, kRequired),
        field("setZeroIfNotFound", &Header::set_zero_if_not_found));
  };
  struct Reply {
    std::int64_t offset = 0;

    static constexpr auto fields = fields_of(field("offset", &Reply::offset, kRequired));
  };
};

struct UpdateConsumerOffset {
  static constexpr RequestMeta meta{.code = 15,
                                    .name = "UPDATE_CONSUMER_OFFSET",
                                    .lane = Lane::kOffset,
                                    .access = {Resource::kTopicAndGroup, Action::kSub}};
  struct Header {
    std::string_view consumer_group;
    std::string_view topic;
    std::int32_t queue_id = 0;
    std::optional<std::int64_t> commit_offset;  // absent: 29

    static constexpr auto fields = fields_of(
        field("consumerGroup", &Header::consumer_group, kRequired),
        field("topic", &Header::topic, kRequired), field("queueId", &Header::queue_id, kRequired),
        field("commitOffset", &Header::commit_offset));
  };
  using Reply = NoFields;
};

struct SearchOffsetByTimestamp {
  static constexpr RequestMeta meta{.code = 29,
                                    .name = "SEARCH_OFFSET_BY_TIMESTAMP",
                                    .lane = Lane::kOffset,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view topic;
    std::int32_t queue_id = 0;
    std::int64_t timestamp = 0;  // ms since epoch
    Boundary boundary = Boundary::kLower;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired),
                                             field("queueId", &Header::queue_id, kRequired),
                                             field("timestamp", &Header::timestamp, kRequired),
                                             field("boundaryType", &Header::boundary));
  };
  struct Reply {
    std::int64_t offset = 0;

    static constexpr auto fields = fields_of(field("offset", &Reply::offset, kRequired));
  };
};

struct GetMaxOffset {
  static constexpr RequestMeta meta{.code = 30,
                                    .name = "GET_MAX_OFFSET",
                                    .lane = Lane::kOffset,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view topic;
    std::int32_t queue_id = 0;
    bool committed = true;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired),
                                             field("queueId", &Header::queue_id, kRequired),
                                             field("committed", &Header::committed));
  };
  struct Reply {
    std::int64_t offset = 0;

    static constexpr auto fields = fields_of(field("offset", &Reply::offset, kRequired));
  };
};

struct GetMinOffset {
  static constexpr RequestMeta meta{.code = 31,
                                    .name = "GET_MIN_OFFSET",
                                    .lane = Lane::kOffset,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view topic;
    std::int32_t queue_id = 0;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired),
                                             field("queueId", &Header::queue_id, kRequired));
  };
  struct Reply {
    std::int64_t offset = 0;

    static constexpr auto fields = fields_of(field("offset", &Reply::offset, kRequired));
  };
};

struct GetEarliestMessageStoreTime {
  static constexpr RequestMeta meta{.code = 32,
                                    .name = "GET_EARLIEST_MSG_STORETIME",
                                    .lane = Lane::kOffset,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view topic;
    std::int32_t queue_id = 0;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired),
                                             field("queueId", &Header::queue_id, kRequired));
  };
  struct Reply {
    std::int64_t timestamp = 0;  // ms since epoch; -1 without a message

    static constexpr auto fields = fields_of(field("timestamp", &Reply::timestamp, kRequired));
  };
};

using OffsetRequests =
    RequestList<QueryConsumerOffset, UpdateConsumerOffset, SearchOffsetByTimestamp, GetMaxOffset,
                GetMinOffset, GetEarliestMessageStoreTime>;

}  // namespace oncemq::wire
