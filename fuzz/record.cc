// A record from a log file or from a pull answer. What decodes without errors is encoded again from
// its fields and must be the same record.
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "model/properties.h"
#include "model/record_codec.h"

using namespace oncemq;

namespace {

model::Message message_of(const model::RecordView& record) {
  return {.topic = record.topic,
          .queue_id = record.queue_id,
          .flag = record.flag,
          .sys_flag = record.sys_flag,
          .born_timestamp = record.born_timestamp,
          .born_host = record.born_host,
          .store_host = record.store_host,
          .reconsume_times = record.reconsume_times,
          .prepared_transaction_offset = record.prepared_transaction_offset,
          .body = record.body,
          .properties = record.properties};
}

void encode_again(const model::RecordView& record, const model::RecordOptions& options) {
  const model::Message message = message_of(record);
  const std::size_t size = model::encoded_size(message, options);
  if (size - static_cast<std::size_t>(record.total_size) + record.properties.size() >
      model::kMaxPropertiesSize)
    return;  // no room for the CRC: the sender would have been refused
  std::vector<std::byte> bytes(size);
  ONCE_CHECK(model::encode_record(message,
                                  {.queue_offset = record.queue_offset,
                                   .log_offset = record.log_offset,
                                   .store_timestamp = record.store_timestamp},
                                  options, bytes) == size);
  const auto again = model::decode_record(bytes, model::Verify::kFull);
  ONCE_CHECK(again.has_value() && again->kind == model::RecordKind::kMessage);
  ONCE_CHECK(again->record.topic == record.topic);
  ONCE_CHECK(as_text(again->record.body) == as_text(record.body));
  ONCE_CHECK(again->record.log_offset == record.log_offset);
  ONCE_CHECK(again->record.born_host == record.born_host);
  ONCE_CHECK(again->record.store_host == record.store_host);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  for (const auto depth : {model::Verify::kNone, model::Verify::kBody, model::Verify::kFull}) {
    const auto decoded = model::decode_record(bytes, depth);
    if (!decoded || decoded->kind != model::RecordKind::kMessage) continue;
    ONCE_CHECK(static_cast<std::size_t>(decoded->size) <= size);
    if (decoded->record.topic.empty()) continue;
    if (decoded->record.is_v2 != (decoded->record.topic.size() > model::kMaxTopicSizeV1)) continue;
    encode_again(decoded->record, {.append_property_crc = false});
    encode_again(decoded->record, {.append_property_crc = true});
  }
  return 0;
}
