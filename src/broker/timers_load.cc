// The start: what an earlier process, an earlier machine session, or Apache's broker left.

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/timers.h"
#include "model/properties.h"
#include "model/record_codec.h"

namespace oncemq::broker {

Status Timers::load() {
  wheel_ = topics_.find(model::topic::kTimer);
  if (!options_.timer_wheel || wheel_ == nullptr) return {};
  queue_ = wheel_->queue(0);
  queue_->set_watched(true);
  const std::int64_t min = queue_->min().value;
  const std::int64_t max = queue_->max().value;

  std::optional<TimerCheckpoint> check;
  auto text = file_.load();
  if (!text && text.error().code != Errc::kCorrupt) return fail(std::move(text.error()));
  if (text && !text->empty()) {
    auto parsed = TimerCheckpoint::parse(*text);
    if (parsed)
      check = std::move(*parsed);
    else
      log::error("timer", "{}", parsed.error().message);
  } else if (!text) {
    log::error("timer", "{}", text.error().message);
  }
  if (check && check->log > store_.marks().appended().value) {
    log::error("timer", "timers.json speaks of more than the log holds and is not used");
    check.reset();
  }
  auto apache = ApacheTimerCheck::load(disk_, apache_path_);
  if (!apache) return fail(std::move(apache.error()));
  if (*apache && (!check || check->apache_read_ms != (*apache)->read_ms ||
                  check->apache_offset != (*apache)->queue_offset))
    apache_ = *apache;

  recover_until_ = max;
  bool adopted = false;
  if (check) {
    old_enqueued_ = check->enqueued;
    old_frontier_ = reached_ = frontier_ = check->frontier;
    old_log_ = log_ = check->log;
    low_ = check->pending_from;
    told_apache_ = {check->apache_read_ms, check->apache_offset};
    if (!apache_ && (check->clean || check->session == disk_.session())) {
      Status opened = index_.open(check->spans);
      if (!opened && opened.error().code != Errc::kCorrupt) return opened;
      if (!opened) log::error("timer", "{}: made again", opened.error().message);
      adopted = opened.has_value();
    }
  }
  low_ = std::clamp(low_, min, max);
  next_ = low_;
  if (adopted) {
    next_ = std::clamp(old_enqueued_, min, max);
    waiting_count_ = check->waiting;
  } else {
    ONCE_TRY(index_.clear());
  }
  horizon_ = {frontier_.due_ms, frontier_.offset + 1};

  Status marks;
  if (check) marks = read_marks({check->log});
  if (!check || !marks) {
    settled_.clear();
    if (const auto first = first_record(min)) {
      log::warn("timer", "there is no usable checkpoint: the log is read from {} on", first->value);
      ONCE_TRY(read_marks(*first));
      old_log_ = first->value;
    }
  }
  const auto low = low_ < max ? first_record(low_) : std::nullopt;
  store_.hold(low ? *low : low_ < max ? store_.min_offset() : store::LogOffset{INT64_MAX});
  forget_apache_files();
  measured_ms_ = clock_.monotonic_ms();
  running_ = true;
  {
    MutexLock lock(mutex_);
    open_ = true;
  }
  if (next_ < max) log::info("timer", "{} records of the timer queue are read again", max - next_);
  return {};
}

std::optional<store::LogOffset> Timers::first_record(std::int64_t offset) {
  const store::ReadResult read =
      store_.read({.queue = queue_, .offset = {offset}, .max_messages = 1, .max_bytes = 1});
  if (read.status != store::ReadStatus::kFound) return std::nullopt;
  return read.last_log_offset;
}

Status Timers::read_marks(store::LogOffset from) {
  return store_.scan(from, [this](const model::RecordView& record) {
    // A recall or a moved timer is read from the queue.
    if (record.topic == model::topic::kTimer) return true;
    const auto text = model::find_property(record.properties, model::property::kOnceTimer);
    if (!text) return true;
    const auto mark = parse_timer_mark(*text);
    if (!mark || mark->offset >= recover_until_) return true;
    // Known anyhow: a copy of the message (retry, dead letter) keeps the mark.
    if (mark->offset < old_enqueued_ && *mark <= old_frontier_) return true;
    settled_.emplace(mark->offset, mark->due_ms);
    settled_max_ms_ = std::max(settled_max_ms_, mark->due_ms);
    return true;
  });
}

bool Timers::settled_before(const TimerRecord& timer) const {
  const std::int64_t offset = timer.key.offset;
  if (settled_.contains(offset)) return true;
  if (offset < old_enqueued_ && timer.key <= old_frontier_) return true;
  return apache_ && offset < apache_->queue_offset && timer.out_ms < apache_->read_ms;
}

// They are of use until everything that they speak of has come by.
void Timers::forget_marks() {
  if (settled_.empty() || next_ < recover_until_ || loading_ != nullptr) return;
  const std::int64_t next_ms = window_.empty() ? horizon_.due_ms : window_.front().key.due_ms;
  if (next_ms <= settled_max_ms_ || !pending_.empty()) return;
  settled_.clear();
  changed_ = true;
}

// They describe what Apache knew; with the queue offset that we leave behind, Apache makes them
// anew.
void Timers::forget_apache_files() {
  const std::string root = options_.config_dir.substr(0, options_.config_dir.rfind('/'));
  const Status wheel = disk_.remove(root + "/timerwheel");
  const Status log = disk_.remove_tree(root + "/timerlog");
  if ((!wheel && wheel.error().code != Errc::kNotFound) || !log)
    log::warn("timer",
              "Apache's timerwheel and timerlog cannot be removed; remove them before "
              "Apache's broker opens this folder");
}

// The index broke while running. All deliveries are durable (nothing is pending), so that progress
// is as after a start.
void Timers::rebuild() {
  if (const Status cleared = index_.clear(); !cleared) {
    log::error("timer", "the index cannot be made again: {}", cleared.error().message);
    return;
  }
  old_enqueued_ = next_;
  if (!late_holds_.empty()) old_enqueued_ = std::min(old_enqueued_, late_holds_.begin()->first);
  old_frontier_ = reached_ = frontier_;
  old_log_ = log_;
  if (!late_holds_.empty()) old_log_ = std::min(old_log_, late_holds_.begin()->second);
  recover_until_ = queue_->max().value;
  if (const Status marks = read_marks({old_log_}); !marks) {
    log::error("timer", "the log cannot be read: {}", marks.error().message);
    return;
  }
  window_.clear();
  loading_.reset();
  late_.clear();
  late_holds_.clear();
  horizon_ = {frontier_.due_ms, frontier_.offset + 1};
  next_ = low_;
  waiting_count_ = 0;
  index_broken_ = false;
}

}  // namespace oncemq::broker
