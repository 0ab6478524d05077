#include "wire/remoting/body/pop_info.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include "base/json.h"

namespace oncemq::wire {
namespace {

template <class T>
bool number(std::string_view text, T& into) {
  const auto end = std::from_chars(text.data(), text.data() + text.size(), into);
  return end.ec == std::errc{} && end.ptr == text.data() + text.size();
}

// Exactly so many parts, with one blank between two.
bool split(std::string_view text, std::span<std::string_view> parts) {
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const std::size_t end = text.find(' ');
    if (end == std::string_view::npos) return false;
    parts[i] = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  parts.back() = text;
  return text.find(' ') == std::string_view::npos;
}

void separate(std::string& text) {
  if (!text.empty()) text += ';';
}

std::optional<std::uint32_t> digit(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<std::uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0' + 52);
  if (c == '+') return 62U;
  if (c == '/') return 63U;
  return std::nullopt;
}

// Base64 as FastJSON writes byte[]; padding may be missing.
std::optional<std::string> from_base64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  unsigned have = 0;
  for (char c : text) {
    const auto value = digit(c);
    if (!value.has_value()) return std::nullopt;
    bits = bits << 6 | *value;
    have += 6;
    if (have < 8) continue;
    have -= 8;
    bytes.push_back(static_cast<char>(bits >> have & 0xffU));
  }
  return bytes;
}

// Members have a short and a long name.
const Json& member(const Json& object, std::string_view name, std::string_view long_name) {
  return object.has(name) ? object[name] : object[long_name];
}

}  // namespace

Result<ReceiptHandle> parse_receipt_handle(std::string_view text) {
  std::array<std::string_view, 8> parts;
  if (!split(text, parts))
    return fail(Errc::kInvalidArgument, "a receipt handle has 8 parts, this one has not");
  ReceiptHandle handle;
  handle.broker = parts[5];
  const bool ok = number(parts[0], handle.start_offset) && number(parts[1], handle.pop_time) &&
                  number(parts[2], handle.invisible_ms) && number(parts[3], handle.revive_queue) &&
                  number(parts[4], handle.source) && number(parts[6], handle.queue_id) &&
                  number(parts[7], handle.offset);
  if (!ok || handle.source < 0 || handle.source > 2)
    return fail(Errc::kInvalidArgument,
                "a part of the receipt handle is no number or out of range");
  return handle;
}

std::string format_receipt_handle(const ReceiptHandle& handle) {
  std::string text = std::to_string(handle.start_offset);
  for (std::int64_t part : {handle.pop_time, handle.invisible_ms, std::int64_t{handle.revive_queue},
                            std::int64_t{handle.source}})
    text.append(" ").append(std::to_string(part));
  text.append(" ").append(handle.broker);
  text.append(" ").append(std::to_string(handle.queue_id));
  return text.append(" ").append(std::to_string(handle.offset));
}

Result<PopStarts> parse_pop_starts(std::string_view text) {
  PopStarts starts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    std::array<std::string_view, 3> parts;
    std::int32_t source = 0;
    std::int32_t queue_id = 0;
    std::int64_t start = 0;
    if (!split(text.substr(0, end), parts) || !number(parts[0], source) ||
        !number(parts[1], queue_id) || !number(parts[2], start))
      return fail(Errc::kBadBytes, "an entry of startOffsetInfo is not `source queue offset`");
    starts.insert_or_assign({source, queue_id}, start);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return starts;
}

void PopInfoWriter::begin_queue(std::int32_t source, std::int32_t queue_id,
                                std::int64_t start_offset) {
  const std::string queue = std::to_string(source) + " " + std::to_string(queue_id) + " ";
  separate(start_offsets_);
  start_offsets_ += queue + std::to_string(start_offset);
  separate(message_offsets_);
  message_offsets_ += queue;
  first_ = true;
}

void PopInfoWriter::message(std::int64_t offset) {
  if (!first_) message_offsets_ += ',';
  first_ = false;
  message_offsets_ += std::to_string(offset);
}

void PopInfoWriter::order_count(std::int32_t source, std::int32_t queue_id, std::int64_t offset,
                                std::int32_t count) {
  separate(order_counts_);
  order_counts_ += std::to_string(source) + " qo" + std::to_string(queue_id) + "%" +
                   std::to_string(offset) + " " + std::to_string(count);
}

Result<std::vector<BatchAckEntry>> decode_batch_ack(Bytes body) {
  auto json = Json::parse(as_text(body));
  if (!json.has_value()) return fail(std::move(json.error()));
  const Json& acks = (*json)["acks"];
  if (!acks.is_array()) return fail(Errc::kBadBytes, "a batch ack without acks");
  std::vector<BatchAckEntry> entries;
  std::size_t messages = 0;
  for (const Json& ack : acks.items()) {
    BatchAckEntry entry;
    entry.group = member(ack, "c", "consumerGroup").as_string();
    entry.topic = member(ack, "t", "topic").as_string();
    entry.source = static_cast<std::int32_t>(member(ack, "r", "retry").as_int(-1));
    entry.start_offset = member(ack, "so", "startOffset").as_int(-1);
    entry.queue_id = static_cast<std::int32_t>(member(ack, "q", "queueId").as_int(-1));
    entry.pop_time = member(ack, "pt", "popTime").as_int();
    if (entry.source < 0 || entry.source > 2 || entry.start_offset < 0)
      return fail(Errc::kBadBytes, "an ack of the batch is out of range");
    const auto bits = from_base64(member(ack, "b", "bitSet").as_string());
    if (!bits.has_value()) return fail(Errc::kBadBytes, "the bits of an ack are no base64");
    if (bits->size() > kBatchAckSpan / 8)
      return fail(Errc::kInvalidArgument, "the messages of one ack lie too far apart");
    for (std::size_t i = 0; i < bits->size() * 8; ++i) {
      const unsigned byte = static_cast<unsigned char>((*bits)[i / 8]);
      if ((byte >> (i % 8) & 1U) == 0) continue;
      if (++messages > kBatchAckMax)
        return fail(Errc::kInvalidArgument, "more messages than one batch may ack");
      if (entry.start_offset > INT64_MAX - static_cast<std::int64_t>(i))
        return fail(Errc::kBadBytes, "an ack of the batch is out of range");
      entry.offsets.push_back(entry.start_offset + static_cast<std::int64_t>(i));
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace oncemq::wire
