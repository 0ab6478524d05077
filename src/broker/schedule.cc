#include "broker/schedule.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "broker/delay.h"
#include "broker/record_copy.h"
#include "broker/send_properties.h"
#include "model/config_json.h"
#include "model/properties.h"
#include "model/record_codec.h"

namespace oncemq::broker {

namespace property = model::property;

namespace {

// compat: slaves copy delayOffset.json when its version moved (delayOffsetUpdateVersionStep).
constexpr std::uint64_t kVersionStep = 200;
// Nobody waits for a delivered message; and it says which delayed one it settles.
std::string_view marks_of(std::size_t index, model::QueueOffset offset, Arena& arena) {
  fmt::memory_buffer text;
  fmt::format_to(std::back_inserter(text), "WAIT\x01{}\x02{}\x01{}:{}\x02", "false",
                 property::kOnceDelay, index + 1, offset.value);
  return arena.copy({text.data(), text.size()});
}

struct Mark {
  std::int64_t level = 0;
  std::int64_t offset = 0;
};

std::optional<Mark> mark_of(std::string_view properties) {
  const auto text = model::find_property(properties, property::kOnceDelay);
  if (!text.has_value()) return std::nullopt;
  Mark mark;
  const char* const end = text->data() + text->size();
  const auto level = std::from_chars(text->data(), end, mark.level);
  if (level.ec != std::errc{} || level.ptr == end || *level.ptr != ':') return std::nullopt;
  const auto offset = std::from_chars(level.ptr + 1, end, mark.offset);
  if (offset.ec != std::errc{} || offset.ptr != end) return std::nullopt;
  return mark;
}

}  // namespace

Schedule::Schedule(const Options& options, TopicTable& topics, store::MessageStore& store,
                   BrokerStats& stats, os::Clock& clock)
    : options_(options), topics_(topics), store_(store), stats_(stats), clock_(clock) {
  MutexLock lock(mutex_);
  lines_.resize(options.delay_levels_ms.size());
}

Status Schedule::load(std::string_view json) {
  if (json.empty()) return find_deliveries({0});
  auto parsed = Json::parse(json);
  if (!parsed.has_value())
    return fail(Errc::kCorrupt, "delayOffset.json: " + parsed.error().message);
  auto file = model::delay_offset_from_json(*parsed);
  if (!file.has_value()) return fail(Errc::kCorrupt, "delayOffset.json: " + file.error().message);
  {
    MutexLock lock(mutex_);
    version_ = file->version;
    for (const auto& [level, offset] : file->offsets) {
      const auto index = static_cast<std::size_t>(level) - 1;
      if (level < 1 || index >= lines_.size() || offset < 0) continue;
      lines_[index].read = lines_[index].done = model::QueueOffset{offset};
    }
  }
  return find_deliveries({std::max<std::int64_t>(file->log, 0)});
}

// Where the first message stands that is not known to be delivered; the log's end when there is
// none. Its delivery can only stand behind it.
model::LogOffset Schedule::first_waiting() const {
  model::LogOffset first{store_.marks().committed().value};
  for (const Level& level : levels()) {
    if (level.offset >= level.max) continue;
    store::ReadRequest request;
    request.queue = store_.find_queue(model::topic::kSchedule, level.level - 1);
    request.offset = std::max(level.offset, request.queue->min());
    request.max_messages = 1;
    const store::ReadResult read = store_.read(request);
    // An entry that cannot be read is passed over by tick(); those behind it have later places.
    first = std::min(first, read.messages > 0 ? read.last_log_offset : store_.min_offset());
  }
  return first;
}

Status Schedule::find_deliveries(model::LogOffset known) {
  const model::LogOffset from = std::max(known, first_waiting());
  if (from.value >= store_.marks().committed().value) return {};
  // Levels deliver in order: one number says which are done.
  std::vector<std::int64_t> done(options_.delay_levels_ms.size(), 0);
  ONCE_TRY(store_.scan(from, [&done](const model::RecordView& record) {
    const auto mark = mark_of(record.properties);
    if (!mark.has_value() || mark->level < 1) return true;
    const auto index = static_cast<std::size_t>(mark->level - 1);
    if (index < done.size()) done[index] = std::max(done[index], mark->offset + 1);
    return true;
  }));
  MutexLock lock(mutex_);
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (done[i] <= lines_[i].done.value) continue;
    lines_[i].read = lines_[i].done = model::QueueOffset{done[i]};
    dirty_ = true;
  }
  return {};
}

