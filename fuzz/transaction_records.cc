// A half message or an op record from a log that another broker wrote. What can be read is written
// again and must say the same.
#include "broker/transaction_records.h"

#include <cstdint>

#include "base/check.h"
#include "model/record_codec.h"

using namespace oncemq;

namespace {

void check_half(const model::RecordView& record) {
  const auto half = broker::read_half(record);
  if (!half.has_value()) return;
  ONCE_CHECK(half->queue_id >= 0 && half->checks >= 0 && half->immunity_ms >= -1);
  if (half->topic.size() > 255 || record.properties.size() > 32'000) return;
  const std::string body = broker::make_check_body(*half, 3);
  const auto again = model::decode_record(as_bytes(body), model::Verify::kFull);
  ONCE_CHECK(again.has_value() && static_cast<std::size_t>(again->size) == body.size());
  ONCE_CHECK(again->record.topic == half->topic && again->record.queue_id == half->queue_id);
  ONCE_CHECK(as_text(again->record.body) == as_text(record.body));
}

void check_op(const model::RecordView& record) {
  std::size_t commas = 0;
  for (const std::byte byte : record.body) commas += byte == std::byte{','} ? 1 : 0;
  const auto entries = broker::read_op(record);
  ONCE_CHECK(entries.size() <= commas + 1);
  for (const broker::OpEntry& entry : entries)
    ONCE_CHECK(entry.half >= 0 && entry.state != broker::TransactionState::kOpen);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Properties, a zero byte, body: everything else of a record has its own target.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = text.find('\0');
  model::RecordView record;
  record.properties = text.substr(0, cut);
  if (cut != std::string_view::npos) record.body = as_bytes(text.substr(cut + 1));
  check_half(record);
  check_op(record);
  return 0;
}
