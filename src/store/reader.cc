#include "store/reader.h"

#include <algorithm>
#include <array>

namespace oncemq::store {

namespace {

constexpr std::int64_t kMinScan = 16000 / static_cast<std::int64_t>(kEntrySize);
// Of records that a filter by properties looks at in one read; each is brought in as a whole.
constexpr std::int64_t kFilterBytes = 8 << 20;
constexpr std::size_t kColdWindow = 64U << 10;  // brought into memory at once around a cold record
constexpr std::size_t kPositionEnd = 36;        // of queue id, queue offset and log offset
constexpr std::size_t kTimestampEnd = 76;       // of the store time in a header with IPv6
constexpr std::size_t kBodySize = 84;           // where it stands with IPv4 hosts
constexpr std::size_t kV6More = 12;             // bytes that each IPv6 host adds

// The topic of a record, found by its lengths alone; empty when they lead out of it.
std::string_view topic_in(Bytes record) {
  const auto flags = load_be<std::int32_t>(record.data() + kPositionEnd);
  std::size_t at = kBodySize;
  if ((flags & model::sysflag::kBornHostV6) != 0) at += kV6More;
  if ((flags & model::sysflag::kStoreHostV6) != 0) at += kV6More;
  ByteReader rest(record);
  rest.skip(at);
  rest.skip(rest.read<std::uint32_t>());
  const bool v2 = load_be<std::uint32_t>(record.data() + 4) == model::kMagicV2;
  const std::size_t size = v2 ? rest.read<std::uint16_t>() : rest.read<std::uint8_t>();
  return rest.read_text(size);
}

}  // namespace

// Collects the spans of one read.
class Reader::Gatherer {
 public:
  Gatherer(const Reader& reader, const LiveQueue& queue, const model::Filter* filter,
           ReadResult& result)
      : reader_(reader),
        queue_(queue),
        filter_(filter),
        found_(queue.found()),
        result_(result),
        head_(reader.files_.start_of(last_byte(reader.marks_))) {}

  // Adds the record of an entry, unless the filter wants other properties. kMessageNotFound when
  // its file is gone; kCorrupt when it is not the one that stands in the queue there, kIo when it
  // cannot be read: both are noted.
  Status add(const QueueEntry& entry, QueueOffset queue_offset) {
    broken_record_ = false;
    if (!file_ || !file_->contains(entry.log_offset)) {
      file_ = reader_.files_.find(entry.log_offset);
      ready_ = {-1};
      if (!file_ && entry.log_offset < reader_.files_.min_offset())
        return fail(Errc::kMessageNotFound, "record is no longer in the log");
    }
    Status done = file_ ? add_from_file(entry, queue_offset)
                        : fail(Errc::kCorrupt, "queue entry points behind the log");
    if (!done) {
      if (broken_record_)
        reader_.damage_.record(entry.log_offset, done.error());
      else
        reader_.damage_.entry(queue_, queue_offset, done.error());
    }
    return done;
  }

 private:
  static LogOffset last_byte(const Watermarks& marks) {
    return {std::max<std::int64_t>(marks.flushed().value - 1, 0)};
  }

  Status add_from_file(const QueueEntry& entry, QueueOffset queue_offset) {
    const auto size = static_cast<std::size_t>(entry.size);
    const Bytes rest = file_->bytes_from(entry.log_offset);
    if (size > rest.size()) return fail(Errc::kCorrupt, "queue entry is longer than its file");
    // Whoever wrote the entry knew no record of ours: there it must not lead, even where one that
    // looks right stands by now.
    if (queue_offset < found_ && entry.log_offset >= reader_.found_end_)
      return fail(Errc::kCorrupt, "queue entry points behind what its writer can have known");
    if (file_->start() < head_ || entry.log_offset < reader_.found_end_)
      ONCE_TRY(warm(entry, rest, queue_offset));
    else if (!is_record(rest.first(size), entry, queue_offset))
      return fail(Errc::kCorrupt, "queue entry does not fit its record");
    if (filter_ != nullptr && filter_->wants_properties()) {
      const auto decoded = model::decode_record(rest.first(size), model::Verify::kNone);
      broken_record_ = !decoded;
      if (!decoded) return fail(Errc::kCorrupt, decoded.error().message);
      if (!filter_->matches(decoded->record.properties, result_.filter)) return {};
    }
    join(entry.log_offset, rest.first(size));
    return {};
  }

  // Queue files carry no checksum, the records do: entry and record must know each other.
  bool is_record(Bytes bytes, const QueueEntry& entry, QueueOffset queue_offset) const {
    return bytes.size() > kBodySize && load_be<std::int32_t>(bytes.data()) == entry.size &&
           load_be<std::int32_t>(bytes.data() + 12) == queue_.queue_id() &&
           load_be<std::int64_t>(bytes.data() + 20) == queue_offset.value &&
           load_be<std::int64_t>(bytes.data() + 28) == entry.log_offset.value &&
           topic_in(bytes) == queue_.topic();
  }

