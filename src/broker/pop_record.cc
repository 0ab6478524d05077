#include "broker/pop_record.h"

#include <algorithm>
#include <utility>

namespace oncemq::broker {
namespace {

constexpr char kVersion = 1;
constexpr std::uint8_t kSameQueue = 0x80;
// What one request can touch, with room; a broken count must not allocate.
constexpr std::uint64_t kRowsMax = 1U << 20;

void put(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}
void put_signed(std::string& out, std::int64_t value) {
  put(out, static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
}
void put_text(std::string& out, std::string_view text) {
  put(out, text.size());
  out.append(text);
}

std::uint64_t get(ByteReader& in, bool& ok) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const auto byte = in.read<std::uint8_t>();
    if (!in.ok()) return 0;
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  ok = false;
  return 0;
}
std::int64_t get_signed(ByteReader& in, bool& ok) {
  const std::uint64_t value = get(in, ok);
  return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
}
std::string_view get_text(ByteReader& in, bool& ok) {
  const std::uint64_t size = get(in, ok);
  if (size > in.remaining()) {
    ok = false;
    return {};
  }
  return in.read_text(static_cast<std::size_t>(size));
}

// So that whoever reckons with the numbers needs no care.
bool in_range(const PopOperation& operation) {
  constexpr std::int64_t kMost = 1LL << 60;
  const auto fits = [](std::int64_t value) { return value > -kMost && value < kMost; };
  return fits(operation.next.value) && fits(operation.token) && fits(operation.invisible_ms) &&
         std::all_of(operation.rows.begin(), operation.rows.end(),
                     [&](const PopOperation::Row& row) { return fits(row.offset.value); });
}

}  // namespace

void PopRecordWriter::add(const PopOperation& operation) {
  if (body_.empty()) {
    body_.push_back(kVersion);
    queue_id_ = -1;
  }
  const bool same =
      queue_id_ == operation.queue_id && group_ == operation.group && topic_ == operation.topic;
  body_.push_back(static_cast<char>(static_cast<std::uint8_t>(operation.kind) |
                                    (same ? kSameQueue : std::uint8_t{0})));
  if (!same) {
    group_ = operation.group;
    topic_ = operation.topic;
    queue_id_ = operation.queue_id;
    put_text(body_, group_);
    put_text(body_, topic_);
    put(body_, static_cast<std::uint32_t>(queue_id_));
  }
  using Kind = PopOperation::Kind;
  const bool held = operation.kind == Kind::kHold || operation.kind == Kind::kChange;
  if (operation.kind == Kind::kHold || operation.kind == Kind::kSet)
    put_signed(body_, operation.next.value);
  if (held) {
    put_signed(body_, operation.token);
    put_signed(body_, operation.invisible_ms);
  }
  if (operation.kind == Kind::kHold) put_text(body_, operation.attempt_id);
  if (!held && operation.kind != Kind::kDone && operation.kind != Kind::kDead) return;
  put(body_, operation.rows.size());
  std::int64_t last = 0;
  for (const PopOperation::Row& row : operation.rows) {
    put_signed(body_, row.offset.value - last);
    last = row.offset.value;
    if (operation.kind == Kind::kHold) put(body_, static_cast<std::uint32_t>(row.deliveries));
  }
}

std::string PopRecordWriter::take() {
  queue_id_ = -1;
  return std::exchange(body_, {});
}

Status read_pop_record(Bytes body, const std::function<void(const PopOperation&)>& visit) {
  ByteReader in(body);
  if (in.read<std::uint8_t>() != kVersion || !in.ok())
    return fail(Errc::kBadBytes, "a record of POP operations has an unknown version");
  PopOperation operation;
  bool named = false;
  bool ok = true;
  using Kind = PopOperation::Kind;
  while (in.remaining() > 0) {
    const auto first = in.read<std::uint8_t>();
    const std::uint8_t kind = first & 0x7fU;
    if (kind < static_cast<std::uint8_t>(Kind::kHold) ||
        kind > static_cast<std::uint8_t>(Kind::kDead))
      return fail(Errc::kBadBytes, "a POP operation has an unknown kind");
    operation.kind = static_cast<Kind>(kind);
    if ((first & kSameQueue) == 0) {
      operation.group = get_text(in, ok);
      operation.topic = get_text(in, ok);
      operation.queue_id = static_cast<std::int32_t>(get(in, ok) & 0x7fffffffU);
      named = true;
    }
    ok = ok && named;
    operation.next = {};
    operation.token = operation.invisible_ms = 0;
    operation.attempt_id = {};
    operation.rows.clear();
    const bool held = operation.kind == Kind::kHold || operation.kind == Kind::kChange;
    if (operation.kind == Kind::kHold || operation.kind == Kind::kSet)
      operation.next.value = get_signed(in, ok);
    if (held) {
      operation.token = get_signed(in, ok);
      operation.invisible_ms = get_signed(in, ok);
    }
    if (operation.kind == Kind::kHold) operation.attempt_id = get_text(in, ok);
    if (held || operation.kind == Kind::kDone || operation.kind == Kind::kDead) {
      const std::uint64_t count = get(in, ok);
      // A row takes a byte at least.
      if (count > kRowsMax || count > in.remaining()) ok = false;
      std::uint64_t last = 0;
      for (std::uint64_t i = 0; ok && in.ok() && i < count; ++i) {
        last += static_cast<std::uint64_t>(get_signed(in, ok));
        PopOperation::Row row{{static_cast<std::int64_t>(last)}, 0};
        if (operation.kind == Kind::kHold)
          row.deliveries = static_cast<std::int32_t>(get(in, ok) & 0x7fffffffU);
        operation.rows.push_back(row);
      }
      if (operation.kind == Kind::kChange && operation.rows.size() != 1) ok = false;
    }
    ok = ok && in_range(operation);
    if (!ok || !in.ok()) return fail(Errc::kBadBytes, "a POP operation is cut or out of range");
    visit(operation);
  }
  return {};
}

}  // namespace oncemq::broker
