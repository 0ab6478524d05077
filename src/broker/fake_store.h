#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "model/properties.h"
#include "model/record_codec.h"
#include "store/consume_queue.h"
#include "store/message_store.h"

// A store for the broker's tests: records in memory, and every refusal on demand. Marks move only
// when the test says so, unless `autocommit` is left on. Thread rule: confined to the test.
namespace oncemq::broker {

class FakeQueue final : public store::ConsumeQueue {
 public:
  FakeQueue(std::string topic, std::int32_t queue_id, const store::Watermarks& marks)
      : ConsumeQueue(std::move(topic), queue_id), marks_(marks) {}

  store::QueueOffset min() const override { return {std::min(min_, max().value)}; }
  store::QueueOffset max() const override {
    const std::int64_t committed = marks_.committed().value;
    std::size_t end = entries.size();
    while (end > 0 && entries[end - 1].log_offset.value + entries[end - 1].size > committed) --end;
    return {static_cast<std::int64_t>(end)};
  }
  store::QueueOffset next() const override { return {static_cast<std::int64_t>(entries.size())}; }

  // As if retention had removed what was before.
  void cut(std::int64_t min) { min_ = min; }

  std::vector<store::QueueEntry> entries;

 private:
  const store::Watermarks& marks_;
  std::int64_t min_ = 0;
};

class FakeStore final : public store::MessageStore {
 public:
  explicit FakeStore(os::Clock& clock, store::CommitPolicy policy = store::CommitPolicy::kFlushed)
      : marks_(policy, 0), clock_(clock) {}

  // ---- what a test sets
  bool autocommit = true;               // write_out() also makes durable
  std::deque<Error> append_errors;      // each fails one append
  std::size_t append_limit = SIZE_MAX;  // items per append; more is kBusy
  std::size_t body_limit = SIZE_MAX;    // larger is kMessageIllegal
  std::optional<Error> refuses;
  Status delete_status;
  int appends = 0;
  int reads = 0;
  bool hides_keys = false;  // the key index is behind
  int write_outs = 0;
  int cleanings = 0;
  int cooled = 0;
  std::vector<std::string> deleted;
  std::vector<std::string> deleted_before;  // was_deleted() says yes
  store::LogOffset log_min;                 // queues do not heed it
  store::LogOffset held{INT64_MAX};
  store::LogOffset deletable{};

  void flush() {
    marks_.advance(store::FlushedOffset{marks_.appended().value});
    tell();
  }
  void sync() {
    flush();
    marks_.advance(store::DurableOffset{marks_.flushed().value});
    tell();
  }
  // A crash cuts off the log's last records.
  void lose(std::size_t count) {
    for (; count > 0; --count) {
      const auto last = std::prev(records_.end());
      for (auto& [name, queue] : queues_)
        std::erase_if(queue->entries, [&](const store::QueueEntry& entry) {
          return entry.log_offset.value == last->first;
        });
      records_.erase(last);
    }
  }
  FakeQueue& fake(std::string_view topic, std::int32_t queue_id) {
    return static_cast<FakeQueue&>(queue(topic, queue_id));
  }
  model::RecordView record(std::string_view topic, std::int32_t queue_id, std::size_t index) {
    return decode(fake(topic, queue_id).entries.at(index).log_offset.value);
  }
  std::int64_t tags_code(std::string_view topic, std::int32_t queue_id, std::size_t index) {
    return fake(topic, queue_id).entries.at(index).tags_code;
  }
  std::size_t count(std::string_view topic, std::int32_t queue_id) {
    return fake(topic, queue_id).entries.size();
  }

  // ---- MessageStore
  void start(store::CommitListener listener) override { listener_ = std::move(listener); }
  bool step() override { return false; }
  Status close() override { return {}; }