  Status warm(const QueueEntry& entry, Bytes rest, QueueOffset queue_offset) {
    const auto size = static_cast<std::size_t>(entry.size);
    const LogOffset offset = entry.log_offset;
    if (offset + entry.size > ready_) {
      const std::size_t window = std::min(rest.size(), std::max(size, kColdWindow));
      ONCE_TRY(
          file_->mapping()->prefault(static_cast<std::uint64_t>(offset - file_->start()), window));
      ready_ = offset + static_cast<std::int64_t>(window);
    }
    // First who is to blame: an entry that leads to no record of its own, or else the record.
    if (!is_record(rest.first(size), entry, queue_offset)) {
      auto decoded = model::decode_record(rest, model::Verify::kFull);
      broken_record_ = !decoded;
      return fail(Errc::kCorrupt, decoded ? "queue entry does not fit its record"
                                          : std::move(decoded.error().message));
    }
    if (file_->verified(offset)) return {};
    broken_record_ = true;
    auto decoded = model::decode_record(rest.first(size), model::Verify::kFull);
    if (!decoded) return fail(std::move(decoded.error()));
    if (decoded->kind != model::RecordKind::kMessage)
      return fail(Errc::kCorrupt, "queue entry does not point at a record");
    file_->set_verified(offset);
    return {};
  }

  void join(LogOffset offset, Bytes bytes) {
    if (!result_.spans.empty() && span_end_ == offset && span_file_ == file_.get()) {
      Bytes& last = result_.spans.back().bytes;
      last = Bytes(last.data(), last.size() + bytes.size());
    } else {
      result_.spans.push_back({bytes, file_->mapping()});
      span_file_ = file_.get();
    }
    span_end_ = offset + static_cast<std::int64_t>(bytes.size());
    result_.bytes += bytes.size();
    result_.last_log_offset = offset;
    ++result_.messages;
  }

