#pragma once

#include <cstdint>
#include <string_view>

#include "wire/remoting/schema.h"

// Finding messages. The body of the answer is records as they stand in the log.
namespace oncemq::wire {

struct QueryMessage {
  static constexpr RequestMeta meta{.code = 12,
                                    .name = "QUERY_MESSAGE",
                                    .lane = Lane::kQuery,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view topic;
    std::string_view key;
    std::int32_t max_messages = 0;
    std::int64_t begin_timestamp = 0;
    std::int64_t end_timestamp = 0;
    std::string_view index_type;
    bool unique_key = false;  // key is a UNIQ_KEY

    static constexpr auto fields = fields_of(
        field("topic", &Header::topic, kRequired), field("key", &Header::key, kRequired),
        field("maxNum", &Header::max_messages, kRequired),
        field("beginTimestamp", &Header::begin_timestamp, kRequired),
        field("endTimestamp", &Header::end_timestamp, kRequired),
        field("indexType", &Header::index_type), field("_UNIQUE_KEY_QUERY", &Header::unique_key));
  };
  struct Reply {
    std::int64_t index_last_update_timestamp = 0;
    std::int64_t index_last_update_log_offset = 0;

    static constexpr auto fields = fields_of(
        field("indexLastUpdateTimestamp", &Reply::index_last_update_timestamp, kRequired),
        field("indexLastUpdatePhyoffset", &Reply::index_last_update_log_offset, kRequired));
  };
};

struct ViewMessageById {
  static constexpr RequestMeta meta{.code = 33,
                                    .name = "VIEW_MESSAGE_BY_ID",
                                    .lane = Lane::kQuery,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view topic;
    std::int64_t offset = 0;  // in the log

    static constexpr auto fields =
        fields_of(field("topic", &Header::topic), field("offset", &Header::offset, kRequired));
  };
  using Reply = NoFields;
};

struct QueryConsumeQueue {
  static constexpr RequestMeta meta{.code = 321,
                                    .name = "QUERY_CONSUME_QUEUE",
                                    .lane = Lane::kQuery,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view topic;
    std::int32_t queue_id = 0;
    std::int64_t index = 0;
    std::int32_t count = 0;
    std::string_view consumer_group;

    static constexpr auto fields =
        fields_of(field("topic", &Header::topic), field("queueId", &Header::queue_id),
                  field("index", &Header::index), field("count", &Header::count),
                  field("consumerGroup", &Header::consumer_group));
  };
  using Reply = NoFields;
};

using QueryRequests = RequestList<QueryMessage, ViewMessageById, QueryConsumeQueue>;

}  // namespace oncemq::wire
