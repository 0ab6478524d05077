#include "broker/atomic_record.h"

#include <limits>

#include "base/varint.h"

namespace oncemq::broker {
namespace {

constexpr std::uint8_t kVersion = 1;
// So that whoever reckons with the numbers needs no care.
constexpr std::int64_t kMost = 1LL << 60;

std::int64_t bounded(VarintReader& in) {
  const std::int64_t value = in.signed_number();
  return value > -kMost && value < kMost ? value : static_cast<std::int64_t>(in.refuse());
}
std::int32_t small(VarintReader& in) {
  const std::int64_t value = in.signed_number();
  const bool fits = value >= std::numeric_limits<std::int32_t>::min() &&
                    value <= std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(fits ? value : static_cast<std::int64_t>(in.refuse()));
}
std::int32_t queue_id(VarintReader& in) {
  return static_cast<std::int32_t>(in.number_to(std::numeric_limits<std::int32_t>::max()));
}

void put(std::string& body, const model::Message& message) {
  put_sized(body, message.topic);
  put_varint(body, static_cast<std::uint32_t>(message.queue_id));
  put_signed_varint(body, message.flag);
  put_signed_varint(body, message.sys_flag);
  put_signed_varint(body, message.born_timestamp);
  put_sized(body, message.born_host.to_string());
  put_signed_varint(body, message.reconsume_times);
  put_signed_varint(body, message.tags_code);
  put_signed_varint(body, message.delay_ms);
  put_sized(body, message.properties);
  put_sized(body, message.extra_properties);
  put_sized(body, as_text(message.body));
}

model::Message get_message(VarintReader& in) {
  model::Message message;
  message.topic = in.text();
  message.queue_id = queue_id(in);
  message.flag = small(in);
  message.sys_flag = small(in);
  message.born_timestamp = in.signed_number();
  const Result<Address> host = Address::parse(in.text());
  if (host)
    message.born_host = *host;
  else
    (void)in.refuse();
  message.reconsume_times = small(in);
  message.tags_code = in.signed_number();
  message.delay_ms = bounded(in);
  message.properties = in.text();
  message.extra_properties = in.text();
  message.body = as_bytes(in.text());
  return message;
}

}  // namespace

std::string write_atomic_record(std::string_view id, std::span<const PopHandle> acks,
                                std::span<const OffsetMove> moves,
                                std::span<const store::AppendItem> messages) {
  std::string body;
  body.push_back(static_cast<char>(kVersion));
  put_sized(body, id);
  put_varint(body, acks.size());
  for (const PopHandle& ack : acks) {
    put_sized(body, ack.group);
    put_sized(body, ack.topic);
    put_varint(body, static_cast<std::uint32_t>(ack.queue_id));
    put_signed_varint(body, ack.offset.value);
    put_signed_varint(body, ack.token);
  }
  put_varint(body, moves.size());
  for (const OffsetMove& move : moves) {
    put_sized(body, move.group);
    put_sized(body, move.topic);
    put_varint(body, static_cast<std::uint32_t>(move.queue_id));
    put_signed_varint(body, move.from);
    put_signed_varint(body, move.to);
  }
  put_varint(body, messages.size());
  for (const store::AppendItem& item : messages) put(body, item.message);
  return body;
}

Result<AtomicRecord> read_atomic_record(Bytes body) {
  VarintReader in(body);
  if (in.byte() != kVersion || !in.ok())
    return fail(Errc::kBadBytes, "a transaction's record has an unknown version");
  AtomicRecord record;
  record.id = in.text();
  for (std::uint64_t left = in.count(AtomicRecord::kPartsMax); left > 0 && in.ok(); --left) {
    PopHandle ack;
    ack.group = in.text();
    ack.topic = in.text();
    ack.queue_id = queue_id(in);
    ack.offset.value = bounded(in);
    ack.token = bounded(in);
    record.acks.push_back(ack);
  }
  for (std::uint64_t left = in.count(AtomicRecord::kPartsMax); left > 0 && in.ok(); --left) {
    OffsetMove move;
    move.group = in.text();
    move.topic = in.text();
    move.queue_id = queue_id(in);
    move.from = bounded(in);
    move.to = bounded(in);
    record.moves.push_back(move);
  }
  for (std::uint64_t left = in.count(AtomicRecord::kPartsMax); left > 0 && in.ok(); --left)
    record.messages.push_back(get_message(in));
  if (!in.ok() || in.remaining() > 0 || record.id.size() > AtomicRecord::kIdMax)
    return fail(Errc::kBadBytes, "a transaction's record is cut or out of range");
  return record;
}

}  // namespace oncemq::broker
