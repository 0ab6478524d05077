#include "store/queue_repair.h"

#include <algorithm>

#include "store/log_cursor.h"
#include "store/recovery.h"

namespace oncemq::store {

QueueRepair::QueueRepair(const LogFiles& log, QueueFiles& files, const DeletedTopics& deleted,
                         const std::vector<std::int64_t>& delay_levels_ms,
                         const ConsumeQueue& queue, QueueOffset queue_begin, QueueOffset queue_end,
                         LogOffset end)
    : log_(log),
      files_(files),
      deleted_(deleted),
      delay_levels_ms_(delay_levels_ms),
      queue_(queue),
      next_(queue_begin),
      queue_end_(queue_end),
      end_(end),
      position_(log.min_offset()) {}

Result<bool> QueueRepair::some(std::int64_t bytes) {
  position_ = std::max(position_, log_.min_offset());  // retention may have been here
  if (position_ >= end_) return true;
  const LogOffset from = position_;
  LogCursor cursor(log_, from, end_, model::Verify::kNone);
  LogCursor::Step step = LogCursor::Step::kRecord;
  while (position_ - from < bytes && (step = cursor.step()) == LogCursor::Step::kRecord) {
    position_ = cursor.next_position();
    const model::RecordView& record = cursor.record();
    if (record.topic != queue_.topic() || record.queue_id != queue_.queue_id() ||
        !is_queued(record) || record.queue_offset < next_ || record.queue_offset >= queue_end_ ||
        deleted_.covers(record.topic, record.log_offset.value))
      continue;
    next_ = record.queue_offset + 1;
    ONCE_TRY(add(record.queue_offset, {.log_offset = record.log_offset,
                                       .size = static_cast<std::int32_t>(cursor.bytes().size()),
                                       .tags_code = tags_code_of(record, delay_levels_ms_)}));
  }
  ONCE_TRY(flush());
  if (step == LogCursor::Step::kBad || step == LogCursor::Step::kLost) return fail(cursor.error());
  return step == LogCursor::Step::kEnd || position_ >= end_;
}

Status QueueRepair::add(QueueOffset at, const QueueEntry& entry) {
  if (run_.size() == kRun ||
      (!run_.empty() && at != run_begin_ + static_cast<std::int64_t>(run_.size())))
    ONCE_TRY(flush());
  if (run_.empty()) run_begin_ = at;
  run_.push_back(entry);
  return {};
}

Status QueueRepair::flush() {
  if (run_.empty()) return {};
  ONCE_TRY(files_.write(queue_, run_begin_, run_, false));
  written_ += static_cast<std::int64_t>(run_.size());
  run_.clear();
  return {};
}

}  // namespace oncemq::store
