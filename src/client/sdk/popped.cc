#include "client/sdk/popped.h"

#include <optional>
#include <string_view>
#include <utility>

#include "client/sdk/failure.h"
#include "client/sdk/taken.h"
#include "model/pop_retry_topic.h"
#include "model/properties.h"
#include "wire/remoting/body/pop_info.h"
#include "wire/remoting/schema/pop.h"

namespace oncemq::sdk {
namespace {

constexpr std::int32_t kSources =
    2;  // beside the topic itself: the retry topics of Apache's broker

// Reads the records of one answer.
class PoppedReader {
 public:
  PoppedReader(const wire::PopReply& reply, wire::PopStarts starts, const std::string& group,
               const std::string& broker, const model::Subscription& subscription)
      : reply_(reply),
        starts_(std::move(starts)),
        group_(group),
        broker_(broker),
        subscription_(subscription) {}

  void read(const model::RecordView& record) {
    // Brokers give the handle where the topic is not the one that the message stands in.
    const auto given = model::find_property(record.properties, model::property::kPopCheckpoint);
    std::string text = given ? std::string(*given) : made(record);
    const auto handle = wire::parse_receipt_handle(text);
    if (!handle) {
      broken_ = handle.error();
      return;
    }
    const std::string stands_in = topic_of(handle->source);
    Taken taken = taken_of(record, {.topic = stands_in, .broker = broker_, .id = handle->queue_id});
    Delivery& delivery = taken.delivery;
    delivery.queue_offset = handle->offset;
    delivery.handle = std::move(text);
    if (delivery.message.topic == stands_in) delivery.message.topic = subscription_.topic;
    auto& where = !is_wanted(record, subscription_) ? popped_.unwanted
                  : taken.readable                  ? popped_.deliveries
                                                    : popped_.unreadable;
    where.push_back(std::move(delivery));
  }

  oncemq::Result<Popped> result() {
    if (broken_) return fail(std::move(*broken_));
    return std::move(popped_);
  }

 private:
  std::string topic_of(std::int32_t source) const {
    return source == 0 ? subscription_.topic
                       : model::topic::pop_retry_topic(source, group_, subscription_.topic);
  }
  std::string made(const model::RecordView& record) {
    const std::int64_t offset = record.queue_offset.value;
    std::int32_t source = kSources;
    while (source > 0 && record.topic != topic_of(source)) --source;
    const std::int64_t start =
        starts_.emplace(std::pair(source, record.queue_id), offset).first->second;
    return wire::format_receipt_handle({.start_offset = start,
                                        .pop_time = reply_.pop_time,
                                        .invisible_ms = reply_.invisible_time,
                                        .revive_queue = reply_.revive_queue,
                                        .source = source,
                                        .broker = broker_,
                                        .queue_id = record.queue_id,
                                        .offset = offset});
  }

  const wire::PopReply& reply_;
  wire::PopStarts starts_;
  const std::string& group_;
  const std::string& broker_;
  const model::Subscription& subscription_;
  Popped popped_;
  std::optional<oncemq::Error> broken_;
};

}  // namespace

Result<HandleParts> handle_parts(const std::string& group, const Delivery& delivery) {
  const auto handle = wire::parse_receipt_handle(delivery.handle);
  if (!handle) return failure(Errc::kInvalidArgument, handle.error().message);
  HandleParts parts{.topic = delivery.queue.topic,
                    .route_topic = delivery.queue.topic,
                    .broker = std::string(handle->broker),
                    .queue_id = handle->queue_id,
                    .offset = handle->offset,
                    .text = delivery.handle};
  if (handle->source == 0) return parts;
  const std::string prefix = model::topic::pop_retry_topic(handle->source, group, {});
  if (!parts.topic.starts_with(prefix))
    return failure(Errc::kInvalidArgument, "the delivery is not of group " + group);
  parts.route_topic.erase(0, prefix.size());
  return parts;
}

std::string changed_handle(const HandleParts& old, std::int64_t pop_time, std::int64_t invisible_ms,
                           std::int32_t revive_queue) {
  // It was a handle: see handle_parts().
  wire::ReceiptHandle handle = *wire::parse_receipt_handle(old.text);
  handle.start_offset = handle.offset;
  handle.pop_time = pop_time;
  handle.invisible_ms = invisible_ms;
  handle.revive_queue = revive_queue;
  return wire::format_receipt_handle(handle);
}

oncemq::Result<Popped> read_popped(const client::Answer& answer, const std::string& group,
                                   const std::string& broker,
                                   const model::Subscription& subscription) {
  const auto reply = answer.fields<wire::PopMessage>();
  if (!reply) return fail(reply.error());
  auto starts = wire::parse_pop_starts(reply->start_offsets);
  if (!starts) return fail(std::move(starts.error()));
  PoppedReader reader(*reply, std::move(*starts), group, broker, subscription);
  ONCE_TRY(
      each_record(answer.body(), [&](const model::RecordView& record) { reader.read(record); }));
  return reader.result();
}

}  // namespace oncemq::sdk
