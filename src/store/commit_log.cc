#include "store/commit_log.h"

#include <algorithm>

#include "base/check.h"

namespace oncemq::store {

namespace {

// How much one round of the writer takes: large enough to amortise the call, small enough that
// those who came first do not wait for those who came last.
constexpr std::uint64_t kWriteLimit = 4ULL << 20;

// What a record has besides body, topic and properties, at most: V2 with two IPv6 hosts, the two
// pair ends that the encoder may add, and the CRC property.
constexpr std::size_t kRecordOverhead = 92 + 24 + 2 + model::kCrcPropertySize;
constexpr std::size_t kPropertiesOverhead = 2 + model::kCrcPropertySize;

bool is_queued(const model::Message& message) {
  const std::int32_t type = message.sys_flag & model::sysflag::kTransactionMask;
  return type == model::sysflag::kTransactionNone || type == model::sysflag::kTransactionCommit;
}

}  // namespace

CommitLog::CommitLog(os::Clock& clock, LogFiles& files, Watermarks& marks, ZeroAhead& zeros,
                     WriteGate& gate, CommitLogOptions options, std::int64_t last_store_timestamp)
    : clock_(clock),
      files_(files),
      marks_(marks),
      zeros_(zeros),
      gate_(gate),
      options_(options),
      staging_(options.staging_bytes),
      end_{marks.appended().value},
      file_end_(files.start_of({marks.appended().value}) +
                static_cast<std::int64_t>(files.file_size())),
      store_timestamp_(last_store_timestamp) {}

void CommitLog::set_callbacks(OnFlushed on_flushed, OnBroken on_broken) {
  on_flushed_ = std::move(on_flushed);
  on_broken_ = std::move(on_broken);
}

// An upper bound: the exact size would need a second look at the properties, and the few bytes of
// difference only matter at the end of a file.
std::size_t CommitLog::bound_of(const model::Message& message) {
  return kRecordOverhead + message.body.size() + message.topic.size() + message.properties.size() +
         message.extra_properties.size();
}

Status CommitLog::admit(std::span<const AppendItem> items, std::size_t& total) const {
  total = 0;
  for (const AppendItem& item : items) {
    const std::size_t size = bound_of(item.message);
    if (size + model::kBlankSize > files_.file_size())
      return fail(Errc::kMessageIllegal, "message is larger than a file of the commit log");
    if (item.message.properties.size() + item.message.extra_properties.size() +
            kPropertiesOverhead >
        model::kMaxPropertiesSize)
      return fail(Errc::kMessageIllegal, "properties are too long");
    total += size;
  }
  if (!gate_.open()) return fail(gate_.refusal().value_or(Error{Errc::kNotWritable, "closed"}));
  if (!staging_.has_room(total))
    return fail(Errc::kBusy, "the disk does not keep up: staging is full");
  if (end_.value - marks_.committed().value >
      static_cast<std::int64_t>(kUncommittedFactor * options_.staging_bytes))
    return fail(Errc::kBusy, "the disk does not keep up: too much is not committed");
  if (undispatched_.load(std::memory_order_relaxed) > kMaxUndispatched)
    return fail(Errc::kBusy, "the disk does not keep up: too much is not dispatched");
  return {};
}

Result<AppendedOffset> CommitLog::append(std::span<AppendItem> items) {
  MutexLock lock(mutex_);
  std::size_t total = 0;
  ONCE_TRY(admit(items, total));
  store_timestamp_ = std::max(store_timestamp_, clock_.wall_ms());
  const std::size_t of_a_file = static_cast<std::size_t>(files_.file_size()) - model::kBlankSize;
  if (static_cast<std::int64_t>(total) > room() && total <= of_a_file) roll();
  batch_arrivals_ = arrivals_.size();
  for (AppendItem& item : items) append_one(item);
  marks_.advance(AppendedOffset{end_.value});
  return AppendedOffset{end_.value};
}

void CommitLog::append_one(AppendItem& item) {
  const std::size_t bound = bound_of(item.message);
  if (static_cast<std::int64_t>(bound) > room()) roll();
  const bool queued = is_queued(item.message) && item.queue != nullptr;
  LiveQueue* queue = queued ? static_cast<LiveQueue*>(item.queue) : nullptr;
  const QueueOffset queue_offset = queued ? queue->next_for_append() : QueueOffset{};

  std::byte* into = staging_.reserve(end_, bound);
  const std::size_t size = model::encode_record(
      item.message,
      {.queue_offset = queue_offset, .log_offset = end_, .store_timestamp = store_timestamp_},
      options_.record, MutableBytes(into, bound));
  staging_.commit(size);
  item.result = {.log_offset = end_,
                 .queue_offset = queue_offset,
                 .store_timestamp = store_timestamp_,
                 .size = static_cast<std::int32_t>(size)};
  end_ += static_cast<std::int64_t>(size);
  if (!queued) return;
  queue->push({.log_offset = item.result.log_offset,
               .size = item.result.size,
               .tags_code = item.message.delay_ms > 0 ? store_timestamp_ + item.message.delay_ms
                                                      : item.message.tags_code});
  undispatched_.fetch_add(1, std::memory_order_relaxed);
  // Only inside one batch: across batches the entry would run ahead of the committed mark for ever.
  if (arrivals_.size() > batch_arrivals_ && arrivals_.back().queue == queue) {
    arrivals_.back().end = end_.value;
  } else {
    arrivals_.push_back({end_.value, queue});
  }
  if (!queue->dirty) {
    queue->dirty = true;
    dirty_.push_back(queue);
  }
}

// The rest of the file becomes a blank record: its size and magic; what follows is not defined.
void CommitLog::roll() {
  std::byte* blank = staging_.reserve(end_, model::kBlankSize);
  store_be<std::int32_t>(blank, static_cast<std::int32_t>(file_end_ - end_));
  store_be<std::uint32_t>(blank + 4, model::kMagicBlank);
  staging_.commit(model::kBlankSize);
  staging_.seal();
  end_ = file_end_;
  file_end_ += static_cast<std::int64_t>(files_.file_size());
}

bool CommitLog::take_role(bool even_if_no_space) {
  MutexLock lock(mutex_);
  if (writing_ || gate_.broken() || staging_.staged() == 0) return false;
  if (!even_if_no_space && gate_.has(Refusal::kNoSpaceLog)) return false;
  writing_ = true;
  return true;
}

void CommitLog::write_out() {
  // Whoever has the role looks once more before giving it up, so leaving here forgets nothing.
  if (take_role(false)) write_staged();
}

void CommitLog::retry_no_space() {
  if (!gate_.has(Refusal::kNoSpaceLog)) return;
  if (take_role(true)) write_staged();
}

void CommitLog::write_staged() {
  for (;;) {
    LogOffset end;
    {
      MutexLock lock(mutex_);
      pieces_.clear();
      staging_.take(pieces_, kWriteLimit);
      if (pieces_.empty()) {
        writing_ = false;
        return;
      }
      end = staging_.untaken(end_);
    }
    const Status done = write(pieces_);
    if (done) {
      if (gate_.has(Refusal::kNoSpaceLog)) gate_.lift(Refusal::kNoSpaceLog);
    } else if (done.error().code == Errc::kNoSpace) {
      gate_.refuse(Refusal::kNoSpaceLog, done.error());
    }
    {
      MutexLock lock(mutex_);
      if (done) {
        staging_.written();
      } else {
        staging_.give_back();
        writing_ = false;
      }
    }
    if (!done) {
      if (done.error().code != Errc::kNoSpace) on_broken_(done.error());
      return;
    }
    marks_.advance(FlushedOffset{end.value});
    on_flushed_();
  }
}

Status CommitLog::write(std::span<const StagedPiece> pieces) {
  for (std::size_t i = 0; i < pieces.size();) {
    auto file = files_.create(pieces[i].offset);
    if (!file) return fail(std::move(file.error()));
    LogOffset end = pieces[i].offset;
    run_.clear();
    const LogOffset begin = end;
    for (; i < pieces.size() && pieces[i].offset == end && (*file)->contains(end); ++i) {
      run_.push_back(pieces[i].bytes);
      end += static_cast<std::int64_t>(pieces[i].bytes.size());
    }
    zeros_.claim(end);
    ONCE_TRY((*file)->file().write_at(static_cast<std::uint64_t>(begin - (*file)->start()),
                                      std::span<const Bytes>(run_)));
  }
  return {};
}

Status CommitLog::sync(LogOffset from, LogOffset to) {
  while (from < to) {
    const std::shared_ptr<LogFile> file = files_.find(from);
    ONCE_CHECK(file != nullptr, "what is flushed lies in a file");
    ONCE_TRY(file->file().sync_data());
    from = file->end();
  }
  return {};
}

void CommitLog::take_arrivals(CommittedOffset committed, std::vector<ConsumeQueue*>& arrived) {
  MutexLock lock(mutex_);
  ++arrival_round_;
  for (; arrivals_done_ < arrivals_.size(); ++arrivals_done_) {
    const Arrival& arrival = arrivals_[arrivals_done_];
    if (arrival.end > committed.value) break;
    if (arrival.queue->arrival_round == arrival_round_) continue;
    arrival.queue->arrival_round = arrival_round_;
    if (arrival.queue->watched()) arrived.push_back(arrival.queue);
  }
  if (arrivals_done_ == arrivals_.size()) {
    arrivals_.clear();
    arrivals_done_ = 0;
  } else if (arrivals_done_ > arrivals_.size() / 2) {
    arrivals_.erase(arrivals_.begin(),
                    arrivals_.begin() + static_cast<std::ptrdiff_t>(arrivals_done_));
    arrivals_done_ = 0;
  }
}

void CommitLog::take_dirty(std::vector<LiveQueue*>& dirty) {
  MutexLock lock(mutex_);
  dirty.insert(dirty.end(), dirty_.begin(), dirty_.end());
  dirty_.clear();
  for (LiveQueue* queue : dirty) queue->dirty = false;
}

void CommitLog::mark_dirty(LiveQueue& queue) {
  MutexLock lock(mutex_);
  if (queue.dirty) return;
  queue.dirty = true;
  dirty_.push_back(&queue);
}

AppendedOffset CommitLog::reset_queues(std::span<LiveQueue* const> queues) {
  MutexLock lock(mutex_);
  for (LiveQueue* queue : queues) {
    std::int64_t forgotten = 0;
    queue->reset(forgotten);
    undispatched_.fetch_sub(forgotten);
  }
  return {end_.value};
}

CommitLog::Sample CommitLog::sample() const {
  MutexLock lock(mutex_);
  return {AppendedOffset{end_.value}, store_timestamp_};
}

}  // namespace oncemq::store
