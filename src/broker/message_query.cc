#include "broker/message_query.h"

#include <algorithm>

#include "model/record_codec.h"

namespace oncemq::broker {

MessageQuery::MessageQuery(const Options& options, TopicTable& topics,
                           const ConsumerOffsets& offsets, store::MessageStore& store)
    : options_(options), topics_(topics), offsets_(offsets), store_(store) {}

Result<store::LogSpan> MessageQuery::by_offset(model::LogOffset offset) const {
  return store_.read_record(offset);
}

Result<MessageQuery::Found> MessageQuery::by_key(const ByKey& query) const {
  Found found;
  const std::int32_t max = query.unique ? kUniqueQueryMax : std::clamp(query.max, 1, kQueryMax);
  found.records = store_.query({.topic = query.topic,
                                .key = query.key,
                                .max = max,
                                .begin_ms = query.begin_ms,
                                .end_ms = query.end_ms});
  for (const store::LogSpan& span : found.records) {
    auto decoded = model::decode_record(span.bytes, model::Verify::kNone);
    if (!decoded.has_value() || decoded->record.log_offset < found.index_offset) continue;
    found.index_offset = decoded->record.log_offset;
    found.index_timestamp = decoded->record.store_timestamp;
  }
  if (found.records.empty())
    return fail(Errc::kMessageNotFound,
                "no message of that topic has the key " + std::string(query.key));
  return found;
}

Result<store::ConsumeQueue*> MessageQuery::queue(std::string_view topic,
                                                 std::int32_t queue_id) const {
  const TopicEntry* entry = topics_.find(topic);
  if (entry == nullptr)
    return fail(Errc::kTopicNotFound, "topic " + std::string(topic) + " does not exist");
  if (queue_id >= 0 && queue_id < std::max(entry->read_queues(), entry->write_queues()))
    return entry->queue(queue_id);
  // A topic that was made narrower still has messages in its former queues.
  if (store::ConsumeQueue* rest = store_.find_queue(topic, queue_id); rest != nullptr) return rest;
  return fail(Errc::kInvalidArgument,
              "topic " + std::string(topic) + " has no queue " + std::to_string(queue_id));
}

Result<model::QueueOffset> MessageQuery::max_offset(std::string_view topic,
                                                    std::int32_t queue_id) const {
  auto found = queue(topic, queue_id);
  if (!found.has_value()) return fail(std::move(found.error()));
  return (*found)->max();
}

Result<model::QueueOffset> MessageQuery::min_offset(std::string_view topic,
                                                    std::int32_t queue_id) const {
  auto found = queue(topic, queue_id);
  if (!found.has_value()) return fail(std::move(found.error()));
  return (*found)->min();
}

Result<model::QueueOffset> MessageQuery::offset_by_time(std::string_view topic,
                                                        std::int32_t queue_id,
                                                        std::int64_t timestamp_ms,
                                                        store::Boundary boundary) const {
  auto found = queue(topic, queue_id);
  if (!found.has_value()) return fail(std::move(found.error()));
  return store_.offset_by_time(**found, timestamp_ms, boundary);
}

Result<std::int64_t> MessageQuery::earliest_store_time(std::string_view topic,
                                                       std::int32_t queue_id) const {
  auto found = queue(topic, queue_id);
  if (!found.has_value()) return fail(std::move(found.error()));
  store::ConsumeQueue& rows = **found;
  return rows.min() == rows.max() ? -1 : store_.store_time(rows, rows.min());
}

Result<model::ConsumeOffset> MessageQuery::consumer_offset(std::string_view group,
                                                           std::string_view topic,
                                                           std::int32_t queue_id,
                                                           bool zero_if_missing) const {
  if (const auto stored = offsets_.query(group, topic, queue_id); stored.has_value())
    return *stored;
  // compat: QUERY_CONSUMER_OFFSET (upstream ConsumerManageProcessor, 5.3.3) lets a new group begin
  // at 0 while the queue's very first message is still warm, whatever the client would prefer.
  if (zero_if_missing) {
    const TopicEntry* entry = topics_.find(topic);
    store::ConsumeQueue* rows = entry == nullptr ? nullptr : entry->queue(queue_id);
    if (rows != nullptr && rows->min().value == 0 && rows->max().value > 0) {
      const store::ReadResult first =
          store_.read({.queue = rows, .offset = model::QueueOffset{0}, .max_messages = 1});
      const std::int64_t behind = store_.marks().committed().value - first.last_log_offset.value;
      if (first.status == store::ReadStatus::kFound && behind <= options_.warm_log_bytes)
        return model::ConsumeOffset{0};
    }
  }
  return fail(Errc::kOffsetNotFound, "group " + std::string(group) + " has no offset for queue " +
                                         std::to_string(queue_id) + " of " + std::string(topic));
}

}  // namespace oncemq::broker
