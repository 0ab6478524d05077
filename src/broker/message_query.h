#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/consumer_offsets.h"
#include "broker/options.h"
#include "broker/topic_table.h"
#include "model/offsets.h"
#include "store/message_store.h"

namespace oncemq::broker {

// Queries that look at messages and queue bounds without consuming. Thread rule: monitor.
class MessageQuery {
 public:
  static constexpr std::int32_t kQueryMax = 64;        // maxMsgsNumBatch
  static constexpr std::int32_t kUniqueQueryMax = 32;  // defaultQueryMaxNum

  MessageQuery(const Options& options, TopicTable& topics, const ConsumerOffsets& offsets,
               store::MessageStore& store);

  // kMessageNotFound: no record begins there.
  Result<store::LogSpan> by_offset(model::LogOffset offset) const;

  struct ByKey {
    std::string_view topic;
    std::string_view key;
    std::int32_t max = 32;
    std::int64_t begin_ms = 0;
    std::int64_t end_ms = 0;
    bool unique = false;  // then `max` counts for nothing
  };
  struct Found {
    std::vector<store::LogSpan> records;
    std::int64_t index_timestamp = 0;  // newest record found
    model::LogOffset index_offset;
  };
  // kMessageNotFound when nothing matches.
  Result<Found> by_key(const ByKey& query) const;

  // Next offset to be written (exclusive) / first that is still there. kTopicNotFound,
  // kInvalidArgument (queue id).
  Result<model::QueueOffset> max_offset(std::string_view topic, std::int32_t queue_id) const;
  Result<model::QueueOffset> min_offset(std::string_view topic, std::int32_t queue_id) const;
  Result<model::QueueOffset> offset_by_time(std::string_view topic, std::int32_t queue_id,
                                            std::int64_t timestamp_ms,
                                            store::Boundary boundary) const;
  // Store time of the first message, -1 when the queue is empty.
  Result<std::int64_t> earliest_store_time(std::string_view topic, std::int32_t queue_id) const;
  // Where the group goes on (request 14). Without a stored offset: 0 while the first message of the
  // queue is still warm and the client allows it (`zero_if_missing`), otherwise kOffsetNotFound.
  Result<model::ConsumeOffset> consumer_offset(std::string_view group, std::string_view topic,
                                               std::int32_t queue_id, bool zero_if_missing) const;

 private:
  Result<store::ConsumeQueue*> queue(std::string_view topic, std::int32_t queue_id) const;

  const Options& options_;
  TopicTable& topics_;
  const ConsumerOffsets& offsets_;
  store::MessageStore& store_;
};

}  // namespace oncemq::broker
