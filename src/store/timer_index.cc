#include "store/timer_index.h"

#include <algorithm>
#include <utility>

#include "base/crc.h"
#include "store/layout.h"

namespace oncemq::store {

namespace {

// uint32 due - start of the hour, int64 offset, int64 log offset (-1: removed), CRC of these.
constexpr std::size_t kCheckedSize = 20;

}  // namespace

std::string TimerIndex::path(std::int64_t span) const {
  return folder_ + "/" + file_name(span);
}

Status TimerIndex::open(const Spans& spans) {
  spans_.clear();
  forgotten_.clear();
  buffered_ = 0;
  ONCE_TRY(disk_.make_dirs(folder_));
  auto entries = disk_.list(folder_);
  if (!entries) return fail(std::move(entries.error()));
  Spans found;
  for (const os::DirEntry& entry : *entries) {
    const auto start = parse_file_name(entry.name);
    if (!start || !spans.contains(*start)) {
      ONCE_TRY(disk_.remove(folder_ + "/" + entry.name));
      continue;
    }
    const std::uint64_t size = spans.at(*start) * kEntrySize;
    if (entry.size < size)
      return fail(Errc::kCorrupt, path(*start) + " is shorter than its checkpoint says");
    if (entry.size > size) {
      auto file = disk_.open(path(*start), os::OpenMode::kReadWrite);
      if (!file) return fail(std::move(file.error()));
      ONCE_TRY((*file)->truncate(size));
    }
    found.emplace(*start, spans.at(*start));
  }
  if (found.size() != spans.size()) return fail(Errc::kCorrupt, "files are missing in " + folder_);
  for (const auto& [start, count] : found) spans_[start].written = count;
  return {};
}

Status TimerIndex::clear() {
  spans_.clear();
  forgotten_.clear();
  buffered_ = 0;
  ONCE_TRY(disk_.remove_tree(folder_));
  return disk_.make_dirs(folder_);
}

void TimerIndex::put(const TimerKey& key, std::int64_t log_offset) {
  const std::int64_t start = span_of(key.due_ms);
  std::byte bytes[kEntrySize];
  store_be<std::uint32_t>(bytes, static_cast<std::uint32_t>(key.due_ms - start));
  store_be<std::int64_t>(bytes + 4, key.offset);
  store_be<std::int64_t>(bytes + 12, log_offset);
  store_be<std::uint32_t>(bytes + kCheckedSize, crc32(Bytes(bytes, kCheckedSize)));
  spans_[start].buffer += as_text(bytes);
  buffered_ += kEntrySize;
  // An error shows again at the next flush; until then the entries wait here.
  if (buffered_ >= kBufferMax) (void)flush();
}

void TimerIndex::add(const TimerEntry& entry) {
  put(entry.key, entry.log_offset);
}

void TimerIndex::remove(const TimerKey& key) {
  put(key, kRemoved);
}

Status TimerIndex::flush(std::int64_t start, Span& span) {
  if (span.buffer.empty()) return {};
  auto file = disk_.open(path(start), os::OpenMode::kCreate);
  if (!file) return fail(std::move(file.error()));
  ONCE_TRY((*file)->write_at(span.written * kEntrySize, as_bytes(span.buffer)));
  span.written += span.buffer.size() / kEntrySize;
  buffered_ -= span.buffer.size();
  span.buffer = {};
  return {};
}

Status TimerIndex::flush() {
  if (buffered_ == 0) return {};
  for (auto& [start, span] : spans_) ONCE_TRY(flush(start, span));
  return {};
}

Status TimerIndex::sync() {
  ONCE_TRY(flush());
  // There may be hundreds of files; one call does for all.
  return disk_.sync_all(folder_);
}

TimerIndex::Spans TimerIndex::spans() const {
  Spans spans;
  for (const auto& [start, span] : spans_)
    if (span.written > 0) spans.emplace(start, span.written);
  return spans;
}

void TimerIndex::forget_before(std::int64_t due_ms) {
  while (!spans_.empty() && spans_.begin()->first + kSpanMs <= due_ms) {
    buffered_ -= spans_.begin()->second.buffer.size();
    forgotten_.push_back(spans_.begin()->first);
    spans_.erase(spans_.begin());
  }
}

Status TimerIndex::collect() {
  while (!forgotten_.empty()) {
    const std::int64_t start = forgotten_.back();
    // The clock was set back and the hour is in use again: the file is cut by what is listed.
    if (!spans_.contains(start)) {
      Status gone = disk_.remove(path(start));
      if (!gone && gone.error().code != Errc::kNotFound) return gone;
    }
    forgotten_.pop_back();
  }
  return {};
}

std::optional<std::int64_t> TimerIndex::next_span(std::int64_t due_ms) const {
  const auto found = spans_.lower_bound(span_of(due_ms));
  if (found == spans_.end()) return std::nullopt;
  return found->first;
}

void TimerIndex::Load::offer(const Row& row) {
  if (row.key < from_) return;
  if (heap_.size() < limit_) {
    heap_.push_back(row);
    std::push_heap(heap_.begin(), heap_.end());
    return;
  }
  truncated_ = true;
  if (!(row < heap_.front())) return;
  std::pop_heap(heap_.begin(), heap_.end());
  heap_.back() = row;
  std::push_heap(heap_.begin(), heap_.end());
}

void TimerIndex::Load::finish() {
  std::sort_heap(heap_.begin(), heap_.end());
  horizon_ = {span_ + kSpanMs, std::numeric_limits<std::int64_t>::min()};
  if (truncated_) {
    // What removes the last one may have been cut off: it belongs to the next load.
    horizon_ = heap_.back().key;
    while (!heap_.empty() && heap_.back().key == horizon_) heap_.pop_back();
  }
  result_.clear();
  for (std::size_t i = 0; i < heap_.size();) {
    // A timer that is read again after a crash may stand here twice.
    std::size_t end = i;
    bool removed = false;
    for (; end < heap_.size() && heap_[end].key == heap_[i].key; ++end)
      removed = removed || heap_[end].log_offset == kRemoved;
    if (!removed) result_.push_back({heap_[i].key, heap_[i].log_offset});
    i = end;
  }
  heap_ = {};
}

Result<bool> TimerIndex::step(Load& load, std::size_t budget) {
  const auto found = spans_.find(load.span_);
  if (found == spans_.end()) {
    load.finish();
    return true;
  }
  Span& span = found->second;
  ONCE_TRY(flush(found->first, span));
  std::vector<std::byte> bytes(std::min<std::uint64_t>(budget, span.written - load.read_) *
                               kEntrySize);
  if (!bytes.empty()) {
    auto file = disk_.open(path(found->first), os::OpenMode::kRead);
    if (!file) return fail(std::move(file.error()));
    auto got = (*file)->read_at(load.read_ * kEntrySize, bytes);
    if (!got) return fail(std::move(got.error()));
    if (*got != bytes.size()) return fail(Errc::kCorrupt, path(found->first) + " became shorter");
  }
  for (std::size_t at = 0; at < bytes.size(); at += kEntrySize) {
    const std::byte* from = bytes.data() + at;
    if (load_be<std::uint32_t>(from + kCheckedSize) != crc32(Bytes(from, kCheckedSize)))
      return fail(Errc::kCorrupt, path(found->first) + " has a broken entry");
    load.offer({{load.span_ + load_be<std::uint32_t>(from), load_be<std::int64_t>(from + 4)},
                load_be<std::int64_t>(from + 12)});
  }
  load.read_ += bytes.size() / kEntrySize;
  if (load.read_ < span.written) return false;
  load.finish();
  return true;
}

}  // namespace oncemq::store