std::string Schedule::dump() const {
  model::DelayOffsetFile file;
  {
    MutexLock lock(mutex_);
    file.version = version_;
    saved_log_ = settled_log();
    file.log = saved_log_.value;
    for (std::size_t i = 0; i < lines_.size(); ++i)
      if (lines_[i].done.value > 0)
        file.offsets.emplace(static_cast<std::int32_t>(i + 1), lines_[i].done.value);
  }
  return model::delay_offset_to_json(file).dump_pretty();
}

bool Schedule::take_dirty() {
  MutexLock lock(mutex_);
  const bool far = std::any_of(lines_.begin(), lines_.end(),
                               [](const Line& line) { return line.read.value > 0; }) &&
                   settled_log().value - saved_log_.value > kSaveLogBytes;
  return std::exchange(dirty_, false) || far;
}

// All deliveries in front of this are told by the lines' `done`.
model::LogOffset Schedule::settled_log() const {
  const std::int64_t durable =
      std::min(store_.marks().durable().value, store_.marks().committed().value);
  model::LogOffset settled{durable};
  for (const Line& line : lines_)
    if (!line.pending.empty()) settled = std::min(settled, line.pending.front().begin);
  return settled;
}

std::vector<Schedule::Level> Schedule::levels() const {
  std::vector<Level> levels;
  {
    MutexLock lock(mutex_);
    for (std::size_t i = 0; i < lines_.size(); ++i)
      levels.push_back({static_cast<std::int32_t>(i + 1), lines_[i].done, {}});
  }
  for (Level& level : levels) {
    const store::ConsumeQueue* queue = store_.find_queue(model::topic::kSchedule, level.level - 1);
    level.max = queue == nullptr ? model::QueueOffset{} : queue->max();
  }
  return levels;
}

std::int64_t Schedule::tick() {
  const std::int64_t now = clock_.wall_ms();
  std::int64_t wait = kPollMs;
  for (std::size_t i = 0; i < options_.delay_levels_ms.size(); ++i)
    wait = std::min(wait, tick_line(i, now));
  return wait;
}

void Schedule::settle(Line& line) {
  // Durable and not only committed: an offset that is saved must not outlive its delivery.
  const std::int64_t settled =
      std::min(store_.marks().durable().value, store_.marks().committed().value);
  while (!line.pending.empty() && line.pending.front().end.value <= settled) {
    line.done = line.pending.front().next;
    line.pending.pop_front();
    dirty_ = true;
    if (++changes_ % kVersionStep == 0) version_.bump(clock_.wall_ms());
  }
}

std::int64_t Schedule::tick_line(std::size_t index, std::int64_t now_ms) {
  store::ConsumeQueue* queue =
      store_.find_queue(model::topic::kSchedule, static_cast<std::int32_t>(index));
  if (queue == nullptr) return kPollMs;
  for (std::size_t delivered = 0; delivered < kBudget;) {
    store::ReadRequest request;
    request.queue = queue;
    request.max_messages = kReadMessages;
    request.max_bytes = kReadBytes;
    {
      MutexLock lock(mutex_);
      Line& line = lines_[index];
      settle(line);
      // The clock may have been set back: then nothing sleeps for longer than its delay.
      const std::int64_t delay = options_.delay_levels_ms[index];
      if (line.sleep_until_ms > now_ms && line.sleep_until_ms - now_ms <= delay)
        return std::min(kPollMs, line.sleep_until_ms - now_ms);
      line.sleep_until_ms = 0;
      request.offset = line.read;
    }
    if (queue->max() == request.offset) return kPollMs;
    const store::ReadResult read = store_.read(request);
    if (read.status == store::ReadStatus::kFound) {
      if (!deliver(index, read, now_ms)) return wait_of(index, now_ms);
      delivered += static_cast<std::size_t>(read.messages);
      continue;
    }
    // The offset file and the log disagree (retention, a restored file): go on where messages are.
    const model::QueueOffset min = queue->min();
    const model::QueueOffset next = std::clamp(read.next, min, std::max(min, queue->max()));
    MutexLock lock(mutex_);
    Line& line = lines_[index];
    if (next == line.read) return kPollMs;
    line.read = next;
    if (line.pending.empty() || next < line.done) {
      line.pending.clear();
      line.done = next;
    } else {
      line.pending.push_back({next, line.pending.back().end, line.pending.back().begin});
    }
    dirty_ = true;
  }
  return 0;
}

