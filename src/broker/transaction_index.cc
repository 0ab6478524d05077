#include "broker/transaction_index.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/transaction_reads.h"
#include "model/group.h"
#include "model/properties.h"

namespace oncemq::broker {

namespace property = model::property;

TransactionIndex::TransactionIndex(const Options& options, ConsumerOffsets& offsets,
                                   store::MessageStore& store, os::Disk& disk, os::Clock& clock)
    : options_(options),
      offsets_(offsets),
      store_(store),
      clock_(clock),
      states_(disk, options.own_dir + "/transactions") {}

// ---- start

Status TransactionIndex::start(const TopicEntry& half_topic, const TopicEntry& op_topic) {
  op_topic_ = &op_topic;
  half_queue_ = half_topic.queue(0);
  op_queue_ = op_topic.queue(0);
  inherited_end_ = half_queue_->max().value;
  ONCE_TRY(recover(store_.marks().committed().value));
  next_save_ms_ = clock_.monotonic_ms() + kSaveIntervalMs;
  return {};
}

Status TransactionIndex::recover(std::int64_t log_end) {
  const std::int64_t began = clock_.monotonic_ms();
  const auto published = [&](std::string_view topic) {
    const auto offset = offsets_.query(model::group::kTransaction, topic, 0);
    return offset.has_value() ? offset->value : 0;
  };
  std::optional<TransactionStates::Mark> mark;
  const std::int64_t progress = published(model::topic::kHalf);
  {
    MutexLock lock(mutex);
    auto loaded = states_.load();
    if (!loaded.has_value()) return fail(std::move(loaded.error()));
    mark = *loaded;
    if (mark.has_value() &&
        (mark->log_end > log_end || mark->op_applied > op_queue_->max().value)) {
      // Another log than the one that the index was made of: a restored folder.
      log::warn("broker", "the verdict index is ahead of the log and is derived anew");
      ONCE_TRY(states_.reset());
      mark.reset();
    }
    floor_ = std::max(mark.has_value() ? mark->floor : progress, half_queue_->min().value);
    // The op records that are contained already, but that an Apache broker still needs.
    if (mark.has_value() && mark->op_needed < mark->op_applied)
      note_op(mark->op_needed, half_queue_->max().value);
  }
  saved_log_end_ = mark.has_value() ? mark->log_end : 0;
  auto op_end = replay_ops(mark.has_value() ? mark->op_applied : 0);
  if (!op_end.has_value()) return fail(std::move(op_end.error()));
  std::int64_t from = std::max(*op_end, mark.has_value() ? mark->log_end : 0);
  if (from == 0 && half_queue_->min() < half_queue_->max()) {
    if (auto first = half_record(half_queue_->min().value); first.has_value())
      if (auto record = message_of(*first); record.has_value()) from = record->log_offset.value;
  }
  if (from < log_end && half_queue_->max().value > 0) ONCE_TRY(heal_torn(from));

  MutexLock lock(mutex);
  // Our own progress is published only after the index that it rests on is on disk. One that is
  // further was published by an Apache broker: what it passed is closed.
  const std::int64_t end = half_queue_->max().value;
  for (std::int64_t half = states_.next_open(floor_, std::min(progress, end));
       half < std::min(progress, end); half = states_.next_open(half, std::min(progress, end)))
    states_.set(half, TransactionState::kDone);
  floor_ = states_.next_open(floor_, end);
  changed_ = true;
  const std::int64_t ms = clock_.monotonic_ms() - began;
  if (end > 0)
    log::info("broker", "transactions: half messages [{}, {}), first open {}, ready in {} ms",
              half_queue_->min().value, end, floor_, ms);
  return {};
}

// Applies the op records from `from` on; returns the log's offset behind the last op record, 0 when
// there is none.
Result<std::int64_t> TransactionIndex::replay_ops(std::int64_t from) {
  std::int64_t end = 0;
  const std::int64_t max = op_queue_->max().value;
  std::int64_t at = std::clamp(from, op_queue_->min().value, max);
  // The last one is always read: where it ends is where the torn tail may begin.
  if (at == max && max > op_queue_->min().value) at = max - 1;
  while (at < max) {
    const store::ReadResult read = store_.read(read_from(op_queue_, at));
    if (read.status != store::ReadStatus::kFound) {
      if (read.next.value <= at) break;
      at = read.next.value;
      continue;
    }
    Status status;
    for_each_message(read, [&](const model::RecordView& record) {
      std::int64_t max_half = -1;
      for (const OpEntry& entry : read_op(record)) {
        // A half message that is not there yet, or no more, has nothing to be remembered.
        if (entry.half < half_queue_->min().value || entry.half >= half_queue_->max().value)
          continue;
        status = ensure_present(entry.half);
        if (!status.has_value()) return false;
        MutexLock lock(mutex);
        apply(entry);
        max_half = std::max(max_half, entry.half);
      }
      MutexLock lock(mutex);
      note_op(record.queue_offset.value, max_half);
      end = record.log_offset.value + record.total_size;
      return true;
    });
    if (!status.has_value()) return fail(std::move(status.error()));
    at = read.next.value;
  }
  return end;
}

// Op records are replayed over an index that may already be ahead of them.
void TransactionIndex::apply(const OpEntry& entry) {
  const TransactionState now = states_.get(entry.half);
  const bool was_open = now == TransactionState::kOpen;
  const bool undecided = was_open || now == TransactionState::kDiscarded;
  switch (entry.state) {
    case TransactionState::kCommitted:
    case TransactionState::kRolledBack:
      if (undecided || now == TransactionState::kDone) states_.set(entry.half, entry.state);
      break;
    case TransactionState::kResumed:
      if (undecided) states_.set(entry.half, entry.state);
      break;
    case TransactionState::kDiscarded:
    case TransactionState::kDone:
      if (was_open) states_.set(entry.half, entry.state);
      break;
    case TransactionState::kOpen:
      break;
  }
}

// The half message that a committed message was made of, by its half-queue offset.
std::optional<std::int64_t> TransactionIndex::committed_half(
    const model::RecordView& record) const {
  if (record.transaction_type() != model::sysflag::kTransactionCommit) return std::nullopt;
  auto span = store_.read_record(record.prepared_transaction_offset);
  if (!span.has_value()) return std::nullopt;
  const auto named = message_of(*span);
  if (!named.has_value() || named->topic != model::topic::kHalf) return std::nullopt;
  const auto half = read_half(*named);
  // A message that a consumer gave back keeps its flags, not its origin.
  if (!half.has_value() ||
      half->unique_key !=
          model::find_property(record.properties, property::kUniqueKey).value_or(""))
    return std::nullopt;
  return named->queue_offset.value;
}

// A batch whose end a crash cut off: messages that are visible, without the op record behind them.
Status TransactionIndex::heal_torn(std::int64_t from) {
  std::vector<OpEntry> healed;
  Status status;
  const auto look_at = [&](const model::RecordView& record) {
    from = record.log_offset.value + record.total_size;
    const auto offset = committed_half(record);
    if (!offset.has_value()) return true;
    status = ensure_present(*offset);
    if (!status.has_value()) return false;
    MutexLock lock(mutex);
    if (states_.get(*offset) == TransactionState::kCommitted) return true;
    states_.set(*offset, TransactionState::kCommitted);
    healed.push_back({*offset, TransactionState::kCommitted});
    return true;
  };
  const std::int64_t end = store_.marks().committed().value;
  while (from < end) {
    Status scanned = store_.scan(model::LogOffset{from}, look_at);
    ONCE_TRY(status);
    if (scanned.has_value()) break;
    if (scanned.error().code != Errc::kCorrupt) return scanned;
    // Damage that the store has reported: goes on with the next file.
    from = (from / options_.log_file_bytes + 1) * options_.log_file_bytes;
  }
  if (healed.empty()) return {};
  log::info("broker", "{} committed messages had lost their op record in a crash", healed.size());
  return append_ops(healed);
}

Status TransactionIndex::append_ops(std::span<const OpEntry> entries) {
  while (!entries.empty()) {
    const auto some = entries.first(std::min(entries.size(), kOpEntries));
    Arena arena;
    store::AppendItem item;
    make_op(some, *op_topic_, options_.address, clock_.wall_ms(), item, arena);
    MutexLock lock(mutex);
    auto appended = store_.append(std::span(&item, 1));
    if (!appended.has_value()) return fail(std::move(appended.error()));
    note_ops(item.result.queue_offset.value, some);
    entries = entries.subspan(some.size());
  }
  store_.write_out();
  return {};
}

void TransactionIndex::note_ops(std::int64_t op, std::span<const OpEntry> entries) {
  std::int64_t max_half = -1;
  for (const OpEntry& entry : entries) max_half = std::max(max_half, entry.half);
  note_op(op, max_half);
}

void TransactionIndex::note_op(std::int64_t op, std::int64_t max_half) {
  changed_ = true;
  if (op_rows_.size() < kOpRowsMax) {
    op_rows_.push_back({op, max_half});
    return;
  }
  std::deque<OpRow> merged;
  for (std::size_t i = 0; i + 1 < op_rows_.size(); i += 2)
    merged.push_back({op_rows_[i].op, std::max(op_rows_[i].max_half, op_rows_[i + 1].max_half)});
  if (op_rows_.size() % 2 != 0) merged.push_back(op_rows_.back());
  op_rows_ = std::move(merged);
  op_rows_.push_back({op, max_half});
}

// ---- states

Status TransactionIndex::ensure_present(std::int64_t half) {
  {
    MutexLock lock(mutex);
    if (states_.present(half)) return {};
  }
  auto bytes = states_on_disk().read(half);
  if (!bytes.has_value()) return fail(std::move(bytes.error()));
  MutexLock lock(mutex);
  if (!states_.present(half)) states_.insert(half, std::move(*bytes));
  return {};
}

TransactionState TransactionIndex::get(std::int64_t half) const {
  const TransactionState state = states_.get(half);
  // What lies before the broker's time was closed before it.
  return state == TransactionState::kOpen && half < floor_ ? TransactionState::kDone : state;
}

std::int64_t TransactionIndex::next_open(std::int64_t from) const {
  const std::int64_t end = half_queue_->max().value;
  const std::int64_t min = half_queue_->min().value;
  MutexLock lock(mutex);
  return states_.next_open(std::max({from, floor_, min}), end);
}

std::int64_t TransactionIndex::open_count() const {
  MutexLock lock(mutex);
  return states_.count_open(floor_, half_queue_->max().value);
}

bool TransactionIndex::is_open(std::int64_t half) const {
  MutexLock lock(mutex);
  // A segment that is on disk only holds no open one.
  return states_.present(half) && get(half) == TransactionState::kOpen;
}

std::int32_t TransactionIndex::checks(std::int64_t half) const {
  MutexLock lock(mutex);
  return states_.present(half) ? states_.checks(half) : 0;
}

void TransactionIndex::set_checks(std::int64_t half, std::int32_t checks) {
  MutexLock lock(mutex);
  if (!states_.present(half) || get(half) != TransactionState::kOpen) return;
  states_.set_checks(half, static_cast<std::uint8_t>(
                               std::clamp<std::int32_t>(checks, 0, TransactionStates::kMaxChecks)));
  changed_ = true;
}

void TransactionIndex::close_foreign(std::int64_t half) {
  MutexLock lock(mutex);
  if (!states_.present(half) || get(half) != TransactionState::kOpen) return;
  states_.set(half, TransactionState::kDone);
  changed_ = true;
}

Result<TransactionState> TransactionIndex::state(std::int64_t half) {
  ONCE_TRY(ensure_present(half));
  MutexLock lock(mutex);
  return get(half);
}

std::int64_t TransactionIndex::segments_in_memory() const {
  MutexLock lock(mutex);
  return states_.segments_in_memory();
}

void TransactionIndex::set(std::int64_t half, TransactionState state) {
  states_.set(half, state);
}

void TransactionIndex::put_back(std::int64_t half, TransactionState state, std::int32_t checks) {
  states_.set(half, state);
  if (state == TransactionState::kOpen) states_.set_checks(half, static_cast<std::uint8_t>(checks));
}

// ---- half messages

store::ReadResult TransactionIndex::half_records(std::int64_t half, std::int32_t max_messages,
                                                 std::int32_t max_bytes) const {
  store::ReadRequest request = read_from(half_queue_, half);
  request.max_messages = max_messages;
  request.max_bytes = max_bytes;
  return store_.read(request);
}

Result<store::LogSpan> TransactionIndex::half_record(std::int64_t half) const {
  store::ReadResult read = half_records(half, 1, 1 << 20);
  if (read.status != store::ReadStatus::kFound)
    return fail(Errc::kMessageNotFound, "there is no half message " + std::to_string(half));
  return std::move(read.spans.front());
}

// ---- saving

void TransactionIndex::take_snapshot() {
  const std::int64_t end = half_queue_->max().value;
  floor_ = states_.next_open(std::max(floor_, half_queue_->min().value), end);
  while (!op_rows_.empty() && op_rows_.front().max_half < floor_) op_rows_.pop_front();
  const std::int64_t op_next = op_queue_->next().value;
  const std::int64_t op_needed = op_rows_.empty() ? op_next : op_rows_.front().op;
  const TransactionStates::Mark mark{.floor = floor_,
                                     .op_needed = op_needed,
                                     .op_applied = op_next,
                                     .log_end = store_.marks().appended().value};
  pending_ = std::make_unique<Pending>(
      Pending{.snapshot = states_.snapshot(mark, half_queue_->min().value, end),
              .half_progress = floor_,
              .op_progress = op_needed});
  changed_ = false;
}

// The index on disk is never ahead of the log on disk.
void TransactionIndex::save_pending() {
  if (pending_ == nullptr || store_.marks().durable().value < pending_->snapshot.mark.log_end)
    return;
  const std::unique_ptr<Pending> pending = std::move(pending_);
  if (const Status written = states_on_disk().write(pending->snapshot); !written.has_value()) {
    log::warn("broker", "the verdict index cannot be saved: {}", written.error().message);
    MutexLock lock(mutex);
    states_.not_written(pending->snapshot);
    changed_ = true;
    return;
  }
  saved_log_end_ = pending->snapshot.mark.log_end;
  const auto publish = [&](std::string_view topic, std::int64_t offset) {
    (void)offsets_.commit(model::group::kTransaction, topic, 0, model::ConsumeOffset{offset});
  };
  publish(model::topic::kHalf, pending->half_progress);
  publish(model::topic::kHalfOp, pending->op_progress);
}

void TransactionIndex::tick() {
  save_pending();
  const std::int64_t now = clock_.monotonic_ms();
  if (pending_ != nullptr || now < next_save_ms_) return;
  next_save_ms_ = now + kSaveIntervalMs;
  save();
}

void TransactionIndex::stop() {
  save_pending();
  // What is not durable yet: the next start reads the op queue from the last save on.
  if (pending_ == nullptr) save();
}

void TransactionIndex::save() {
  {
    MutexLock lock(mutex);
    // The log behind the mark is read at the next start, so it must not fall far behind.
    const std::int64_t unread = store_.marks().appended().value - saved_log_end_;
    if (!changed_ && (unread < kUnreadBytes || half_queue_->max().value == 0)) return;
    take_snapshot();
  }
  save_pending();
}

}  // namespace oncemq::broker
