#include "broker/pop_rewrite.h"

#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "broker/record_copy.h"
#include "model/properties.h"
#include "model/record_codec.h"

namespace oncemq::broker {
namespace {

store::LogSpan encode(const model::RecordView& record, std::string_view topic,
                      std::string_view properties, std::int32_t deliveries) {
  model::Message message = copy_of(record);
  message.topic = topic;
  message.queue_id = record.queue_id;
  message.reconsume_times += deliveries - 1;
  message.prepared_transaction_offset = record.prepared_transaction_offset;
  message.properties = properties;
  // Without the CRC over the whole record: it would be the old one's. The body's stays.
  const model::RecordOptions options{.append_property_crc = false};
  auto bytes = std::make_shared<std::vector<std::byte>>(model::encoded_size(message, options));
  model::encode_record(message, {record.queue_offset, record.log_offset, record.store_timestamp},
                       options, *bytes);
  const Bytes view = *bytes;
  return {view, std::move(bytes)};
}

}  // namespace

std::vector<model::QueueOffset> pop_offsets(const store::ReadResult& read) {
  std::vector<model::QueueOffset> offsets;
  offsets.reserve(static_cast<std::size_t>(read.messages));
  for (const store::LogSpan& span : read.spans) {
    Bytes rest = span.bytes;
    while (!rest.empty()) {
      auto decoded = model::decode_record(rest, model::Verify::kNone);
      if (!decoded.has_value() || decoded->kind != model::RecordKind::kMessage) break;
      offsets.push_back(decoded->record.queue_offset);
      rest = rest.subspan(static_cast<std::size_t>(decoded->size));
    }
  }
  return offsets;
}

store::LogSpan rewrite_delivery(const store::LogSpan& span, std::int32_t deliveries) {
  auto decoded = model::decode_record(span.bytes, model::Verify::kNone);
  if (deliveries <= 1 || !decoded.has_value() || decoded->kind != model::RecordKind::kMessage)
    return span;
  const model::RecordView& record = decoded->record;
  return encode(record, record.topic,
                model::without_property(record.properties, model::property::kCrc32), deliveries);
}

void rewrite_pop_records(const store::LogSpan& span, std::string_view topic, PopSource source,
                         std::int64_t token, std::int64_t invisible_ms,
                         std::string_view broker_name, std::vector<store::LogSpan>& out,
                         std::int32_t deliveries) {
  Bytes rest = span.bytes;
  while (!rest.empty()) {
    auto decoded = model::decode_record(rest, model::Verify::kNone);
    if (!decoded.has_value() || decoded->kind != model::RecordKind::kMessage) return;
    const model::RecordView& record = decoded->record;
    const std::string handle = fmt::format("{} {} {} 0 {} {} {} {}", record.queue_offset.value,
                                           token, invisible_ms, static_cast<int>(source),
                                           broker_name, record.queue_id, record.queue_offset.value);
    std::string properties = model::without_property(record.properties, model::property::kCrc32);
    model::set_property(properties, model::property::kPopCheckpoint, handle);
    out.push_back(encode(record, topic, properties, deliveries));
    rest = rest.subspan(static_cast<std::size_t>(decoded->size));
  }
}

}  // namespace oncemq::broker
