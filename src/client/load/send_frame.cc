#include "client/load/send_frame.h"

#include <charconv>
#include <cstring>

#include "base/check.h"
#include "model/message.h"
#include "model/properties.h"
#include "wire/remoting/body/message_batch.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::client {
namespace {

// Stand-ins of the right length that are found again in the encoded frame.
constexpr std::int32_t kOpaque = 1'999'999'973;
constexpr std::string_view kOpaqueText = "1999999973";
constexpr std::int64_t kBorn = 1'999'999'999'973;
constexpr std::string_view kBornText = "1999999999973";
constexpr std::string_view kDeliverText = "1999999999972";
// A unique key: this start, the run, the number. Upstream's keys are 32 digits, too.
constexpr std::string_view kUniqueStart = "0CE30000BE2CB17E";
constexpr std::string_view kUnique = "FEEDFACECAFEBEEF";
constexpr std::size_t kRunDigits = 6;
constexpr std::string_view kKey = "key-9999999973";
constexpr std::string_view kMagic = "oncebeat";
constexpr std::size_t kStampSize = 16;
constexpr std::size_t kBinaryOpaque = wire::kFramePrefix + 5;  // behind code, language, version

void put_digits(std::byte* to, std::size_t count, std::int64_t value) {
  for (std::size_t i = count; i-- > 0; value /= 10)
    to[i] = static_cast<std::byte>('0' + value % 10);
}

void put_hex(std::byte* to, std::size_t count, std::uint64_t value) {
  for (std::size_t i = count; i-- > 0; value >>= 4)
    to[i] = static_cast<std::byte>("0123456789ABCDEF"[value & 15U]);
}

std::string make_body(std::size_t size) {
  std::string body(size, '\0');
  // Bytes that compress badly and do not look like a stand-in: letters of a simple generator.
  std::uint32_t state = 12345;
  for (char& c : body) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>('a' + (state >> 24) % 26);
  }
  if (size >= kStampSize) std::memcpy(body.data(), kMagic.data(), kMagic.size());
  return body;
}

std::string make_properties(const SendShape& shape) {
  std::string properties;
  if (shape.keys > 0) model::append_property(properties, model::property::kKeys, kKey);
  model::append_property(properties, model::property::kUniqueKey,
                         std::string(kUniqueStart) + std::string(kUnique));
  if (shape.wait)
    model::append_property(properties, model::property::kWait, *shape.wait ? "true" : "false");
  if (shape.timer)
    model::append_property(properties, model::property::kTimerDeliverMs, kDeliverText);
  if (shape.half) {
    model::append_property(properties, model::property::kHalfMessage, "true");
    model::append_property(properties, model::property::kProducerGroup, shape.group);
  }
  return properties;
}

}  // namespace

SendFrame::SendFrame(const SendShape& shape, std::int32_t queue_id)
    : keys_(shape.keys), run_(shape.run) {
  const std::string properties = make_properties(shape);
  std::string body = make_body(shape.size);
  const bool batch = shape.batch > 1;
  ONCE_CHECK(!batch || !(shape.half || shape.timer), "a batch is neither half nor timer");
  if (batch) {
    std::string joined;
    for (std::size_t i = 0; i < shape.batch; ++i)
      wire::append_to_batch(joined, {.body = as_bytes(body), .properties = properties});
    body = std::move(joined);
  }
  const wire::SendHeader header{.producer_group = shape.group,
                                .topic = shape.topic,
                                .default_topic = "TBW102",
                                .default_topic_queue_nums = 4,
                                .queue_id = queue_id,
                                .sys_flag = shape.half ? model::sysflag::kTransactionPrepared : 0,
                                .born_timestamp = kBorn,
                                .properties = properties,
                                .batch = batch};
  if (batch)
    wire::encode_request<wire::SendBatchMessage>(bytes_, shape.header, kOpaque, header,
                                                 body.size());
  else
    wire::encode_request<wire::SendMessageV2>(bytes_, shape.header, kOpaque, header, body.size());
  const std::size_t body_at = bytes_.size();
  bytes_ += body;
  find_places(shape);
  if (shape.size < kStampSize) return;
  if (!batch) {
    places_.push_back({body_at + kMagic.size(), Patch::kStamp, 0});
    return;
  }
  find(kMagic, Patch::kStamp);
  for (Place& place : places_)
    if (place.what == Patch::kStamp) place.at += kMagic.size();
}

void SendFrame::find_places(const SendShape& shape) {
  if (shape.header == wire::HeaderKind::kJson)
    find(kOpaqueText, Patch::kOpaqueText);
  else
    places_.push_back({kBinaryOpaque, Patch::kOpaqueBinary, 0});
  find(kBornText, Patch::kBorn);
  find(kUnique, Patch::kUnique);
  if (shape.keys > 0) find(kKey, Patch::kKey);
  if (shape.timer) find(kDeliverText, Patch::kDeliver);
}

void SendFrame::find(std::string_view text, Patch what) {
  std::int64_t message = 0;
  const std::size_t before = places_.size();
  for (std::size_t at = bytes_.find(text); at != std::string::npos;
       at = bytes_.find(text, at + text.size()))
    places_.push_back({at, what, message++});
  ONCE_CHECK(places_.size() > before, "a stand-in is missing in the frame");
  // The header's own unique key and key come first and are those of the first message of a batch.
  const bool in_header_too = what == Patch::kUnique || what == Patch::kKey;
  if (!in_header_too) return;
  for (std::size_t i = before + 1; i < places_.size(); ++i) --places_[i].message;
}

void SendFrame::write(MutableBytes to, const SendMark& mark) const {
  std::memcpy(to.data(), bytes_.data(), bytes_.size());
  for (const Place& place : places_) {
    std::byte* const at = to.data() + place.at;
    const std::int64_t message = mark.message + place.message;
    switch (place.what) {
      case Patch::kOpaqueText:
        put_digits(at, kOpaqueText.size(), mark.opaque);
        break;
      case Patch::kOpaqueBinary:
        store_be<std::int32_t>(at, mark.opaque);
        break;
      case Patch::kBorn:
        put_digits(at, kBornText.size(), mark.born_ms);
        break;
      case Patch::kUnique:
        put_hex(at, kRunDigits, run_);
        put_hex(at + kRunDigits, kUnique.size() - kRunDigits, static_cast<std::uint64_t>(message));
        break;
      case Patch::kKey:
        put_digits(at + 4, kKey.size() - 4, message % keys_);
        break;
      case Patch::kStamp:
        store_be<std::int64_t>(at, mark.stamp_ns);
        break;
      case Patch::kDeliver:
        put_digits(at, kDeliverText.size(), mark.deliver_ms);
        break;
    }
  }
}

std::optional<std::int64_t> read_stamp(Bytes body) {
  if (body.size() < kStampSize || as_text(body.first(kMagic.size())) != kMagic) return {};
  return load_be<std::int64_t>(body.data() + kMagic.size());
}

std::optional<std::int64_t> read_number(std::string_view properties) {
  const auto unique = model::find_property(properties, model::property::kUniqueKey);
  if (!unique || !unique->starts_with(kUniqueStart)) return {};
  if (unique->size() != kUniqueStart.size() + kUnique.size()) return {};
  const std::string_view digits = unique->substr(kUniqueStart.size() + kRunDigits);
  std::int64_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  if (error != std::errc{} || end != digits.data() + digits.size()) return {};
  return number;
}

}  // namespace oncemq::client
