// Messages that are due, from the index to their topics.

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/log.h"
#include "broker/timers.h"
#include "model/record_codec.h"

namespace oncemq::broker {

namespace {

bool later(const store::TimerEntry& a, const store::TimerEntry& b) {
  return b.key < a.key;
}

}  // namespace

bool Timers::take(std::int64_t now_ms) {
  if (!late_.empty() && late_.begin()->first.due_ms <= now_ms) {
    taken_.push_back({{late_.begin()->first, late_.begin()->second}, true});
    late_.erase(late_.begin());
    return true;
  }
  if (window_.empty() || window_.front().key.due_ms > now_ms) return false;
  std::pop_heap(window_.begin(), window_.end(), later);
  taken_.push_back({window_.back(), false});
  window_.pop_back();
  return true;
}

void Timers::put_back() {
  for (const Taken& taken : taken_) {
    if (taken.late) {
      late_.emplace(taken.entry.key, taken.entry.log_offset);
    } else {
      window_.push_back(taken.entry);
      std::push_heap(window_.begin(), window_.end(), later);
    }
  }
  taken_.clear();
}

Timers::Round Timers::deliver(std::int64_t now_ms) {
  for (std::size_t done = 0; done < kDeliverBudget;) {
    items_.clear();
    pins_.clear();
    arena_.clear();
    taken_.clear();
    std::size_t bytes = 0;
    while (taken_.size() < append_limit_ && bytes < kAppendBytes && take(now_ms)) {
      const std::size_t before = items_.size();
      if (const Status staged = stage(taken_.back(), now_ms); !staged) {
        log::error("timer", "a timer cannot be read now: {}", staged.error().message);
        put_back();
        return Round::kRetry;
      }
      if (items_.size() > before) bytes += items_.back().message.body.size();
    }
    if (taken_.empty()) return Round::kDone;
    store::AppendedOffset end = pending_.empty() ? store::AppendedOffset{} : pending_.back().end;
    if (!items_.empty()) {
      auto appended = store_.append(items_);
      if (appended) {
        end = *appended;
        append_limit_ = kAppendBudget;
        std::uint64_t size = 0;
        for (const store::AppendItem& item : items_)
          size += static_cast<std::uint64_t>(item.result.size);
        stats_.put(items_.size(), size);
        delivered_total_ += items_.size();
        store_.write_out();
      } else if (taken_.size() > 1) {
        // One of them may be at fault: then it alone must not keep the others from going.
        append_limit_ = appended.error().code == Errc::kMessageIllegal ? 1 : append_limit_;
        const bool again = append_limit_ == 1;
        put_back();
        store_.write_out();
        if (again) continue;
        return Round::kRetry;
      } else if (appended.error().code == Errc::kMessageIllegal) {
        log::error("timer", "timer {} cannot be stored in its topic and is left out: {}",
                   taken_.front().entry.key.offset, appended.error().message);
      } else {
        put_back();
        store_.write_out();
        return Round::kRetry;
      }
    }
    done += taken_.size();
    delivered(end);
  }
  return Round::kMore;
}

// What was taken is settled as soon as the log is durable up to `end`.
void Timers::delivered(store::AppendedOffset end) {
  Pending pending{end, reached_, {}};
  for (const Taken& taken : taken_) {
    if (taken.late) {
      pending.late.push_back(taken.entry.key.offset);
      --waiting_count_;
    } else {
      if (!dead_.contains(taken.entry.key)) --waiting_count_;
      pending.reached = std::max(pending.reached, taken.entry.key);
    }
  }
  reached_ = pending.reached;
  pending_.push_back(std::move(pending));
  dead_.erase(dead_.begin(), dead_.upper_bound(reached_));
  taken_.clear();
  settle();
}

// Makes the message that waited. One that has no place to go any more is left out: its topic was
// deleted and its messages with it. kIo: try again.
Status Timers::stage(const Taken& taken, std::int64_t now_ms) {
  const store::TimerKey& key = taken.entry.key;
  if (settled_.contains(key.offset) || (!taken.late && dead_.contains(key))) return {};
  auto span = store_.read_record({taken.entry.log_offset});
  if (!span) {
    if (span.error().code == Errc::kIo) return fail(std::move(span.error()));
    log::error("timer", "timer {} is lost: {}", key.offset, span.error().message);
    return {};
  }
  auto decoded = model::decode_record(span->bytes, model::Verify::kBody);
  if (!decoded || decoded->kind != model::RecordKind::kMessage ||
      decoded->record.queue_offset.value != key.offset ||
      decoded->record.topic != model::topic::kTimer) {
    log::error("timer", "timer {} is lost: its record is broken", key.offset);
    return {};
  }
  const TimerRecord timer = parse_timer_record(options_, decoded->record);
  if (timer.kind != TimerRecord::Kind::kTimer || timer.real_topic == model::topic::kHalf) return {};
  const TopicEntry* topic =
      topics_.topic_of_waiting(timer.real_topic, timer.real_queue, {taken.entry.log_offset});
  if (topic == nullptr || topic->queue(timer.real_queue) == nullptr) return {};
  const bool near =
      std::abs(taken.entry.log_offset - staged_at_) < static_cast<std::int64_t>(kAround);
  count_read(near ? span->bytes.size() : kAround);
  staged_at_ = taken.entry.log_offset;
  pins_.push_back(std::move(*span));
  deliver_timer(timer, decoded->record, *topic, now_ms, items_.emplace_back(), arena_);
  return {};
}

}  // namespace oncemq::broker
