#include "client/sdk/taken.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <zlib.h>

#include "client/sdk/reserved.h"
#include "model/message.h"
#include "model/message_id.h"
#include "model/properties.h"
#include "model/record_codec.h"

namespace oncemq::sdk {
namespace {

namespace property = model::property;

// Which compression; 0 is what clients wrote before there was a choice.
constexpr std::int32_t kCompressionMask = 0x700;
constexpr std::int32_t kZlib = 0x300;

// Beside the message: what the maps and strings of a Delivery cost.
constexpr std::size_t kOverhead = 512;

std::optional<std::string> inflated(Bytes bytes) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return std::nullopt;
  stream.avail_in = static_cast<uInt>(bytes.size());
  // zlib does not write to its input but has no const for it.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  std::array<char, 16384> chunk;
  std::string out;
  int code = Z_OK;
  while (code == Z_OK && out.size() <= kUnpackedMax) {
    stream.avail_out = chunk.size();
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    code = inflate(&stream, Z_NO_FLUSH);
    out.append(chunk.data(), chunk.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (code != Z_STREAM_END || out.size() > kUnpackedMax) return std::nullopt;
  return out;
}

std::optional<std::string> unpacked(const model::RecordView& record) {
  if ((record.sys_flag & model::sysflag::kCompressed) == 0)
    return std::string(as_text(record.body));
  const std::int32_t how = record.sys_flag & kCompressionMask;
  if (how != 0 && how != kZlib) return std::nullopt;
  return inflated(record.body);
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> all;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) all.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

template <class Number>
void read_number(std::string_view text, Number& into) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) into = value;
}

}  // namespace

Taken taken_of(const model::RecordView& record, const Queue& queue) {
  Taken taken{.log_offset = record.log_offset.value};
  Delivery& delivery = taken.delivery;
  Message& message = delivery.message;
  message.topic = record.topic;
  delivery.offset_id = model::offset_message_id(record.store_host, record.log_offset);
  delivery.message_id = delivery.offset_id;
  delivery.queue = queue;
  delivery.queue_offset = record.queue_offset.value;
  delivery.attempt = record.reconsume_times + 1;
  delivery.born_at_ms = record.born_timestamp;
  delivery.stored_at_ms = record.store_timestamp;
  model::PropertyCursor cursor(record.properties);
  for (std::string_view name, value; cursor.next(name, value);) {
    if (name == property::kUniqueKey)
      delivery.message_id = value;
    else if (name == property::kRetryTopic)
      message.topic = value;
    else if (name == property::kTags)
      message.tag = value;
    else if (name == property::kKeys)
      message.keys = words(value);
    else if (name == property::kDelayLevel)
      read_number(value, message.delay_level);
    else if (name == property::kTimerDeliverMs)
      read_number(value, message.deliver_at_ms);
    else if (!is_reserved(name) && !is_of_brokers(name))
      message.properties.insert_or_assign(std::string(name), std::string(value));
  }
  if (auto body = unpacked(record)) {
    message.body = std::move(*body);
  } else {
    message.body = as_text(record.body);
    taken.readable = false;
  }
  taken.bytes = message.body.size() + 2 * record.properties.size() + kOverhead;
  return taken;
}

bool is_wanted(const model::RecordView& record, const model::Subscription& subscription) {
  if (!subscription.is_tag() || subscription.matches_all()) return true;
  const std::string_view tag =
      model::find_property(record.properties, property::kTags).value_or("");
  return std::binary_search(subscription.tags.begin(), subscription.tags.end(), tag);
}

oncemq::Status each_record(Bytes records,
                           const std::function<void(const model::RecordView&)>& take) {
  while (!records.empty()) {
    const auto decoded = model::decode_record(records, model::Verify::kBody);
    if (!decoded) return fail(decoded.error());
    if (decoded->kind != model::RecordKind::kMessage)
      return fail(oncemq::Errc::kBadBytes, "an answer with messages has what is none");
    take(decoded->record);
    records = records.subspan(static_cast<std::size_t>(decoded->size));
  }
  return {};
}

oncemq::Result<std::vector<Taken>> read_records(Bytes records, const Queue& queue,
                                                const model::Subscription& subscription) {
  std::vector<Taken> all;
  ONCE_TRY(each_record(records, [&](const model::RecordView& record) {
    if (is_wanted(record, subscription)) all.push_back(taken_of(record, queue));
  }));
  return all;
}

}  // namespace oncemq::sdk
