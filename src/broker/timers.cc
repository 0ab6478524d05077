#include "broker/timers.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/log.h"
#include "model/properties.h"
#include "model/record_codec.h"

namespace oncemq::broker {

namespace {

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
// While timers arrive, the queue is looked at this often, and not for each of them.
constexpr std::int64_t kPollMs = 10;
constexpr std::int64_t kBusyMs = 100;
// The next start reads the log from the checkpoint on: no more than this, plus what is not durable.
constexpr std::int64_t kLogStep = 256LL << 20;

bool later(const store::TimerEntry& a, const store::TimerEntry& b) {
  return b.key < a.key;
}

}  // namespace

Timers::Timers(const Options& options, TopicTable& topics, store::MessageStore& store,
               BrokerStats& stats, os::Disk& disk, os::Clock& clock)
    : options_(options),
      topics_(topics),
      store_(store),
      stats_(stats),
      disk_(disk),
      clock_(clock),
      apache_path_(options.config_dir + "/timercheck"),
      file_(disk, options.own_dir + "/timers.json"),
      index_(disk, options.own_dir + "/timers") {}

void Timers::arrived(std::span<store::ConsumeQueue* const> queues) {
  const bool ours = std::find(queues.begin(), queues.end(), queue_) != queues.end();
  if ((ours && !woken_.exchange(true)) || answers_due_.load()) {
    if (wake_ != nullptr) wake_();
  }
}

void Timers::recall(RecallHandle handle, std::string producer_group, Recalled done) {
  {
    MutexLock lock(mutex_);
    if (open_ && asked_.size() < kRecallsMax) {
      asked_.push_back({std::move(handle), std::move(producer_group), std::move(done)});
      done = nullptr;
    }
  }
  if (done != nullptr) {
    done(fail(options_.timer_wheel ? Errc::kBusy : Errc::kNotSupported,
              options_.timer_wheel ? "too many recalls at once, or the broker is stopping"
                                   : "messages with a delivery time are switched off"));
    return;
  }
  if (wake_ != nullptr) wake_();
}

Timers::Figures Timers::figures() const {
  MutexLock lock(mutex_);
  return figures_;
}

std::int64_t Timers::tick() {
  if (!running_) return kIdleMs;
  woken_ = false;
  // Somebody who pulls from the system topic may have ended the watch.
  if (!queue_->watched()) queue_->set_watched(true);
  const std::int64_t at_ms = clock_.monotonic_ms();
  const std::int64_t now_ms = clock_.wall_ms();
  std::int64_t wait = kIdleMs;
  settle();
  answer_recalls();
  if (index_broken_ && pending_.empty()) rebuild();
  if (enqueue() == Round::kMore) wait = 0;
  if (next_ >= recover_until_ && !index_broken_) {
    const Round filled = fill_window();
    if (filled == Round::kMore) wait = 0;
    if (at_ms >= retry_at_ms_) {
      const Round done = deliver(now_ms);
      if (done == Round::kMore) wait = 0;
      if (done == Round::kRetry) retry_at_ms_ = at_ms + kRetryMs;
    }
    if (decide_recalls()) wait = std::min(wait, kGatherMs);
    advance_low();
    forget_marks();
    if (log_ - saved_log_ >= kLogStep) changed_ = true;
    if (changed_ && at_ms >= next_save_ms_) {
      next_save_ms_ = at_ms + kSaveMs;
      if (Status saved = save(false); !saved)
        log::warn("timer", "progress is not saved: {}", saved.error().message);
    }
  } else {
    // Its files are made again, or there is something to wait for first.
    wait = std::min(wait, kGatherMs);
  }
  measure(now_ms);
  if (wait == 0) return 0;
  if (changed_) wait = std::min(wait, std::max<std::int64_t>(1, next_save_ms_ - at_ms));
  if (retry_at_ms_ > at_ms) {
    wait = std::min(wait, retry_at_ms_ - at_ms);
  } else {
    wait = std::min(wait, std::max(kGatherMs, next_due_ms() - now_ms));
  }
  if (at_ms < busy_until_ms_) {
    woken_ = true;
    wait = std::min(wait, kPollMs);
  }
  return wait;
}

std::int64_t Timers::next_due_ms() const {
  std::int64_t due = std::numeric_limits<std::int64_t>::max() / 2;
  if (!window_.empty()) due = window_.front().key.due_ms;
  if (!late_.empty()) due = std::min(due, late_.begin()->first.due_ms);
  return due;
}

// ---- from the queue to the index

Timers::Round Timers::enqueue() {
  for (int read_records = 0; read_records < kEnqueueBudget;) {
    if (queue_->max().value <= next_ || late_.size() >= kLateMax) return Round::kDone;
    if (index_.buffered() > store::TimerIndex::kBufferMax && !index_.flush()) return Round::kDone;
    const store::ReadResult read = store_.read({.queue = queue_,
                                                .offset = {next_},
                                                .max_messages = kReadMessages,
                                                .max_bytes = kReadBytes});
    if (read.status != store::ReadStatus::kFound) {
      // Retention, or a hole: go on where timers are.
      const std::int64_t next =
          std::clamp(read.next, queue_->min(), std::max(queue_->min(), queue_->max())).value;
      if (next <= next_) return Round::kDone;
      log::error("timer", "{} records of the timer queue from {} on cannot be read", next - next_,
                 next_);
      next_ = next;
      continue;
    }
    for (const store::LogSpan& span : read.spans) {
      for (Bytes rest = span.bytes; !rest.empty();) {
        auto decoded = model::decode_record(rest, model::Verify::kNone);
        if (!decoded || decoded->kind != model::RecordKind::kMessage) break;
        enqueue(parse_timer_record(options_, decoded->record), decoded->record);
        rest = rest.subspan(static_cast<std::size_t>(decoded->size));
      }
    }
    read_records += read.messages;
    count_read(read.bytes);
    enqueued_total_ += static_cast<std::uint64_t>(read.messages);
    next_ = read.next.value;
    changed_ = true;
    busy_until_ms_ = clock_.monotonic_ms() + kBusyMs;
  }
  return Round::kMore;
}

void Timers::enqueue(const TimerRecord& timer, const model::RecordView& record) {
  if (timer.kind == TimerRecord::Kind::kOther) {
    log::error("timer", "record {} of the timer queue is no timer", timer.key.offset);
    return;
  }
  if (timer.settled)
    drop(*timer.settled);
  else if (timer.kind == TimerRecord::Kind::kRecall || timer.rolls > 0)
    drop_older(timer);
  if (timer.kind == TimerRecord::Kind::kRecall) return;
  if (timer.key.offset < recover_until_ && settled_before(timer)) return;
  ++waiting_count_;
  const store::TimerEntry entry{timer.key, record.log_offset.value};
  if (timer.key <= reached_) {
    late_.emplace(entry.key, entry.log_offset);
    late_holds_.emplace(entry.key.offset, store_.marks().appended().value);
  } else {
    add(entry);
  }
}

void Timers::add(const store::TimerEntry& entry) {
  index_.add(entry);
  if (entry.key >= horizon_) return;
  window_.push_back(entry);
  std::push_heap(window_.begin(), window_.end(), later);
  if (window_.size() > 2 * kWindow) shrink_window();
}

// The later ones are in the index and will be loaded when their time is near.
void Timers::shrink_window() {
  std::sort_heap(window_.begin(), window_.end(), later);
  std::reverse(window_.begin(), window_.end());
  horizon_ = window_[kWindow].key;
  window_.resize(kWindow);
  std::make_heap(window_.begin(), window_.end(), later);
  loading_.reset();
}

// The timer was recalled or moved, by a record that is committed.
void Timers::drop(const store::TimerKey& key) {
  if (key <= reached_) {
    if (late_.erase(key) > 0) {
      late_holds_.erase(key.offset);
      --waiting_count_;
    }
    return;
  }
  index_.remove(key);
  if (dead_.insert(key).second) --waiting_count_;
  // The index says so by itself from now on.
  if (dead_.size() > kDeadMax && key >= horizon_ && loading_ == nullptr) dead_.erase(key);
}

// Apache's records do not name what they settle: it has the same unique key and time.
void Timers::drop_older(const TimerRecord& timer) {
  std::vector<store::LogSpan> pins;
  for (const TimerRecord& other : find_by_key(timer.unique_key, pins)) {
    if (other.kind == TimerRecord::Kind::kTimer && other.key.offset < timer.key.offset &&
        other.real_topic == timer.real_topic && other.out_ms == timer.out_ms)
      drop(other.key);
  }
}

Timers::Round Timers::fill_window() {
  if (loading_ != nullptr) {
    auto complete = index_.step(*loading_, kLoadStep);
    if (!complete) {
      loading_.reset();
      log::error("timer", "the index cannot be read: {}", complete.error().message);
      if (complete.error().code == Errc::kCorrupt) index_broken_ = true;
      return Round::kRetry;
    }
    if (!*complete) return Round::kMore;
    for (const store::TimerEntry& entry : loading_->take()) {
      window_.push_back(entry);
      std::push_heap(window_.begin(), window_.end(), later);
    }
    horizon_ = loading_->horizon();
    loading_.reset();
    return Round::kMore;
  }
  const std::int64_t far_ms = clock_.wall_ms() + kWindowMs;
  if (window_.size() >= kWindow / 2 || horizon_.due_ms >= far_ms) return Round::kDone;
  const auto span = index_.next_span(horizon_.due_ms);
  if (!span || *span > far_ms) {
    horizon_ = {far_ms, kLeast};
    return Round::kDone;
  }
  loading_ = std::make_unique<store::TimerIndex::Load>(*span, horizon_, kWindow);
  return Round::kMore;
}

void Timers::count_read(std::size_t bytes) {
  read_bytes_ += bytes;
  if (read_bytes_ < kReadMax) return;
  read_bytes_ = 0;
  store_.cool();
}

// ---- progress

void Timers::settle() {
  const std::int64_t durable = store_.marks().durable().value;
  while (!pending_.empty() && pending_.front().end.value <= durable) {
    const Pending& front = pending_.front();
    frontier_ = front.reached;
    log_ = std::max(log_, front.end.value);
    for (const std::int64_t offset : front.late) late_holds_.erase(offset);
    pending_.pop_front();
    changed_ = true;
  }
  // Nothing is on its way: the next delivery will lie behind all that is durable now.
  if (pending_.empty()) log_ = std::max(log_, durable);
}

Status Timers::save(bool clean) {
  // A broker without timers has nothing to say.
  if (queue_->max().value == 0) {
    changed_ = false;
    return {};
  }
  std::int64_t over_ms = window_.empty() ? horizon_.due_ms : window_.front().key.due_ms;
  if (!pending_.empty()) over_ms = std::min(over_ms, frontier_.due_ms);
  index_.forget_before(over_ms);
  ONCE_TRY(clean ? index_.sync() : index_.flush());
  const std::int64_t at_ms = clock_.monotonic_ms();
  if (clean || at_ms >= next_apache_ms_) {
    next_apache_ms_ = at_ms + kApacheMs;
    const std::int64_t now_ms = clock_.wall_ms();
    told_apache_ = {now_ms - now_ms % options_.timer_precision_ms, low_};
    ONCE_TRY(told_apache_.save(disk_, apache_path_, now_ms));
  }
  TimerCheckpoint check;
  check.session = disk_.session();
  check.clean = clean;
  check.frontier = frontier_;
  check.enqueued = next_;
  check.log = settled_.empty() ? log_ : std::min(log_, old_log_);
  if (!late_holds_.empty()) {
    check.enqueued = std::min(check.enqueued, late_holds_.begin()->first);
    check.log = std::min(check.log, late_holds_.begin()->second);
  }
  check.pending_from = low_;
  check.waiting = waiting_count_;
  check.spans = index_.spans();
  check.apache_read_ms = told_apache_.read_ms;
  check.apache_offset = told_apache_.queue_offset;
  ONCE_TRY(file_.save(check.to_json()));
  changed_ = false;
  saved_log_ = check.log;
  return index_.collect();
}

Status Timers::stop() {
  std::deque<Asked> left;
  {
    MutexLock lock(mutex_);
    open_ = false;
    left.swap(asked_);
  }
  if (!running_) return {};
  running_ = false;
  settle();
  answer_recalls();
  for (Asked& asked : left) undecided_.push_back(std::move(asked));
  for (const Asked& asked : undecided_) asked.done(fail(Errc::kNotReady, "the broker is stopping"));
  for (const Waiting& waiting : unanswered_)
    waiting.done(fail(Errc::kNotReady, "the broker is stopping"));
  undecided_.clear();
  unanswered_.clear();
  // What is made again from the queue is made again once more.
  if (next_ < recover_until_ || index_broken_) return {};
  return save(true);
}

void Timers::measure(std::int64_t now_ms) {
  constexpr std::int64_t kMeasureMs = 1'000;
  const std::int64_t at_ms = clock_.monotonic_ms();
  const std::int64_t passed = at_ms - measured_ms_;
  // A node of a tree has 32 bytes beside its value, one of a hash table 16 with its bucket.
  constexpr std::size_t kTreeNode = 32;
  constexpr std::size_t kHashNode = 16;
  const std::size_t memory =
      window_.capacity() * sizeof(store::TimerEntry) +
      (loading_ != nullptr ? loading_->memory_bytes() : 0) + index_.buffered() +
      late_.size() * (kTreeNode + sizeof(decltype(late_)::value_type)) +
      late_holds_.size() * (kTreeNode + sizeof(decltype(late_holds_)::value_type)) +
      dead_.size() * (kTreeNode + sizeof(store::TimerKey)) +
      settled_.size() * (kHashNode + sizeof(decltype(settled_)::value_type));
  const bool in_memory = !window_.empty() || !late_.empty();
  const auto hour = index_.next_span(std::max(now_ms, horizon_.due_ms));
  MutexLock lock(mutex_);
  figures_.waiting = waiting_count_;
  figures_.memory_bytes = memory;
  figures_.next_due_exact = in_memory;
  figures_.next_due_ms = waiting_count_ <= 0 ? -1 : in_memory ? next_due_ms() : hour.value_or(-1);
  figures_.offset_behind = std::max<std::int64_t>(0, queue_->max().value - next_);
  figures_.read_behind_ms = std::max<std::int64_t>(0, now_ms - next_due_ms());
  if (passed < kMeasureMs) return;
  const auto rate = [&](std::uint64_t now, std::uint64_t before) {
    return static_cast<double>(now - before) * 1000.0 / static_cast<double>(passed);
  };
  figures_.enqueue_rate = rate(enqueued_total_, enqueued_before_);
  figures_.deliver_rate = rate(delivered_total_, delivered_before_);
  enqueued_before_ = enqueued_total_;
  delivered_before_ = delivered_total_;
  measured_ms_ = at_ms;
}

}  // namespace oncemq::broker