  const Reader& reader_;
  const LiveQueue& queue_;
  const model::Filter* const filter_;  // null: everything
  const QueueOffset found_;            // entries below were written by an earlier process
  ReadResult& result_;
  const LogOffset head_;  // files before this one are cold
  std::shared_ptr<LogFile> file_;
  LogOffset ready_{-1};  // in memory up to here
  bool broken_record_ = false;
  LogOffset span_end_{-1};
  const LogFile* span_file_ = nullptr;
};

// The next entry in the file of a hole, or the begin of the next file.
QueueOffset Reader::behind_hole(const LiveQueue& queue, QueueOffset hole) {
  const std::int64_t per_file = queue.entries_per_file();
  const QueueOffset next_file{(hole.value / per_file + 1) * per_file};
  std::array<QueueEntry, 64> entries;
  for (QueueOffset at = hole; at < next_file;) {
    const auto got = queue.read(at, entries);
    if (!got || *got == 0) break;
    const auto end = entries.begin() + static_cast<std::ptrdiff_t>(*got);
    const auto found = std::find_if(entries.begin(), end, is_entry);
    at += found - entries.begin();
    if (found != end) return at;
  }
  return next_file;
}

ReadResult Reader::read(const ReadRequest& request) const {
  ReadResult result;
  if (request.queue == nullptr) return result;
  const auto& queue = static_cast<const LiveQueue&>(*request.queue);
  result.max = queue.max();
  result.min = queue.min();
  result.next = request.offset;
  if (result.max.value == 0) {
    result.status = ReadStatus::kQueueEmpty;
    result.next = {0};
    return result;
  }
  if (request.offset < result.min) {
    result.status = ReadStatus::kOffsetTooSmall;
    result.next = result.min;
    return result;
  }
  if (request.offset >= result.max) {
    result.status =
        request.offset == result.max ? ReadStatus::kOffsetAtEnd : ReadStatus::kOffsetPastEnd;
    result.next = result.max;
    return result;
  }

  Gatherer gatherer(*this, queue, request.filter, result);
  const std::int64_t bound = std::max<std::int64_t>(kMinScan, request.max_messages);
  const auto max_bytes = static_cast<std::size_t>(std::max(request.max_bytes, 0));
  std::int64_t scanned = 0;
  std::int64_t looked_at = 0;
  std::array<QueueEntry, 64> entries;
  while (scanned < bound) {
    const std::size_t want =
        std::min(entries.size(),
                 static_cast<std::size_t>(
                     request.filter != nullptr
                         ? bound - scanned
                         : std::max<std::int64_t>(request.max_messages - result.messages, 1)));
    auto got = queue.read(result.next, std::span(entries).first(want));
    if (!got || (*got == 0 && result.next < result.max) || (*got > 0 && !is_entry(entries[0]))) {
      // A hole, or a file that cannot be read: what was found counts. Alone it is waited for while
      // it can be made again from the log, and skipped otherwise.
      if (result.messages > 0) break;
      if (got && queue.report_lost()) {
        result.status = ReadStatus::kEntryMissing;
        return result;
      }
      damage_.entry(queue, result.next,
                    got ? Error{Errc::kCorrupt, "a hole in the queue"} : std::move(got.error()));
      result.status = ReadStatus::kEntryMissing;
      result.next = std::min(behind_hole(queue, result.next), result.max);
      return result;
    }
    if (*got == 0) break;
    for (std::size_t i = 0; i < *got; ++i) {
      const QueueEntry& entry = entries[i];
      if (!is_entry(entry)) break;
      if (entry.size == kGapSize) {
        result.next += 1;
        ++scanned;
        continue;
      }
      if (request.filter == nullptr || request.filter->passes(entry.tags_code)) {
        if (result.messages > 0 &&
            (result.messages >= request.max_messages ||
             result.bytes + static_cast<std::size_t>(entry.size) > max_bytes))
          goto full;
        if (auto added = gatherer.add(entry, result.next); !added) {
          if (result.messages > 0) goto full;
          result.status = ReadStatus::kRemoved;
          // Gone with its file, or damaged: in both cases the reader goes on behind it.
          result.next = added.error().code == Errc::kMessageNotFound
                            ? std::max(queue.min(), result.next + 1)
                            : result.next + 1;
          return result;
        }
        if (request.filter != nullptr && request.filter->wants_properties())
          looked_at += entry.size;
      }
      result.next += 1;
      ++scanned;
      if (looked_at >= kFilterBytes || result.filter.work >= request.filter_work) goto full;
    }
    if (result.messages >= request.max_messages) break;
  }
full:
  result.status = result.messages > 0 ? ReadStatus::kFound : ReadStatus::kNoMatched;
  return result;
}

Result<LogSpan> Reader::record(LogOffset offset) const {
  const std::shared_ptr<LogFile> file = files_.find(offset);
  if (!file || offset.value < 0 || offset.value >= marks_.committed().value)
    return fail(Errc::kMessageNotFound, "no record at offset " + std::to_string(offset.value));
  const Bytes rest = file->bytes_from(offset);
  ONCE_TRY(file->mapping()->prefault(static_cast<std::uint64_t>(offset - file->start()),
                                     std::min(rest.size(), kColdWindow)));
  if (rest.size() < 4) return fail(Errc::kMessageNotFound, "no record there");
  const auto size = load_be<std::int32_t>(rest.data());
  if (size <= 0 || static_cast<std::size_t>(size) > rest.size())
    return fail(Errc::kMessageNotFound, "no record at offset " + std::to_string(offset.value));
  if (static_cast<std::size_t>(size) > kColdWindow)
    ONCE_TRY(file->mapping()->prefault(static_cast<std::uint64_t>(offset - file->start()),
                                       static_cast<std::size_t>(size)));
  auto decoded = model::decode_record(rest, model::Verify::kFull);
  // An offset from outside may point anywhere; only a record of its own place is one.
  if (!decoded && decoded.error().code == Errc::kBadBytes)
    return fail(Errc::kMessageNotFound, "no record at offset " + std::to_string(offset.value));
  if (!decoded) return fail(std::move(decoded.error()));
  if (decoded->kind != model::RecordKind::kMessage || decoded->record.log_offset != offset ||
      offset.value + decoded->size > marks_.committed().value)
    return fail(Errc::kMessageNotFound, "no record at offset " + std::to_string(offset.value));
  return LogSpan{rest.first(static_cast<std::size_t>(decoded->size)), file->mapping()};
}

Result<QueueEntry> Reader::entry(const LiveQueue& queue, QueueOffset offset) {
  std::array<QueueEntry, 1> entry;
  auto got = queue.read(offset, entry);
  if (!got) return fail(std::move(got.error()));
  if (*got == 0 || !is_entry(entry[0]) || entry[0].size == kGapSize)
    return fail(Errc::kMessageNotFound, "no message at that queue offset");
  return entry[0];
}

Result<std::int64_t> Reader::store_time(LogOffset offset) const {
  const std::shared_ptr<LogFile> file = files_.find(offset);
  if (!file) return fail(Errc::kMessageNotFound, "record is no longer in the log");
  const Bytes rest = file->bytes_from(offset);
  if (rest.size() < kTimestampEnd) return fail(Errc::kMessageNotFound, "no record there");
  ONCE_TRY(
      file->mapping()->prefault(static_cast<std::uint64_t>(offset - file->start()), kTimestampEnd));
  const auto flags = load_be<std::int32_t>(rest.data() + 36);
  const std::size_t at = (flags & model::sysflag::kBornHostV6) != 0 ? 68 : 56;
  return load_be<std::int64_t>(rest.data() + at);
}

QueueOffset Reader::offset_by_time(const LiveQueue& queue, std::int64_t timestamp_ms,
                                   Boundary boundary) const {
  const std::int64_t min = queue.min().value;
  const std::int64_t max = queue.max().value;
  // First offset whose store time is >= (lower) or > (upper) the wanted one; times never decrease.
  std::int64_t low = min;
  std::int64_t high = max;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    const auto found = entry(queue, {middle});
    const auto time = found ? store_time(found->log_offset) : Result<std::int64_t>(0);
    const bool before =
        !time || (boundary == Boundary::kLower ? *time < timestamp_ms : *time <= timestamp_ms);
    if (before)
      low = middle + 1;
    else
      high = middle;
  }
  if (boundary == Boundary::kLower) return {low};
  return {low > min ? low - 1 : 0};
}

}  // namespace oncemq::store
