#include "broker/timer_record.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "broker/record_copy.h"
#include "model/properties.h"

namespace oncemq::broker {

namespace property = model::property;

namespace {

// Nobody waits for what the broker itself appends.
constexpr std::string_view kNoWait =
    "WAIT\x01"
    "false\x02";
// compat: tag and body of upstream's RecallMessageProcessor.
constexpr std::string_view kRecallTag = "_RECALL_TAG_";
constexpr std::string_view kRecallBody = "0";
// Far enough for everybody, and safe to add to.
constexpr std::int64_t kTimeMax = std::int64_t{1} << 53;

// As Long.parseLong: all of the text, a sign may stand in front.
template <class T>
std::optional<T> parse_number(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view keep_pairs(
    std::initializer_list<std::pair<std::string_view, std::string_view>> pairs,
    std::string_view behind, Arena& arena) {
  std::size_t size = behind.size();
  for (const auto& [name, value] : pairs) size += pair_size(name, value);
  char* const start = arena.allocate(size);
  char* to = start;
  for (const auto& [name, value] : pairs) to = put_pair(to, name, value);
  std::copy(behind.begin(), behind.end(), to);
  return {start, size};
}

}  // namespace

Result<std::optional<std::int64_t>> timer_due(const Options& options, const SendProperties& seen,
                                              std::int64_t now_ms) {
  if (seen.timer_delete)
    return fail(Errc::kMessageIllegal, "a message is recalled with its recall handle only");
  // compat: a message that was a timer before is none (upstream HookUtils.checkIfTimerMessage).
  if (!seen.timer || seen.timer_out) return std::optional<std::int64_t>();
  if (!options.timer_wheel)
    return fail(Errc::kInternal, "messages with a delivery time are switched off");
  std::optional<std::int64_t> due;
  if (!seen.timer_delay_sec.empty()) {
    due = parse_number<std::int64_t>(seen.timer_delay_sec);
    if (due && (*due > kTimeMax / 1000 || *due < -kTimeMax / 1000)) due.reset();
    if (due) due = now_ms + *due * 1000;
  } else if (!seen.timer_delay_ms.empty()) {
    due = parse_number<std::int64_t>(seen.timer_delay_ms);
    if (due && (*due > kTimeMax || *due < -kTimeMax)) due.reset();
    if (due) due = now_ms + *due;
  } else {
    due = parse_number<std::int64_t>(seen.timer_deliver_ms);
  }
  if (!due) return fail(Errc::kMessageIllegal, "the delivery time is no number");
  if (*due <= now_ms) return std::optional<std::int64_t>();
  if (*due - now_ms > options.timer_max_delay_ms)
    return fail(Errc::kMessageIllegal, "the delivery time is more than timerMaxDelaySec away");
  return due;
}

std::int64_t timer_out_ms(const Options& options, std::int64_t due_ms) {
  return (due_ms - 1) / options.timer_precision_ms * options.timer_precision_ms;
}

void divert_to_timer(const Options& options, const TopicEntry& wheel, std::int64_t due_ms,
                     store::AppendItem& item, Arena& arena) {
  model::Message& message = item.message;
  message.extra_properties =
      keep_pairs({{property::kRealTopic, message.topic},
                  {property::kRealQueueId, std::to_string(message.queue_id)},
                  {property::kTimerOutMs, std::to_string(timer_out_ms(options, due_ms))},
                  {property::kOnceDueMs, std::to_string(due_ms)}},
                 message.extra_properties, arena);
  message.topic = wheel.name();
  message.queue_id = 0;
  item.queue = wheel.queue(0);
}

std::optional<store::TimerKey> parse_timer_mark(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto offset = parse_number<std::int64_t>(text.substr(0, colon));
  const auto due = parse_number<std::int64_t>(text.substr(colon + 1));
  if (!offset || !due || *offset < 0 || *due < 0 || *due > kTimeMax) return std::nullopt;
  return store::TimerKey{*due, *offset};
}

std::string timer_mark(const store::TimerKey& settled) {
  return std::to_string(settled.offset) + ":" + std::to_string(settled.due_ms);
}

std::string timer_delete_key(std::string_view topic, std::string_view unique_key) {
  std::string key(topic);
  key += '+';
  key += unique_key;
  return key;
}

TimerRecord parse_timer_record(const Options& options, const model::RecordView& record) {
  TimerRecord timer;
  std::optional<std::int64_t> out;
  std::optional<std::int64_t> due;
  std::optional<std::int32_t> queue;
  model::PropertyCursor cursor(record.properties);
  std::string_view name;
  std::string_view value;
  while (cursor.next(name, value)) {
    if (name == property::kTimerOutMs) out = parse_number<std::int64_t>(value);
    if (name == property::kOnceDueMs) due = parse_number<std::int64_t>(value);
    if (name == property::kRealTopic) timer.real_topic = value;
    if (name == property::kRealQueueId) queue = parse_number<std::int32_t>(value);
    if (name == property::kUniqueKey) timer.unique_key = value;
    if (name == property::kTimerDeleteKey) timer.delete_key = value;
    if (name == property::kOnceTimer) timer.settled = parse_timer_mark(value);
    if (name == property::kTimerRollTimes)
      timer.rolls = std::max(0, parse_number<std::int32_t>(value).value_or(0));
  }
  timer.key = {0, record.queue_offset.value};
  const bool whole = out && *out >= 0 && *out < kTimeMax && queue && !timer.real_topic.empty();
  if (!whole) return timer;
  timer.out_ms = *out;
  timer.real_queue = *queue;
  // Apache delivers at the end of the time slot.
  timer.key.due_ms = due && *due >= 0 && *due < kTimeMax ? *due : *out + options.timer_precision_ms;
  timer.kind = timer.delete_key.empty() ? TimerRecord::Kind::kTimer : TimerRecord::Kind::kRecall;
  return timer;
}

void deliver_timer(const TimerRecord& timer, const model::RecordView& record,
                   const TopicEntry& topic, std::int64_t now_ms, store::AppendItem& item,
                   Arena& arena) {
  model::Message& message = item.message = copy_of(record);
  message.wait_committed = false;
  message.topic = topic.name();
  message.queue_id = timer.real_queue;
  item.queue = topic.queue(timer.real_queue);
  message.properties =
      copy_without(record.properties, {.foreign = true, .real = true, .wait = true}, arena);
  message.extra_properties =
      keep_pairs({{property::kTimerEnqueueMs, std::to_string(record.store_timestamp)},
                  {property::kTimerDequeueMs, std::to_string(now_ms)},
                  {property::kOnceTimer, timer_mark(timer.key)}},
                 kNoWait, arena);
  message.tags_code = model::tags_code(scan_properties(record.properties).tags);
}

void move_timer(const TimerRecord& timer, const model::RecordView& record, const TopicEntry& wheel,
                store::AppendItem& item, Arena& arena) {
  model::Message& message = item.message = copy_of(record);
  message.wait_committed = false;
  message.topic = wheel.name();
  message.queue_id = 0;
  item.queue = wheel.queue(0);
  message.properties =
      copy_without(record.properties, {.foreign = true, .wait = true, .rolls = true}, arena);
  message.extra_properties =
      keep_pairs({{property::kTimerRollTimes, std::to_string(timer.rolls + 1)},
                  {property::kOnceDueMs, std::to_string(timer.key.due_ms)},
                  {property::kOnceTimer, timer_mark(timer.key)}},
                 kNoWait, arena);
  message.tags_code = model::tags_code(scan_properties(record.properties).tags);
}

void recall_timer(const Options& options, const TimerRecord& timer, std::string_view group,
                  const TopicEntry& wheel, std::int64_t now_ms, store::AppendItem& item,
                  Arena& arena) {
  model::Message& message = item.message;
  message.topic = wheel.name();
  message.queue_id = 0;
  item.queue = wheel.queue(0);
  message.born_timestamp = now_ms;
  message.born_host = options.address;
  message.store_host = options.address;
  message.body = as_bytes(kRecallBody);
  message.extra_properties =
      keep_pairs({{property::kTags, kRecallTag},
                  {property::kUniqueKey, timer.unique_key},
                  {property::kTimerDeleteKey, timer_delete_key(timer.real_topic, timer.unique_key)},
                  {property::kTimerOutMs, std::to_string(timer.out_ms)},
                  {property::kTimerDeliverMs, std::to_string(timer.out_ms + 1)},
                  {property::kRealTopic, timer.real_topic},
                  {property::kRealQueueId, std::to_string(timer.real_queue)},
                  {property::kProducerGroup, group.empty() ? std::string_view("-") : group},
                  {property::kOnceDueMs, std::to_string(timer.key.due_ms)},
                  {property::kOnceTimer, timer_mark(timer.key)}},
                 {}, arena);
  message.tags_code = model::tags_code(kRecallTag);
}

}  // namespace oncemq::broker