  Result<store::AppendedOffset> append(std::span<store::AppendItem> items) override {
    ++appends;
    if (refuses.has_value()) return fail(*refuses);
    if (!append_errors.empty()) {
      Error error = append_errors.front();
      append_errors.pop_front();
      return fail(std::move(error));
    }
    if (items.size() > append_limit) return fail(Errc::kBusy, "staging is full");
    for (const store::AppendItem& item : items)
      if (item.message.body.size() > body_limit) return fail(Errc::kMessageIllegal, "too large");
    for (store::AppendItem& item : items) {
      auto& queue = static_cast<FakeQueue&>(*item.queue);
      const model::RecordPosition position{
          queue.next(), {marks_.appended().value}, clock_.wall_ms()};
      auto bytes =
          std::make_shared<std::vector<std::byte>>(model::encoded_size(item.message, options_));
      const std::size_t size = model::encode_record(item.message, position, options_, *bytes);
      item.result = {position.log_offset, position.queue_offset, position.store_timestamp,
                     static_cast<std::int32_t>(size)};
      queue.entries.push_back({position.log_offset, static_cast<std::int32_t>(size),
                               item.message.delay_ms > 0
                                   ? position.store_timestamp + item.message.delay_ms
                                   : item.message.tags_code});
      records_.emplace(position.log_offset.value, std::move(bytes));
      marks_.advance(
          store::AppendedOffset{position.log_offset.value + static_cast<std::int64_t>(size)});
      fresh_.push_back(&queue);
    }
    return marks_.appended();
  }
  void write_out() override {
    ++write_outs;
    if (!autocommit) return;
    marks_.advance(store::FlushedOffset{marks_.appended().value});
    marks_.advance(store::DurableOffset{marks_.appended().value});
    tell();
  }
  const store::Watermarks& marks() const override { return marks_; }
  std::optional<Error> refusal() const override { return refuses; }

  store::ConsumeQueue& queue(std::string_view topic, std::int32_t queue_id) override {
    auto& queue = queues_[{std::string(topic), queue_id}];
    if (queue == nullptr) queue = std::make_unique<FakeQueue>(std::string(topic), queue_id, marks_);
    return *queue;
  }
  store::ConsumeQueue* find_queue(std::string_view topic, std::int32_t queue_id) override {
    auto found = queues_.find({std::string(topic), queue_id});
    return found == queues_.end() ? nullptr : found->second.get();
  }
  void for_each_queue(const std::function<void(store::ConsumeQueue&)>& visit) override {
    for (auto& [name, queue] : queues_) visit(*queue);
  }
  bool was_deleted(std::string_view topic, store::LogOffset) const override {
    return std::find(deleted_before.begin(), deleted_before.end(), topic) != deleted_before.end();
  }
  Status delete_topic(std::string_view topic) override {
    deleted.emplace_back(topic);
    for (auto& [name, queue] : queues_)
      if (name.first == topic) queue->entries.clear();
    return delete_status;
  }

  store::ReadResult read(const store::ReadRequest& request) override {
    store::ReadResult result;
    ++reads;
    if (request.queue == nullptr) return result;
    auto& queue = static_cast<FakeQueue&>(*request.queue);
    result.min = queue.min();
    result.max = queue.max();
    result.next = request.offset;
    if (result.max.value == 0) {
      result.status = store::ReadStatus::kQueueEmpty;
      result.next = {};
    } else if (request.offset < result.min) {
      result.status = store::ReadStatus::kOffsetTooSmall;
      result.next = result.min;
    } else if (request.offset == result.max) {
      result.status = store::ReadStatus::kOffsetAtEnd;
    } else if (request.offset > result.max) {
      result.status = store::ReadStatus::kOffsetPastEnd;
      result.next = result.max;
    } else {
      scan(queue, request, result);
    }
    return result;
  }
  Result<store::LogSpan> read_record(store::LogOffset offset) override {
    auto found = records_.find(offset.value);
    if (found == records_.end()) return fail(Errc::kMessageNotFound, "no record there");
    return store::LogSpan{*found->second, found->second};
  }
  std::vector<store::LogSpan> query(const store::KeyQuery& query) override {
    std::vector<store::LogSpan> spans;
    if (hides_keys) return spans;
    last_query = {std::string(query.topic), std::string(query.key), query.max};
    for (auto row = records_.rbegin(); row != records_.rend(); ++row) {
      const model::RecordView record = decode(row->first);
      if (record.topic != query.topic || record.store_timestamp < query.begin_ms ||
          record.store_timestamp > query.end_ms)
        continue;
      const auto unique = model::find_property(record.properties, model::property::kUniqueKey);
      const auto keys = model::find_property(record.properties, model::property::kKeys);
      if (unique != query.key && keys != query.key) continue;
      if (spans.size() == static_cast<std::size_t>(query.max)) break;
      spans.push_back({*row->second, row->second});
    }
    return spans;
  }
  store::QueueOffset offset_by_time(store::ConsumeQueue& queue, std::int64_t timestamp_ms,
                                    store::Boundary boundary) override {
    const auto& entries = static_cast<FakeQueue&>(queue).entries;
    std::int64_t offset = 0;
    while (offset < queue.max().value) {
      const std::int64_t time =
          decode(entries[static_cast<std::size_t>(offset)].log_offset.value).store_timestamp;
      if (boundary == store::Boundary::kLower ? time >= timestamp_ms : time > timestamp_ms) break;
      ++offset;
    }
    return {boundary == store::Boundary::kLower ? offset : std::max<std::int64_t>(0, offset - 1)};
  }
  std::int64_t store_time(store::ConsumeQueue& queue, store::QueueOffset offset) override {
    if (offset < queue.min() || offset >= queue.max()) return -1;
    const auto& entries = static_cast<FakeQueue&>(queue).entries;
    return decode(entries[static_cast<std::size_t>(offset.value)].log_offset.value).store_timestamp;
  }
  store::LogOffset min_offset() const override { return log_min; }
  Status scan(store::LogOffset from,
              const std::function<bool(const model::RecordView&)>& visit) override {
    if (from.value < marks_.committed().value && !records_.contains(from.value))
      return fail(Errc::kCorrupt, "no record there");
    for (auto row = records_.lower_bound(from.value);
         row != records_.end() && row->first < marks_.committed().value; ++row)
      if (!visit(decode(row->first))) return {};
    return {};
  }
  void hold(store::LogOffset from) override { held = from; }
  store::LogOffset held_back() const override { return deletable; }
  void housekeep() override {}
  void cool() override { ++cooled; }
  void clean_now() override { ++cleanings; }
  store::StoreStats stats() const override {
    store::StoreStats stats;
    stats.appended = marks_.appended();
    stats.flushed = marks_.flushed();
    stats.durable = marks_.durable();
    stats.committed = marks_.committed();
    stats.disk_used_ratio = 0.25;
    return stats;
  }

