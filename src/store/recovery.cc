#include "store/recovery.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/log.h"
#include "model/properties.h"

namespace oncemq::store {

namespace {

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kClockSlackMs = 3000;           // as Apache's checkpoint rule has it
constexpr std::size_t kWriteQueuesEvery = 256U << 10;  // entries held in memory at most
constexpr std::size_t kRewriteChunk = 1U << 20;
// Places in queues that a stretch of the log can have held, at most: a message of an inner batch
// takes 22 bytes. Wider gaps are the word of a forged record.
constexpr std::int64_t kMinMessage = 22;
constexpr std::uint64_t kProgressBytes = 4ULL << 30;
constexpr std::string_view kScheduleTopic = "SCHEDULE_TOPIC_XXXX";

// A time as somebody else's file says it, so that sums cannot overflow.
std::int64_t sane_ms(std::int64_t ms) {
  return ms >= 0 && ms <= kMaxTimestampMs ? ms : 0;
}

}  // namespace

bool is_queued(const model::RecordView& record) {
  return record.transaction_type() == model::sysflag::kTransactionNone ||
         record.transaction_type() == model::sysflag::kTransactionCommit;
}

std::int64_t tags_code_of(const model::RecordView& record,
                          const std::vector<std::int64_t>& delay_levels_ms) {
  if (record.topic == kScheduleTopic && !delay_levels_ms.empty()) {
    if (const auto level = model::find_property(record.properties, model::property::kDelayLevel)) {
      std::size_t number = 0;
      std::from_chars(level->data(), level->data() + level->size(), number);
      if (number > 0)
        return sane_ms(record.store_timestamp) +
               delay_levels_ms[std::min(number, delay_levels_ms.size()) - 1];
    }
  }
  const auto tag = model::find_property(record.properties, model::property::kTags);
  return tag ? model::tags_code(*tag) : 0;
}

Recovery::Recovery(os::Disk& disk, const Layout& layout, const StoreOptions& options,
                   LogFiles& files, QueueTable& queues, QueueFiles& queue_files, KeyIndex* index,
                   const DeletedTopics& deleted)
    : disk_(disk),
      layout_(layout),
      options_(options),
      files_(files),
      queues_(queues),
      queue_files_(queue_files),
      index_(index),
      deleted_(deleted) {}

Result<Recovered> Recovery::run(const RecoveryInput& input) {
  input_ = input;
  for (std::int64_t* ms :
       {&input_.checkpoint.log_ms, &input_.checkpoint.queues_ms, &input_.checkpoint.index_ms})
    *ms = sane_ms(*ms);
  if (input_.mark) input_.mark->store_timestamp = sane_ms(input_.mark->store_timestamp);
  if (files_.empty()) {
    // Without a log the queues and the index speak of nothing.
    if (input_.mark && input_.mark->durable > 0)
      return fail(Errc::kCorrupt, layout_.log_dir() + " is empty, but the log was durable up to " +
                                      std::to_string(input_.mark->durable));
    ONCE_TRY(disk_.remove_tree(layout_.queue_dir()));
    ONCE_TRY(disk_.make_dirs(layout_.queue_dir()));
    ONCE_TRY(disk_.sync_dir(layout_.root));
    if (index_ != nullptr) ONCE_TRY(index_->clear());
    return found_;
  }
  ONCE_TRY(disk_.make_dirs(layout_.queue_dir()));
  QueueLoader loader(disk_, layout_, queues_, queue_files_, input_.parallel);
  LogOffset start;
  auto fast = load_snapshot(loader);
  if (!fast) return fail(std::move(fast.error()));
  if (*fast) {
    start = {input_.snapshot->position};
    if (!input_.clean) queue_files_.mark_all_dirty();
  } else if (input_.mark) {
    start = choose_start();
    ONCE_TRY(loader.from_folders(start, !input_.clean));
  } else {
    // Where to begin depends on the queues.
    ONCE_TRY(loader.from_folders({kForever}, false));
    start = choose_start();
    if (!input_.clean) ONCE_TRY(loader.from_folders(start, true));
  }
  if (start > files_.all().back()->end())
    return fail(Errc::kCorrupt, "files are missing at the end of " + layout_.log_dir() +
                                    ": the log reached " + std::to_string(start.value));
  // A snapshot that was not good enough now must not look better to a later start, when the log has
  // grown over its position again.
  if (!*fast) ONCE_TRY(QueueSnapshot::remove(disk_, layout_));
  ONCE_TRY(recover_index(start));
  behind_ = input_.mark && input_.mark->has_queues_sum && start.value == input_.mark->dispatched &&
            input_.mark->queues_sum != queues_.sum();
  if (!behind_) ONCE_TRY(scan(start));
  if (behind_) {
    // What queues have stays; the records of the whole log fill in what they lack.
    log::warn("store", "consume queues lack entries; reading the whole log for them");
    behind_ = false;
    ONCE_TRY(scan(files_.min_offset()));
    found_.whole_log = true;
  }
  return found_;
}

// Whether the queues could be loaded from the snapshot. After an unclean stop of the process alone
// their files hold everything up to it, durable or not.
Result<bool> Recovery::load_snapshot(QueueLoader& loader) const {
  if (!input_.snapshot) return false;
  const QueueSnapshot& snapshot = *input_.snapshot;
  const LogOffset position{snapshot.position};
  if (position < files_.min_offset() || position > files_.all().back()->end() ||
      !begins_record(position))
    return false;
  const bool valid =
      input_.clean ? snapshot.clean && input_.mark && snapshot.position == input_.mark->dispatched
                   : !snapshot.session.empty() && snapshot.session == disk_.session();
  if (!valid) return false;
  return loader.from_snapshot(snapshot, input_.clean);
}

Status Recovery::recover_index(LogOffset start) {
  if (index_ == nullptr) return {};
  // What the mark vouches for stays although a snapshot lets the walk begin in front of it: it is
  // durable, and the walk passes over records that are indexed.
  if (!input_.clean)
    ONCE_TRY(
        index_->recover({std::max(start.value, input_.mark ? input_.mark->index_end + 1 : 0)}));
  if (!input_.mark || index_->end_offset().value >= input_.mark->index_end) return {};
  log::warn("store", "the key index lacks entries; making it again from the log");
  found_.index_again = true;
  ONCE_TRY(index_->clear());
  LogCursor cursor(files_, files_.min_offset(), start, model::Verify::kNone);
  while (cursor.step() == LogCursor::Step::kRecord) ONCE_TRY(index_->add(cursor.record()));
  return index_->write_out();
}

// ---- where to begin

bool Recovery::begins_record(LogOffset offset) const {
  const std::shared_ptr<LogFile> file = files_.find(offset);
  if (!file) return offset == files_.all().back()->end();
  const auto at = static_cast<std::uint64_t>(offset - file->start());
  const std::size_t room = static_cast<std::size_t>(file->end() - offset);
  if (!file->mapping()->prefault(at, std::min<std::size_t>(room, 4096))) return false;
  const auto decoded = model::decode_record(file->bytes_from(offset), model::Verify::kNone);
  if (!decoded) return false;
  return decoded->kind != model::RecordKind::kMessage || decoded->record.log_offset == offset;
}

LogOffset Recovery::choose_start() const {
  const LogOffset min = files_.min_offset();
  LogOffset start = min;
  if (input_.mark)
    start = {std::max(input_.mark->dispatched, min.value)};
  else
    start = input_.clean ? std::max(end_of_queues(), min) : apache_start();
  if (start > files_.all().back()->end()) return start;
  // At the durable end a torn record may stand; below it only a whole one can.
  const bool at_end = input_.mark && start.value >= input_.mark->durable;
  return at_end || begins_record(start) ? start : files_.start_of(start);
}

// The newest record that any queue knows.
QueueEntry Recovery::newest_entry() const {
  QueueEntry newest;
  for (const LiveQueue* queue : queues_.all()) {
    const QueueOffset next = queue->next();
    if (next == queue->first()) continue;
    std::array<QueueEntry, 1> last;
    const auto got = queue_files_.read(*queue, next + -1, last);
    if (got && *got == 1 && is_entry(last[0]) && !is_filler(last[0]) &&
        last[0].log_offset >= newest.log_offset)
      newest = last[0];
  }
  return newest;
}

LogOffset Recovery::end_of_queues() const {
  const QueueEntry newest = newest_entry();
  return newest.log_offset + newest.size;
}

// Store time of the last record in front of `start`, 0 when it is not known.
std::int64_t Recovery::time_before(LogOffset start) const {
  if (input_.mark) return input_.mark->store_timestamp;
  const QueueEntry newest = newest_entry();
  if (newest.size == 0 || newest.log_offset + newest.size != start) return 0;
  LogCursor cursor(files_, newest.log_offset, start, model::Verify::kNone);
  return cursor.step() == LogCursor::Step::kRecord ? sane_ms(cursor.record().store_timestamp) : 0;
}

// The last file whose first record is surely older than what the checkpoint calls durable.
LogOffset Recovery::apache_start() const {
  const std::int64_t safe =
      std::min(input_.checkpoint.log_ms, input_.checkpoint.queues_ms) - kClockSlackMs;
  const auto all = files_.all();
  for (auto file = all.rbegin(); file != all.rend(); ++file) {
    LogCursor cursor(files_, (*file)->start(), (*file)->end(), model::Verify::kBody);
    if (cursor.step() != LogCursor::Step::kRecord) continue;
    if (cursor.record().store_timestamp != 0 && cursor.record().store_timestamp <= safe)
      return (*file)->start();
  }
  return files_.min_offset();
}

// ---- log

Status Recovery::scan(LogOffset start) {
  const LogOffset min = files_.min_offset();
  start_ = start;
  found_.store_timestamp = time_before(start);
  LogCursor cursor(files_, start, {kForever}, model::Verify::kFull);
  if (input_.mark && input_.mark->sealed) cursor.expect_seals({input_.mark->durable});
  LogCursor::Step step = cursor.step();
  std::uint64_t progress = kProgressBytes;
  for (; step == LogCursor::Step::kRecord; step = cursor.step()) {
    const model::RecordView& record = cursor.record();
    found_.store_timestamp = std::max(found_.store_timestamp, sane_ms(record.store_timestamp));
    ONCE_TRY(dispatch(record, static_cast<std::int32_t>(cursor.bytes().size())));
    if (behind_) return {};
    if (index_ != nullptr) ONCE_TRY(index_->add(record));
    found_.scanned_bytes = static_cast<std::uint64_t>(cursor.next_position() - start);
    if (found_.scanned_bytes >= progress) {
      log::info("store", "recovery has read {} of at most {} MiB of the log",
                found_.scanned_bytes >> 20, (files_.all().back()->end() - min) >> 20);
      progress += kProgressBytes;
    }
  }
  if (step == LogCursor::Step::kLost) return fail(cursor.error());
  found_.end = cursor.position();
  ONCE_TRY(judge(step, cursor));
  ONCE_TRY(write_queues());
  if (index_ != nullptr) ONCE_TRY(index_->write_out());
  found_.dispatched = found_.end;
  found_.settled = start;
  if (!input_.clean && input_.mark)
    found_.settled = {std::min(start.value, input_.mark->dispatched)};

  // Behind the end of an orderly stop are zeros. Where the marks say something else, or somebody
  // else stopped, it is not left to a later crash to find out what is there.
  if (input_.clean && step == LogCursor::Step::kEnd && input_.mark &&
      input_.mark->durable == found_.end.value)
    return {};
  ONCE_TRY(files_.remove_behind(found_.end));
  ONCE_TRY(files_.zero_behind(found_.end));
  const LogOffset durable{input_.mark ? std::max(input_.mark->durable, min.value) : start.value};
  return rewrite(durable, found_.end);
}

Status Recovery::judge(LogCursor::Step step, const LogCursor& cursor) {
  const LogOffset end = found_.end;
  const std::shared_ptr<LogFile> file = files_.find(end);
  const std::string where =
      "offset " + std::to_string(end.value) + " (" +
      (file ? file->path() + " at byte " + std::to_string(end - file->start()) : "no file") + ")";
  const std::string what =
      step == LogCursor::Step::kBad ? cursor.error().message : "no record, but zeros";
  std::string why;
  if (input_.mark && end.value < input_.mark->durable)
    why = "the log was durable up to " + std::to_string(input_.mark->durable);
  else if (!input_.mark && input_.clean && end < end_of_queues())
    why = "consume queues know records up to " + std::to_string(end_of_queues().value);
  else if (!input_.mark && found_.store_timestamp > 0 &&
           input_.checkpoint.log_ms > found_.store_timestamp + kClockSlackMs)
    why = "the checkpoint knows younger records";
  if (!why.empty())
    return fail(Errc::kCorrupt, "the commit log is damaged at " + where + ": " + what + "; " + why +
                                    ". Nothing was changed; `oncemq store check` shows the extent");
  if (step == LogCursor::Step::kBad)
    log::warn("store", "the log ends at {}: {}; what follows was never confirmed", where, what);
  return {};
}

Status Recovery::rewrite(LogOffset from, LogOffset to) {
  if (from >= to) return {};
  std::vector<std::byte> chunk(
      static_cast<std::size_t>(std::min<std::int64_t>(to - from, kRewriteChunk)));
  while (from < to) {
    const std::shared_ptr<LogFile> file = files_.find(from);
    if (!file) return {};
    const LogOffset end = std::min(to, file->end());
    for (LogOffset at = from; at < end;) {
      const auto offset = static_cast<std::uint64_t>(at - file->start());
      const MutableBytes part = MutableBytes(chunk).first(
          static_cast<std::size_t>(std::min<std::int64_t>(end - at, std::ssize(chunk))));
      auto got = file->file().read_at(offset, part);
      if (!got) return fail(std::move(got.error()));
      if (*got < part.size()) return fail(Errc::kIo, file->path() + " became shorter");
      ONCE_TRY(file->file().write_at(offset, part));
      at += static_cast<std::int64_t>(part.size());
      found_.rewritten_bytes += part.size();
    }
    ONCE_TRY(file->file().sync_data());
    from = file->end();
  }
  return {};
}

Status Recovery::dispatch(const model::RecordView& record, std::int32_t size) {
  if (!is_queued(record) || deleted_.covers(record.topic, record.log_offset.value)) return {};
  if (!is_folder_name(record.topic) || record.queue_id < 0 || record.queue_offset.value < 0 ||
      record.queue_offset.value > kMaxQueueOffset) {
    misfit(record, "there can be no such queue");
    return {};
  }
  LiveQueue& queue = queues_.get(record.topic, record.queue_id);
  if (record.queue_offset < queue.first() && start_ == files_.min_offset()) {
    // Its first files are lost; retention takes none whose records are still there.
    ONCE_TRY(queue_files_.cut(queue, {0}));
    queue.load(record.queue_offset, record.queue_offset);
  }
  const QueueOffset next = queue.next();
  if (record.queue_offset < next) return {};  // as upstream: the place is taken
  if (record.queue_offset > next) {
    if (start_ > files_.min_offset()) {
      behind_ = true;
      return {};
    }
    if (queue.first() == next) {
      // Its beginning was deleted with its log files.
      ONCE_TRY(queue_files_.cut(queue, queue.first()));
      queue.load(record.queue_offset, record.queue_offset);
    } else {
      const std::int64_t gap = record.queue_offset - next;
      if (gaps_ + gap > (record.log_offset - files_.min_offset()) / kMinMessage) {
        misfit(record, "its queue ends at " + std::to_string(next.value));
        return {};
      }
      // Records in between are lost; their places stay taken, so that no offset changes its
      // message.
      gaps_ += gap;
      unwritten_ += static_cast<std::size_t>(gap);
      for (QueueOffset at = next; at < record.queue_offset; at += 1)
        queue.push({.log_offset = record.log_offset, .size = kGapSize, .tags_code = 0});
    }
  }
  queue.push({.log_offset = record.log_offset,
              .size = size,
              .tags_code = tags_code_of(record, options_.delay_levels_ms)});
  dirty_.insert(&queue);
  if (++unwritten_ >= kWriteQueuesEvery) return write_queues();
  return {};
}

void Recovery::misfit(const model::RecordView& record, const std::string& why) {
  ++found_.misfits;
  log::error("store", "record at {} claims offset {} of queue {}/{}: {}; ignored",
             record.log_offset.value, record.queue_offset.value, record.topic, record.queue_id,
             why);
}

Status Recovery::write_queues() {
  for (LiveQueue* queue : dirty_) {
    entries_.clear();
    bool more = false;
    const QueueOffset from = queue->unpersisted(kForever, entries_, more);
    ONCE_TRY(queue_files_.write(*queue, from, entries_, !queue->has_files()));
    queue->set_persisted(from + static_cast<std::int64_t>(entries_.size()));
  }
  dirty_.clear();
  unwritten_ = 0;
  return {};
}

}  // namespace oncemq::store
