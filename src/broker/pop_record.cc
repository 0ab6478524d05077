#include "broker/pop_record.h"

#include <algorithm>
#include <utility>

#include "base/varint.h"

namespace oncemq::broker {
namespace {

constexpr char kVersion = 1;
constexpr std::uint8_t kSameQueue = 0x80;
// What one request can touch, with room; a broken count must not allocate.
constexpr std::uint64_t kRowsMax = 1U << 20;

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
    put_sized(body_, group_);
    put_sized(body_, topic_);
    put_varint(body_, static_cast<std::uint32_t>(queue_id_));
  }
  using Kind = PopOperation::Kind;
  const bool held = operation.kind == Kind::kHold || operation.kind == Kind::kChange;
  if (operation.kind == Kind::kHold || operation.kind == Kind::kSet)
    put_signed_varint(body_, operation.next.value);
  if (held) {
    put_signed_varint(body_, operation.token);
    put_signed_varint(body_, operation.invisible_ms);
  }
  if (operation.kind == Kind::kHold) put_sized(body_, operation.attempt_id);
  if (!held && operation.kind != Kind::kDone && operation.kind != Kind::kDead) return;
  put_varint(body_, operation.rows.size());
  std::int64_t last = 0;
  for (const PopOperation::Row& row : operation.rows) {
    put_signed_varint(body_, row.offset.value - last);
    last = row.offset.value;
    if (operation.kind == Kind::kHold)
      put_varint(body_, static_cast<std::uint32_t>(row.deliveries));
  }
}

std::string PopRecordWriter::take() {
  queue_id_ = -1;
  return std::exchange(body_, {});
}

Status read_pop_record(Bytes body, const std::function<void(const PopOperation&)>& visit) {
  VarintReader in(body);
  if (in.byte() != kVersion || !in.ok())
    return fail(Errc::kBadBytes, "a record of POP operations has an unknown version");
  PopOperation operation;
  bool named = false;
  using Kind = PopOperation::Kind;
  while (in.remaining() > 0) {
    const auto first = in.byte();
    const std::uint8_t kind = first & 0x7fU;
    if (kind < static_cast<std::uint8_t>(Kind::kHold) ||
        kind > static_cast<std::uint8_t>(Kind::kDead))
      return fail(Errc::kBadBytes, "a POP operation has an unknown kind");
    operation.kind = static_cast<Kind>(kind);
    if ((first & kSameQueue) == 0) {
      operation.group = in.text();
      operation.topic = in.text();
      operation.queue_id = static_cast<std::int32_t>(in.number() & 0x7fffffffU);
      named = true;
    }
    if (!named) (void)in.refuse();
    operation.next = {};
    operation.token = operation.invisible_ms = 0;
    operation.attempt_id = {};
    operation.rows.clear();
    const bool held = operation.kind == Kind::kHold || operation.kind == Kind::kChange;
    if (operation.kind == Kind::kHold || operation.kind == Kind::kSet)
      operation.next.value = in.signed_number();
    if (held) {
      operation.token = in.signed_number();
      operation.invisible_ms = in.signed_number();
    }
    if (operation.kind == Kind::kHold) operation.attempt_id = in.text();
    if (held || operation.kind == Kind::kDone || operation.kind == Kind::kDead) {
      const std::uint64_t count = in.count(kRowsMax);
      std::uint64_t last = 0;
      for (std::uint64_t i = 0; in.ok() && i < count; ++i) {
        last += static_cast<std::uint64_t>(in.signed_number());
        PopOperation::Row row{{static_cast<std::int64_t>(last)}, 0};
        if (operation.kind == Kind::kHold)
          row.deliveries = static_cast<std::int32_t>(in.number() & 0x7fffffffU);
        operation.rows.push_back(row);
      }
      if (operation.kind == Kind::kChange && operation.rows.size() != 1) (void)in.refuse();
    }
    if (!in.ok() || !in_range(operation))
      return fail(Errc::kBadBytes, "a POP operation is cut or out of range");
    visit(operation);
  }
  return {};
}

}  // namespace oncemq::broker