  struct LastQuery {
    std::string topic;
    std::string key;
    std::int32_t max = 0;
  } last_query;

 private:
  model::RecordView decode(std::int64_t log_offset) {
    return model::decode_record(*records_.at(log_offset), model::Verify::kFull).value().record;
  }
  void scan(FakeQueue& queue, const store::ReadRequest& request, store::ReadResult& result) {
    constexpr std::int64_t kScanMax = 800;
    std::int64_t at = request.offset.value;
    std::int64_t end = std::min(result.max.value, at + kScanMax);
    while (at < end) {
      const store::QueueEntry& entry = queue.entries[static_cast<std::size_t>(at)];
      const auto size = static_cast<std::size_t>(entry.size);
      const bool wanted =
          request.filter == nullptr ||
          (request.filter->passes(entry.tags_code) &&
           (!request.filter->wants_properties() ||
            request.filter->matches(decode(entry.log_offset.value).properties, result.filter)));
      if (wanted && result.messages > 0 &&
          (result.messages >= request.max_messages ||
           result.bytes + size > static_cast<std::size_t>(request.max_bytes)))
        break;
      ++at;
      if (result.filter.work >= request.filter_work) end = at;
      if (!wanted) continue;
      const auto& bytes = records_.at(entry.log_offset.value);
      result.spans.push_back({*bytes, bytes});
      result.bytes += size;
      result.last_log_offset = entry.log_offset;
      ++result.messages;
    }
    result.next = {at};
    result.status = result.messages > 0 ? store::ReadStatus::kFound : store::ReadStatus::kNoMatched;
  }
  void tell() {
    const std::int64_t committed = marks_.committed().value;
    std::vector<store::ConsumeQueue*> arrived;
    std::vector<FakeQueue*> rest;
    for (FakeQueue* queue : fresh_) {
      if (queue->max() < queue->next())
        rest.push_back(queue);
      else if (queue->watched() &&
               std::find(arrived.begin(), arrived.end(), queue) == arrived.end())
        arrived.push_back(queue);
    }
    fresh_ = std::move(rest);
    if (listener_ != nullptr) listener_({committed}, arrived);
  }

  store::Watermarks marks_;
  os::Clock& clock_;
  const model::RecordOptions options_{.append_property_crc = false};
  store::CommitListener listener_;
  std::map<std::pair<std::string, std::int32_t>, std::unique_ptr<FakeQueue>> queues_;
  std::map<std::int64_t, std::shared_ptr<std::vector<std::byte>>> records_;
  std::vector<FakeQueue*> fresh_;
};

}  // namespace oncemq::broker
