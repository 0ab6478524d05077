// Timers that are taken back, and timers that move because their log file has to go.

#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.h"
#include "broker/timers.h"
#include "model/record_codec.h"

namespace oncemq::broker {

// Newest first. The records' bytes are in `pins`.
std::vector<TimerRecord> Timers::find_by_key(std::string_view unique_key,
                                             std::vector<store::LogSpan>& pins) const {
  std::vector<TimerRecord> found;
  if (unique_key.empty()) return found;
  constexpr std::int32_t kMax = 64;
  pins = store_.query({.topic = model::topic::kTimer,
                       .key = unique_key,
                       .max = kMax,
                       .begin_ms = 0,
                       .end_ms = std::numeric_limits<std::int64_t>::max()});
  for (const store::LogSpan& span : pins) {
    auto decoded = model::decode_record(span.bytes, model::Verify::kNone);
    if (!decoded || decoded->kind != model::RecordKind::kMessage ||
        decoded->record.topic != model::topic::kTimer)
      continue;
    TimerRecord timer = parse_timer_record(options_, decoded->record);
    if (timer.unique_key == unique_key) found.push_back(timer);
  }
  std::stable_sort(found.begin(), found.end(), [](const TimerRecord& a, const TimerRecord& b) {
    return a.key.offset > b.key.offset;
  });
  return found;
}

bool Timers::indexed(std::int64_t log_offset) const {
  const store::StoreStats stats = store_.stats();
  return stats.committed.value - stats.dispatch_behind_bytes >= log_offset;
}

bool Timers::waits(const store::TimerKey& key) const {
  if (settled_.contains(key.offset)) return false;
  if (key <= reached_) return late_.contains(key);
  return !dead_.contains(key);
}

bool Timers::decide_recalls() {
  {
    MutexLock lock(mutex_);
    for (Asked& asked : asked_) undecided_.push_back(std::move(asked));
    asked_.clear();
  }
  bool appended = false;
  const std::size_t before = unanswered_.size();
  while (!undecided_.empty() && decide(undecided_.front())) undecided_.pop_front();
  appended = unanswered_.size() > before;
  if (appended) {
    answers_due_ = true;
    store_.write_out();
    answer_recalls();
  }
  return !undecided_.empty();
}

bool Timers::decide(Asked& asked) {
  const std::int64_t at_ms = clock_.monotonic_ms();
  if (!options_.key_index) {
    asked.done(fail(Errc::kNotSupported, "recall needs messageIndexEnable=true"));
    return true;
  }
  if (asked.deadline_ms == 0) {
    asked.deadline_ms = at_ms + kRecallWaitMs;
    asked.committed = store_.marks().committed().value;
  }
  // Its timer may have been stored a moment ago.
  if (next_ < queue_->max().value || !indexed(std::max(asked.committed, last_mark_end_))) {
    if (at_ms < asked.deadline_ms) return false;
    asked.done(fail(Errc::kBusy, "the key index is behind, try again"));
    return true;
  }

  const RecallHandle& handle = asked.handle;
  std::vector<store::LogSpan> pins;
  std::vector<TimerRecord> targets;
  bool recalled = false;
  bool seen = false;
  for (TimerRecord& timer : find_by_key(handle.unique_key, pins)) {
    if (timer.real_topic != handle.topic || timer.out_ms != handle.out_ms) continue;
    if (timer.kind == TimerRecord::Kind::kRecall) {
      recalled = true;
      break;  // what is older was recalled by it
    }
    if (timer.kind != TimerRecord::Kind::kTimer) continue;
    seen = true;
    const bool before = timer.key.offset < recover_until_ && settled_before(timer);
    if (!before && waits(timer.key)) targets.push_back(timer);
  }
  if (targets.empty()) {
    if (recalled && !seen)
      asked.done(handle.unique_key);
    else
      asked.done(fail(Errc::kMessageNotFound, seen ? "recall failed, the message was delivered"
                                                   : "recall failed, no such message waits here"));
    return true;
  }
  std::vector<store::AppendItem> items;
  Arena arena;
  for (const TimerRecord& timer : targets)
    recall_timer(options_, timer, asked.group, *wheel_, clock_.wall_ms(), items.emplace_back(),
                 arena);
  auto end = store_.append(items);
  if (!end) {
    asked.done(fail(std::move(end.error())));
    return true;
  }
  Pending pending{*end, reached_, {}};
  for (const TimerRecord& timer : targets) {
    --waiting_count_;
    if (late_.erase(timer.key) > 0)
      pending.late.push_back(timer.key.offset);
    else
      dead_.insert(timer.key);
  }
  if (!pending.late.empty()) pending_.push_back(std::move(pending));
  last_mark_end_ = end->value;
  unanswered_.push_back({*end, handle.unique_key, std::move(asked.done)});
  return true;
}

void Timers::answer_recalls() {
  const std::int64_t committed = store_.marks().committed().value;
  while (!unanswered_.empty() && unanswered_.front().end.value <= committed) {
    unanswered_.front().done(unanswered_.front().unique_key);
    unanswered_.pop_front();
  }
  if (!unanswered_.empty()) return;
  answers_due_ = false;
}

// ---- retention

void Timers::advance_low() {
  if (low_waits_ && low_waits_->key > frontier_ &&
      low_waits_->log_offset >= store_.held_back().value)
    return;
  low_waits_.reset();
  const std::int64_t before = low_;
  for (int passed = 0; low_ < next_ && passed < kLowBudget;) {
    const store::ReadResult read = store_.read({.queue = queue_,
                                                .offset = {low_},
                                                .max_messages = kReadMessages,
                                                .max_bytes = kReadBytes});
    if (read.status != store::ReadStatus::kFound) {
      low_ = std::min(next_, std::max(low_ + 1, read.next.value));
      continue;
    }
    passed += read.messages;
    count_read(read.bytes);
    bool stopped = false;
    for (const store::LogSpan& span : read.spans) {
      for (Bytes rest = span.bytes; !rest.empty() && !stopped;) {
        auto decoded = model::decode_record(rest, model::Verify::kNone);
        if (!decoded || decoded->kind != model::RecordKind::kMessage) break;
        if (decoded->record.queue_offset.value >= next_ ||
            !pass(parse_timer_record(options_, decoded->record), decoded->record)) {
          stopped = true;
          store_.hold(decoded->record.log_offset);
          break;
        }
        low_ = decoded->record.queue_offset.value + 1;
        rest = rest.subspan(static_cast<std::size_t>(decoded->size));
      }
    }
    if (stopped) break;
  }
  if (low_ >= queue_->max().value) store_.hold({INT64_MAX});
  if (low_ != before) changed_ = true;
}

bool Timers::pass(const TimerRecord& timer, const model::RecordView& record) {
  if (timer.kind != TimerRecord::Kind::kTimer) return true;
  if (timer.key.offset < recover_until_ && settled_.empty() && settled_before(timer)) return true;
  const bool late = late_holds_.contains(timer.key.offset);
  if (timer.key <= frontier_ && !late) return true;
  low_waits_ = store::TimerEntry{timer.key, record.log_offset.value};
  // It waits, or its delivery is not durable yet.
  if (timer.key <= reached_ || late || settled_.contains(timer.key.offset)) return false;
  if (record.log_offset.value >= store_.held_back().value) return false;
  // A recall or move that the key index does not know yet would be overlooked.
  if (!indexed(last_mark_end_)) return false;
  if (removed(timer) || move(timer, record)) {
    low_waits_.reset();
    return true;
  }
  return false;
}

bool Timers::removed(const TimerRecord& timer) const {
  if (dead_.contains(timer.key)) return true;
  std::vector<store::LogSpan> pins;
  for (const TimerRecord& other : find_by_key(timer.unique_key, pins)) {
    if (other.key.offset <= timer.key.offset) break;
    if (other.settled) {
      if (*other.settled == timer.key) return true;
      continue;
    }
    // Apache's
    if (other.real_topic != timer.real_topic || other.out_ms != timer.out_ms) continue;
    if (other.kind == TimerRecord::Kind::kRecall || other.rolls > timer.rolls) return true;
  }
  return false;
}

bool Timers::move(const TimerRecord& timer, const model::RecordView& record) {
  store::AppendItem item;
  Arena arena;
  move_timer(timer, record, *wheel_, item, arena);
  auto end = store_.append(std::span(&item, 1));
  if (!end) {
    log::warn("timer", "a log file cannot be given up, its timers cannot be moved: {}",
              end.error().message);
    return false;
  }
  store_.write_out();
  dead_.insert(timer.key);
  --waiting_count_;
  last_mark_end_ = end->value;
  return true;
}

}  // namespace oncemq::broker
