#include "broker/pop_log.h"

#include <utility>

#include "base/log.h"
#include "model/record_codec.h"
#include "model/topic.h"
#include "store/consume_queue.h"

namespace oncemq::broker {

PopLog::PopLog(const Options& options, store::MessageStore& store, os::Clock& clock)
    : options_(options),
      store_(store),
      clock_(clock),
      queue_(store.queue(model::topic::kPopLog, 0)) {}

std::uint64_t PopLog::stage(const PopOperation& operation) {
  MutexLock lock(mutex_);
  const std::size_t before = writer_.body().size();
  writer_.add(operation);
  staged_bytes_.fetch_add(writer_.body().size() - before, std::memory_order_relaxed);
  if (writer_.body().size() >= kBodySize) full_.push_back(writer_.take());
  return ++staged_;
}

Status PopLog::flush() {
  // Who stages while another thread appends must see that append in progress(), so it waits here
  // for memory work only.
  MutexLock role(append_role_);
  std::vector<std::string> bodies;
  std::uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    if (progress_.appended == staged_) return {};
    bodies = std::move(full_);
    full_.clear();
    if (!writer_.empty()) bodies.push_back(writer_.take());
    number = staged_;
  }
  const std::int64_t now = clock_.wall_ms();
  std::vector<store::AppendItem> items(bodies.size());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    model::Message& message = items[i].message;
    message.topic = model::topic::kPopLog;
    message.born_timestamp = now;
    message.born_host = options_.address;
    message.store_host = options_.address;
    message.body = as_bytes(bodies[i]);
    items[i].queue = &queue_;
    bytes += bodies[i].size();
  }
  auto end = store_.append(items);
  MutexLock lock(mutex_);
  if (!end.has_value()) {
    // Back in front of what was staged meanwhile.
    bodies.insert(bodies.end(), std::make_move_iterator(full_.begin()),
                  std::make_move_iterator(full_.end()));
    full_ = std::move(bodies);
    return fail(std::move(end.error()));
  }
  progress_ = {number, *end};
  staged_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  return {};
}

PopLog::Progress PopLog::progress() const {
  MutexLock lock(mutex_);
  return progress_;
}

model::QueueOffset PopLog::position() const {
  return queue_.next();
}

std::size_t PopLog::replay(model::QueueOffset from,
                           const std::function<void(const PopOperation&)>& visit) {
  std::size_t messages = 0;
  model::QueueOffset at = std::max(from, queue_.min());
  while (at < queue_.max()) {
    const store::ReadResult read =
        store_.read({.queue = &queue_, .offset = at, .max_bytes = 4 << 20});
    if (read.status != store::ReadStatus::kFound) {
      if (read.next <= at) break;
      at = read.next;
      continue;
    }
    for (const store::LogSpan& span : read.spans) {
      Bytes rest = span.bytes;
      while (!rest.empty()) {
        auto decoded = model::decode_record(rest, model::Verify::kBody);
        if (!decoded.has_value() || decoded->kind != model::RecordKind::kMessage) break;
        const Status whole = read_pop_record(decoded->record.body, visit);
        if (!whole.has_value())
          log::warn("broker", "POP operations at {}: {}", decoded->record.queue_offset.value,
                    whole.error().message);
        ++messages;
        rest = rest.subspan(static_cast<std::size_t>(decoded->size));
      }
    }
    at = read.next;
  }
  return messages;
}

}  // namespace oncemq::broker
