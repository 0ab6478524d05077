#include "broker/transaction_records.h"

#include <algorithm>
#include <charconv>

#include "broker/record_copy.h"
#include "broker/send_properties.h"
#include "model/properties.h"
#include "model/record_codec.h"

namespace oncemq::broker {

namespace property = model::property;
namespace tx = transaction_property;

namespace {

constexpr std::string_view kOpTag = "d";
constexpr std::size_t kEncoderRoom = 1 + model::kCrcPropertySize;
// An immunity of a hundred years is as good as any longer one, and cannot overflow.
constexpr std::int64_t kImmunityMaxS = 100LL * 365 * 86'400;

template <class Number>
std::optional<Number> number_of(std::optional<std::string_view> text) {
  if (!text.has_value()) return std::nullopt;
  Number number{};
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return number;
}

constexpr char letter_of(TransactionState state) {
  switch (state) {
    case TransactionState::kCommitted:
      return 'c';
    case TransactionState::kRolledBack:
      return 'r';
    case TransactionState::kDiscarded:
      return 'd';
    case TransactionState::kResumed:
      return 'm';
    case TransactionState::kOpen:
    case TransactionState::kDone:
      break;
  }
  return 'x';
}

constexpr TransactionState state_of_letter(char letter) {
  switch (letter) {
    case 'c':
      return TransactionState::kCommitted;
    case 'r':
      return TransactionState::kRolledBack;
    case 'd':
      return TransactionState::kDiscarded;
    case 'm':
      return TransactionState::kResumed;
    default:
      return TransactionState::kDone;
  }
}

// What both kinds of copy take over from the half message.
model::Message copy_of_half(const model::RecordView& record) {
  model::Message message = plain_copy_of(record);
  // Nobody waits for it by itself; the verdict's answer waits for the whole batch.
  message.wait_committed = false;
  return message;
}

}  // namespace

std::optional<HalfMessage> read_half(const model::RecordView& record) {
  HalfMessage half;
  half.record = record;
  const auto get = [&](std::string_view name) {
    return model::find_property(record.properties, name);
  };
  const auto topic = get(property::kRealTopic);
  const auto queue_id = number_of<std::int32_t>(get(property::kRealQueueId));
  if (!topic.has_value() || !queue_id.has_value() || *queue_id < 0 ||
      *topic == model::topic::kHalf || *topic == model::topic::kHalfOp)
    return std::nullopt;
  half.topic = *topic;
  half.queue_id = *queue_id;
  half.group = get(property::kProducerGroup).value_or("");
  half.unique_key = get(property::kUniqueKey).value_or("");
  half.transaction_id = get(tx::kId).value_or(half.unique_key);
  const auto immunity = number_of<std::int64_t>(get(tx::kImmunitySeconds));
  if (immunity.has_value() && *immunity >= 0)
    half.immunity_ms = std::min(*immunity, kImmunityMaxS) * 1000;
  half.prepared_offset = number_of<std::int64_t>(get(tx::kPreparedQueueOffset)).value_or(-1);
  half.origin = number_of<std::int64_t>(get(tx::kHalfOffset)).value_or(-1);
  half.checks = std::max(0, number_of<std::int32_t>(get(tx::kCheckTimes)).value_or(0));
  return half;
}

void make_half(const TopicEntry& half_topic, std::string_view producer_group,
               std::string_view unique_key, store::AppendItem& item, Arena& arena) {
  model::Message& message = item.message;
  std::string extra(message.extra_properties);
  if (!model::find_property(message.properties, property::kProducerGroup).has_value())
    model::append_property(extra, property::kProducerGroup, producer_group);
  model::append_property(extra, tx::kId, unique_key);
  model::append_property(extra, property::kRealTopic, message.topic);
  model::append_property(extra, property::kRealQueueId, std::to_string(message.queue_id));
  message.extra_properties = arena.copy(extra);
  message.topic = half_topic.name();
  message.queue_id = 0;
  item.queue = half_topic.queue(0);
}

Status make_committed(const HalfMessage& half, const TopicEntry& topic, store::AppendItem& item,
                      Arena& arena) {
  const model::RecordView& record = half.record;
  item.queue = topic.queue(half.queue_id);
  if (item.queue == nullptr)
    return fail(Errc::kInvalidArgument, "topic " + topic.name() + " cannot have that queue");
  model::Message& message = item.message = copy_of_half(record);
  message.topic = topic.name();
  message.queue_id = half.queue_id;
  message.sys_flag |= model::sysflag::kTransactionCommit;
  message.prepared_transaction_offset = record.log_offset;
  // compat: REAL_TOPIC, REAL_QID and TRAN_MSG stay (upstream EndTransactionProcessor, 5.3.3).
  const SendProperties seen = scan_properties(record.properties);
  message.properties = record.properties;
  if (seen.has_foreign_pairs)
    message.properties = copy_without(record.properties, {.foreign = true}, arena);
  message.tags_code = model::tags_code(seen.tags);
  if (message.properties.size() + kEncoderRoom > model::kMaxPropertiesSize)
    return fail(Errc::kMessageIllegal, "the properties are longer than 32767 bytes");
  return {};
}

void make_copy(const HalfMessage& half, std::int64_t half_offset, std::int32_t checks,
               const TopicEntry& topic, store::AppendItem& item, Arena& arena) {
  std::string properties(copy_without(half.record.properties, {.foreign = true}, arena));
  model::set_property(properties, tx::kCheckTimes, std::to_string(checks));
  properties = model::without_property(properties, tx::kPreparedQueueOffset);
  properties = model::without_property(properties, tx::kHalfOffset);
  if (half_offset >= 0)
    model::append_property(properties, tx::kHalfOffset, std::to_string(half_offset));
  // Without room for the pairs that we add, the message itself is what matters.
  if (properties.size() + kEncoderRoom > model::kMaxPropertiesSize)
    properties = copy_without(half.record.properties, {.foreign = true}, arena);
  model::Message& message = item.message = copy_of_half(half.record);
  message.properties = arena.copy(properties);
  message.topic = topic.name();
  message.queue_id = 0;
  message.tags_code = model::tags_code(scan_properties(message.properties).tags);
  item.queue = topic.queue(0);
}

void make_op(std::span<const OpEntry> entries, const TopicEntry& op_topic, const Address& host,
             std::int64_t now_ms, store::AppendItem& item, Arena& arena) {
  std::string body;
  std::string verdicts;
  for (const OpEntry& entry : entries) {
    body += std::to_string(entry.half);
    body += ',';
    verdicts += letter_of(entry.state);
  }
  std::string properties;
  model::append_property(properties, property::kTags, kOpTag);
  model::append_property(properties, tx::kVerdicts, verdicts);
  model::Message& message = item.message;
  message.topic = op_topic.name();
  message.queue_id = 0;
  // compat: Apache's checker compares the birth of op records with the begin of its round.
  message.born_timestamp = now_ms;
  message.born_host = host;
  message.store_host = host;
  message.body = as_bytes(arena.copy(body));
  message.properties = arena.copy(properties);
  message.tags_code = model::tags_code(kOpTag);
  message.wait_committed = false;
  item.queue = op_topic.queue(0);
}

std::vector<OpEntry> read_op(const model::RecordView& record) {
  std::vector<OpEntry> entries;
  const std::string_view verdicts =
      model::find_property(record.properties, tx::kVerdicts).value_or("");
  std::string_view rest = as_text(record.body);
  for (std::size_t index = 0; !rest.empty(); ++index) {
    const std::size_t comma = rest.find(',');
    const auto half = number_of<std::int64_t>(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    if (!half.has_value() || *half < 0) continue;
    entries.push_back({*half, index < verdicts.size() ? state_of_letter(verdicts[index])
                                                      : TransactionState::kDone});
  }
  return entries;
}

std::string make_check_body(const HalfMessage& half, std::int32_t checks) {
  const model::RecordView& record = half.record;
  Arena arena;
  std::string properties(copy_without(record.properties, {.foreign = true}, arena));
  model::set_property(properties, tx::kCheckTimes, std::to_string(checks));
  store::AppendItem item;
  model::Message& message = item.message = copy_of_half(record);
  message.topic = half.topic;
  message.queue_id = half.queue_id;
  message.properties = properties;
  // The property is a counter for the client; a message that is full goes without.
  if (properties.size() + kEncoderRoom > model::kMaxPropertiesSize)
    message.properties = record.properties;
  const model::RecordOptions options{.append_property_crc = false};
  std::string body(model::encoded_size(message, options), '\0');
  const std::size_t size = model::encode_record(
      message,
      {.queue_offset = record.queue_offset,
       .log_offset = record.log_offset,
       .store_timestamp = record.store_timestamp},
      options, MutableBytes(reinterpret_cast<std::byte*>(body.data()), body.size()));
  body.resize(size);
  return body;
}

}  // namespace oncemq::broker