std::int64_t Schedule::wait_of(std::size_t index, std::int64_t now_ms) const {
  MutexLock lock(mutex_);
  const std::int64_t until = lines_[index].sleep_until_ms;
  return until > now_ms ? std::min(kPollMs, until - now_ms) : kPollMs;
}

// Delivers the records of one read that are due. False when the level has to wait: the next one is
// not due, or the store takes nothing at the moment.
bool Schedule::deliver(std::size_t index, const store::ReadResult& read, std::int64_t now_ms) {
  const std::int64_t delay = options_.delay_levels_ms[index];
  items_.clear();
  arena_.clear();
  std::int64_t sleep_until = 0;
  model::QueueOffset next = read.next;
  bool all = true;
  for (const store::LogSpan& span : read.spans) {
    Bytes rest = span.bytes;
    while (!rest.empty() && all) {
      auto decoded = model::decode_record(rest, model::Verify::kBody);
      // The store gives out whole, verified records; what does not decode ends the span.
      if (!decoded.has_value() || decoded->kind != model::RecordKind::kMessage) break;
      const model::RecordView& record = decoded->record;
      std::int64_t due = record.store_timestamp + delay;
      if (due > now_ms + delay) due = now_ms;  // stored while the clock was ahead
      if (due > now_ms) {
        sleep_until = due;
        next = record.queue_offset;
        all = false;
        break;
      }
      stage(index, record);
      rest = rest.subspan(static_cast<std::size_t>(decoded->size));
    }
    if (!all) break;
  }

  store::AppendedOffset end{};
  model::LogOffset begin{};
  if (!items_.empty()) {
    auto appended = store_.append(items_);
    if (!appended.has_value()) {
      MutexLock lock(mutex_);
      lines_[index].sleep_until_ms = std::min(now_ms + kPollMs, now_ms + delay);
      return false;
    }
    end = *appended;
    begin = items_.front().result.log_offset;
    std::uint64_t bytes = 0;
    for (const store::AppendItem& item : items_)
      bytes += static_cast<std::uint64_t>(item.result.size);
    stats_.put(items_.size(), bytes);
    store_.write_out();
  }
  MutexLock lock(mutex_);
  Line& line = lines_[index];
  line.read = next;
  line.sleep_until_ms = sleep_until;
  if (end.value == 0 && !line.pending.empty()) {
    end = line.pending.back().end;
    begin = line.pending.back().begin;
  }
  line.pending.push_back({next, end, begin});
  settle(line);
  return all;
}

// Makes the message that was delayed. One that has no place to go any more is left out: its topic
// was deleted and its messages with it, or it never belonged to a topic of a client.
void Schedule::stage(std::size_t index, const model::RecordView& record) {
  const auto real_topic = model::find_property(record.properties, property::kRealTopic);
  const auto real_queue = model::find_property(record.properties, property::kRealQueueId);
  if (!real_topic.has_value() || !real_queue.has_value() || *real_topic == model::topic::kHalf)
    return;
  std::int32_t queue_id = 0;
  const auto parsed =
      std::from_chars(real_queue->data(), real_queue->data() + real_queue->size(), queue_id);
  if (parsed.ec != std::errc{}) return;
  const TopicEntry* topic = topics_.topic_of_waiting(*real_topic, queue_id, record.log_offset);
  if (topic == nullptr) return;
  store::ConsumeQueue* queue = topic->queue(queue_id);
  if (queue == nullptr) return;

  const SendProperties seen = scan_properties(record.properties);
  store::AppendItem& item = items_.emplace_back();
  item.queue = queue;
  model::Message& message = item.message = copy_of(record);
  message.topic = topic->name();
  message.queue_id = queue_id;
  message.properties = record.properties;
  if (seen.has_wait || seen.has_foreign_pairs)
    message.properties = copy_without(record.properties, {.foreign = true, .wait = true}, arena_);
  message.extra_properties = marks_of(index, record.queue_offset, arena_);
  message.tags_code = model::tags_code(seen.tags);
}

}  // namespace oncemq::broker
