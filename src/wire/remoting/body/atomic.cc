#include "wire/remoting/body/atomic.h"

#include <limits>

#include "base/varint.h"

namespace oncemq::wire {
namespace {

constexpr std::uint8_t kVersion = 1;

std::int32_t small(VarintReader& in) {
  const std::int64_t value = in.signed_number();
  const bool fits = value >= std::numeric_limits<std::int32_t>::min() &&
                    value <= std::numeric_limits<std::int32_t>::max();
  return static_cast<std::int32_t>(fits ? value : static_cast<std::int64_t>(in.refuse()));
}

}  // namespace

std::string encode_atomic_parts(const AtomicParts& parts) {
  std::string body;
  body.push_back(static_cast<char>(kVersion));
  put_varint(body, parts.acks.size());
  for (const AtomicParts::Ack& ack : parts.acks) {
    put_sized(body, ack.group);
    put_sized(body, ack.topic);
    put_signed_varint(body, ack.queue_id);
    put_signed_varint(body, ack.offset);
    put_sized(body, ack.handle);
  }
  put_varint(body, parts.moves.size());
  for (const AtomicParts::Move& move : parts.moves) {
    put_sized(body, move.group);
    put_sized(body, move.topic);
    put_signed_varint(body, move.queue_id);
    put_signed_varint(body, move.from);
    put_signed_varint(body, move.to);
  }
  put_varint(body, parts.sends.size());
  for (const AtomicParts::Send& send : parts.sends) {
    put_sized(body, send.topic);
    put_signed_varint(body, send.queue_id);
    put_signed_varint(body, send.flag);
    put_signed_varint(body, send.sys_flag);
    put_signed_varint(body, send.born_ms);
    put_sized(body, send.properties);
    put_sized(body, as_text(send.body));
  }
  return body;
}

Result<AtomicParts> decode_atomic_parts(Bytes body) {
  VarintReader in(body);
  if (in.byte() != kVersion || !in.ok())
    return fail(Errc::kBadBytes, "the transaction's body has an unknown version");
  AtomicParts parts;
  for (std::uint64_t left = in.count(AtomicParts::kMax); left > 0 && in.ok(); --left) {
    AtomicParts::Ack& ack = parts.acks.emplace_back();
    ack.group = in.text();
    ack.topic = in.text();
    ack.queue_id = small(in);
    ack.offset = in.signed_number();
    ack.handle = in.text();
  }
  for (std::uint64_t left = in.count(AtomicParts::kMax); left > 0 && in.ok(); --left) {
    AtomicParts::Move& move = parts.moves.emplace_back();
    move.group = in.text();
    move.topic = in.text();
    move.queue_id = small(in);
    move.from = in.signed_number();
    move.to = in.signed_number();
  }
  for (std::uint64_t left = in.count(AtomicParts::kMax); left > 0 && in.ok(); --left) {
    AtomicParts::Send& send = parts.sends.emplace_back();
    send.topic = in.text();
    send.queue_id = small(in);
    send.flag = small(in);
    send.sys_flag = small(in);
    send.born_ms = in.signed_number();
    send.properties = in.text();
    send.body = as_bytes(in.text());
  }
  if (!in.ok() || in.remaining() > 0)
    return fail(Errc::kBadBytes,
                "the transaction's body is cut, or has more than 1024 parts of one kind");
  return parts;
}

}  // namespace oncemq::wire
