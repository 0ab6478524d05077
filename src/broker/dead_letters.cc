#include "broker/dead_letters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "base/heap_bytes.h"
#include "broker/record_copy.h"
#include "model/message_id.h"
#include "model/properties.h"
#include "model/record_codec.h"

namespace oncemq::broker {

namespace property = model::property;

namespace {

constexpr std::int64_t kClaimed = -1;
constexpr std::int64_t kLoadedPollMs = 3'600'000;
constexpr std::size_t kAttemptsMax = 16;
// What the encoder adds to the properties: an end mark and the property CRC.
constexpr std::size_t kEncoderRoom = 1 + model::kCrcPropertySize;

// Of an earlier life; each copy gets its own.
constexpr std::array kNotCopied = {
    property::kDelayLevel,    property::kRealTopic,     property::kRealQueueId,
    property::kReconsumeTime, property::kPopCheckpoint, property::kCrc32,
    property::kReplayOf,      property::kReplayBy,      property::kReplayTime,
};

std::int64_t number_of(std::string_view text, std::int64_t fallback) {
  std::int64_t value = fallback;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// An operator's name as a property value: no separators, not too long.
std::string name_of(std::string_view by) {
  std::string name(by.substr(0, DeadLetters::kNameMax));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, '?');
  return name.empty() ? "unknown" : name;
}

Result<LetterMark> mark_from(const model::RecordView& record) {
  const auto value = [&](std::string_view name) {
    return model::find_property(record.properties, name).value_or(std::string_view());
  };
  const auto order = parse_order(value(property::kMark));
  const std::int64_t letter = number_of(value(property::kMarkOf), -1);
  if (!order || letter < 0) return fail(Errc::kCorrupt, "a dead letter's mark does not parse");
  return LetterMark{
      .order = *order,
      .letter = {letter},
      .group = std::string(value(property::kMarkGroup)),
      .by = std::string(value(property::kMarkBy)),
      .time_ms = number_of(value(property::kMarkTime), 0),
      .copy = {*order == LetterOrder::kPurge ? -1 : record.log_offset.value + record.total_size}};
}

}  // namespace

std::string_view order_text(LetterOrder order) {
  switch (order) {
    case LetterOrder::kReplayToGroup:
      return "group";
    case LetterOrder::kReplayToTopic:
      return "topic";
    case LetterOrder::kPurge:
      return "purge";
  }
  return {};
}

std::optional<LetterOrder> parse_order(std::string_view text) {
  for (const LetterOrder order :
       {LetterOrder::kReplayToGroup, LetterOrder::kReplayToTopic, LetterOrder::kPurge})
    if (order_text(order) == text) return order;
  return std::nullopt;
}

void note_attempt(std::string& properties, std::int64_t now_ms, std::string_view consumer,
                  std::size_t size_max) {
  std::string attempts(
      model::find_property(properties, property::kRetryAttempts).value_or(std::string_view()));
  while (static_cast<std::size_t>(std::count(attempts.begin(), attempts.end(), ',')) + 1 >=
         kAttemptsMax)
    attempts.erase(0, attempts.find(',') + 1);
  if (!attempts.empty()) attempts += ',';
  attempts += std::to_string(now_ms) + '@';
  attempts += consumer.empty() ? std::string_view("unknown") : consumer;
  std::string changed = model::without_property(properties, property::kRetryAttempts);
  model::append_property(changed, property::kRetryAttempts, attempts);
  if (changed.size() <= size_max) properties = std::move(changed);
}

DeadLetters::DeadLetters(const Options& options, const Switches& switches, TopicTable& topics,
                         GroupTable& groups, store::MessageStore& store, Causes& causes,
                         os::Clock& clock)
    : options_(options),
      switches_(switches),
      topics_(topics),
      groups_(groups),
      store_(store),
      causes_(causes),
      clock_(clock) {}

// ---- reading the marks

std::int64_t DeadLetters::tick() {
  store::ReadRequest request;
  request.queue = store_.find_queue(model::topic::kDeadLetterMark, 0);
  request.max_messages = 100;
  for (std::size_t read = 0; read < kMarksPerTick;) {
    const model::QueueOffset min =
        request.queue == nullptr ? model::QueueOffset{} : request.queue->min();
    const model::QueueOffset max =
        request.queue == nullptr ? model::QueueOffset{} : request.queue->max();
    {
      MutexLock lock(mutex_);
      if (loaded_) return kLoadedPollMs;
      next_ = std::max(next_, min);
      if (next_ >= max) {
        loaded_ = true;
        return kLoadedPollMs;
      }
      request.offset = next_;
    }
    const store::ReadResult found = store_.read(request);
    for (const store::LogSpan& span : found.spans) {
      Bytes rest = span.bytes;
      while (!rest.empty()) {
        const auto decoded = model::decode_record(rest, model::Verify::kBody);
        if (!decoded || decoded->kind != model::RecordKind::kMessage) break;
        take(decoded->record);
        rest = rest.subspan(static_cast<std::size_t>(decoded->size));
      }
    }
    read += static_cast<std::size_t>(std::max(found.messages, 1));
    MutexLock lock(mutex_);
    // A hole in the queue is passed over, one entry at a time.
    next_ = found.next > next_ ? found.next : model::QueueOffset{next_.value + 1};
  }
  return 0;
}

// A replay's mark counts when its copy lies behind it: see docs/dead-letters.md.
void DeadLetters::take(const model::RecordView& record) {
  const auto mark = mark_from(record);
  if (!mark) return;
  if (mark->order != LetterOrder::kPurge) {
    const auto span = store_.read_record(mark->copy);
    if (!span) return;
    const auto copy = model::decode_record(span->bytes, model::Verify::kBody);
    if (!copy || copy->kind != model::RecordKind::kMessage) return;
    const auto of = model::find_property(copy->record.properties, property::kReplayOf);
    const auto id = model::parse_offset_message_id(of.value_or(std::string_view()));
    if (!id || id->offset != mark->letter) return;
  }
  MutexLock lock(mutex_);
  set_mark(mark->group, mark->letter, record.log_offset);
}

void DeadLetters::set_mark(std::string_view group, model::LogOffset letter, model::LogOffset mark) {
  Mark& place = marks_[letter.value];
  place.at = mark.value;
  if (place.settled != nullptr || store_.was_deleted(model::topic::dlq_topic(group), letter))
    return;
  auto queue = settled_.find(group);
  if (queue == settled_.end()) queue = settled_.emplace(std::string(group), Settled{}).first;
  place.settled = &queue->second;
  if (letter.value >= queue->second.from) ++queue->second.letters;
}

void DeadLetters::drop_below(model::LogOffset min) {
  const auto end = marks_.lower_bound(min.value);
  for (auto at = marks_.begin(); at != end; at = marks_.erase(at))
    if (Settled* queue = at->second.settled; queue != nullptr && at->first >= queue->from)
      --queue->letters;
}

std::optional<std::size_t> DeadLetters::settled(std::string_view group) {
  const model::LogOffset min = store_.min_offset();
  MutexLock lock(mutex_);
  if (!loaded_) return std::nullopt;
  drop_below(min);
  const auto queue = settled_.find(group);
  return queue == settled_.end() ? 0 : queue->second.letters;
}

std::size_t DeadLetters::memory_bytes() const {
  MutexLock lock(mutex_);
  return marks_.size() * kTreeNodeBytes<Marks> +
         settled_.size() * (kTreeNodeBytes<Queues> + kNameHeapBytes);
}

void DeadLetters::forget_queue(std::string_view group) {
  const std::int64_t end = store_.marks().appended().value;
  MutexLock lock(mutex_);
  settled_.insert_or_assign(std::string(group), Settled{.letters = 0, .from = end});
}

Result<LetterMark> DeadLetters::read_mark(model::LogOffset at) const {
  const auto span = store_.read_record(at);
  if (!span) return fail(span.error());
  const auto decoded = model::decode_record(span->bytes, model::Verify::kBody);
  if (!decoded) return fail(decoded.error());
  if (decoded->kind != model::RecordKind::kMessage)
    return fail(Errc::kCorrupt, "a dead letter's mark is not where it was");
  return mark_from(decoded->record);
}

Result<std::optional<LetterMark>> DeadLetters::mark_of(model::LogOffset letter) const {
  std::int64_t at = kClaimed;
  {
    MutexLock lock(mutex_);
    if (!loaded_) return fail(Errc::kNotReady, "the marks of dead letters are still being read");
    const auto found = marks_.find(letter.value);
    if (found != marks_.end()) at = found->second.at;
  }
  if (at == kClaimed) return std::optional<LetterMark>();
  auto mark = read_mark({at});
  if (!mark) return fail(std::move(mark.error()));
  return std::optional<LetterMark>(std::move(*mark));
}

// ---- orders

Status DeadLetters::claim(const Request& request, std::optional<model::LogOffset>& earlier) {
  const model::LogOffset min = store_.min_offset();
  MutexLock lock(mutex_);
  if (!loaded_) return fail(Errc::kNotReady, "the marks of dead letters are still being read");
  drop_below(min);
  const auto [found, fresh] = marks_.try_emplace(request.letter.value, Mark{.at = kClaimed});
  if (fresh) return {};
  if (found->second.at == kClaimed)
    return fail(Errc::kBusy, "another order for this letter is being written");
  earlier = model::LogOffset{found->second.at};
  return {};
}

// What append() stored: the answer, and where the mark lies.
struct DeadLetters::Written {
  Done done;
  model::LogOffset mark;
};

Result<DeadLetters::Done> DeadLetters::order(const Request& request) {
  if (!switches_.writable())
    return fail(Errc::kNoPermission, "the broker takes no messages at the moment");
  const auto span = store_.read_record(request.letter);
  if (!span) return fail(span.error());
  const auto decoded = model::decode_record(span->bytes, model::Verify::kFull);
  if (!decoded) return fail(decoded.error());
  if (decoded->kind != model::RecordKind::kMessage ||
      decoded->record.topic != model::topic::dlq_topic(request.group))
    return fail(Errc::kMessageNotFound,
                "no dead letter of group " + std::string(request.group) + " at that offset");

  std::optional<model::LogOffset> earlier;
  ONCE_TRY(claim(request, earlier));
  if (earlier) {
    auto mark = read_mark(*earlier);
    if (!mark) return fail(std::move(mark.error()));
    return Done{.mark = std::move(*mark), .already = true, .end = {}, .offset = {}};
  }
  auto written = append(request, decoded->record);
  {
    MutexLock lock(mutex_);
    if (!written) {
      marks_.erase(request.letter.value);
      return fail(std::move(written.error()));
    }
    set_mark(request.group, request.letter, written->mark);
  }
  if (request.order == LetterOrder::kReplayToGroup) {
    causes_.count({.cause = Cause::kReplayed,
                   .group = request.group,
                   .topic = decoded->record.topic,
                   .queue_id = decoded->record.queue_id,
                   .offset = decoded->record.queue_offset.value});
  }
  return std::move(written->done);
}

Result<const TopicEntry*> DeadLetters::target(const Request& request,
                                              const model::RecordView& letter) {
  if (request.order == LetterOrder::kReplayToTopic) {
    const auto name = model::find_property(letter.properties, property::kRetryTopic);
    if (!name) return fail(Errc::kTopicNotFound, "the letter does not say what its topic was");
    const TopicEntry* topic = topics_.find(*name);
    if (topic == nullptr || topic->write_queues() <= 0)
      return fail(Errc::kTopicNotFound, "topic " + std::string(*name) + " does not exist");
    if (!topic->writable() || model::topic::is_forbidden_target(*name))
      return fail(Errc::kNoPermission, "no messages are taken for " + std::string(*name));
    return topic;
  }
  const GroupEntry* group = groups_.find(request.group);
  if (group == nullptr)
    return fail(Errc::kGroupNotFound, "no consumer group " + std::string(request.group));
  model::TopicConfig config;
  config.name = model::topic::retry_topic(request.group);
  config.read_queues = config.write_queues = std::max(group->retry_queues(), 1);
  auto topic = topics_.ensure(config);
  if (topic && !(*topic)->writable())
    return fail(Errc::kNoPermission, "no messages are taken for " + config.name);
  return topic;
}

struct DeadLetters::Copy {
  std::string properties;
  std::int64_t time_ms = 0;
};

Result<DeadLetters::Copy> DeadLetters::make_copy(const Request& request,
                                                 const model::RecordView& letter) const {
  Copy copy{.properties = {}, .time_ms = clock_.wall_ms()};
  std::int64_t lives = 0;
  model::PropertyCursor cursor(letter.properties);
  std::string_view name;
  std::string_view value;
  while (cursor.next(name, value)) {
    if (name == property::kReplayCount) lives = number_of(value, 0);
    if (name == property::kReplayCount ||
        std::find(kNotCopied.begin(), kNotCopied.end(), name) != kNotCopied.end())
      continue;
    model::append_property(copy.properties, name, value);
  }
  model::append_property(copy.properties, property::kReplayOf,
                         model::offset_message_id(letter.store_host, letter.log_offset));
  model::append_property(copy.properties, property::kReplayBy, name_of(request.by));
  model::append_property(copy.properties, property::kReplayTime, std::to_string(copy.time_ms));
  model::append_property(copy.properties, property::kReplayCount, std::to_string(lives + 1));
  if (copy.properties.size() + kEncoderRoom > model::kMaxPropertiesSize)
    return fail(Errc::kMessageIllegal, "the letter's properties leave no room for a replay");
  return copy;
}

Result<DeadLetters::Written> DeadLetters::append(const Request& request,
                                                 const model::RecordView& letter) {
  model::TopicConfig marks;
  marks.name = model::topic::kDeadLetterMark;
  marks.read_queues = marks.write_queues = 1;
  auto mark_topic = topics_.ensure(marks);
  if (!mark_topic) return fail(std::move(mark_topic.error()));
  auto copy = make_copy(request, letter);
  if (!copy) return fail(std::move(copy.error()));

  std::string properties;
  model::append_property(properties, property::kMark, order_text(request.order));
  model::append_property(properties, property::kMarkOf, std::to_string(request.letter.value));
  model::append_property(properties, property::kMarkGroup, request.group);
  model::append_property(properties, property::kMarkBy, name_of(request.by));
  model::append_property(properties, property::kMarkTime, std::to_string(copy->time_ms));
  std::array<store::AppendItem, 2> items;
  model::Message& mark = items[0].message;
  mark.topic = (*mark_topic)->name();
  mark.born_timestamp = copy->time_ms;
  mark.born_host = mark.store_host = options_.address;
  mark.body = as_bytes(order_text(request.order));  // upstream's tools expect a body
  mark.properties = properties;
  items[0].queue = (*mark_topic)->queue(0);

  std::size_t count = 1;
  if (request.order != LetterOrder::kPurge) {
    auto topic = target(request, letter);
    if (!topic) return fail(std::move(topic.error()));
    std::uint32_t turn = 0;
    {
      MutexLock lock(mutex_);
      turn = round_robin_++;
    }
    const auto queue_id = static_cast<std::int32_t>(
        turn % static_cast<std::uint32_t>(std::max((*topic)->write_queues(), 1)));
    model::Message& message = items[1].message = plain_copy_of(letter);
    message.topic = (*topic)->name();
    message.queue_id = queue_id;
    message.store_host = options_.address;
    message.reconsume_times = 0;
    message.properties = copy->properties;
    message.tags_code = model::tags_code(
        model::find_property(letter.properties, property::kTags).value_or(std::string_view()));
    items[1].queue = (*topic)->queue(queue_id);
    count = 2;
  }
  const auto end = store_.append(std::span(items).first(count));
  if (!end) return fail(end.error());
  store_.write_out();
  Done done{.mark = {.order = request.order,
                     .letter = request.letter,
                     .group = std::string(request.group),
                     .by = name_of(request.by),
                     .time_ms = copy->time_ms,
                     .copy = {-1}},
            .already = false,
            .end = *end,
            .offset = {}};
  if (count == 2) {
    done.mark.copy = items[1].result.log_offset;
    done.offset = items[1].result.queue_offset;
  }
  return Written{std::move(done), items[0].result.log_offset};
}

}  // namespace oncemq::broker
