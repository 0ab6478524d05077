#include "store/key_index.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

#include "model/properties.h"

namespace oncemq::store {

namespace {

constexpr std::size_t kNameSize = 17;  // yyyyMMddHHmmssSSS

bool is_index_name(std::string_view name) {
  return name.size() == kNameSize &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::int32_t index_hash(std::int32_t topic_hash, std::string_view key) {
  const std::int32_t hash = model::java_hash(key, topic_hash);
  return hash == std::numeric_limits<std::int32_t>::min() ? 0 : std::abs(hash);
}

}  // namespace

std::int32_t KeyIndex::hash(std::string_view topic, std::string_view key) {
  return index_hash(model::java_hash("#", model::java_hash(topic)), key);
}

Result<std::unique_ptr<KeyIndex>> KeyIndex::open(os::Disk& disk, os::Clock& clock,
                                                 const Layout& layout, IndexGeometry geometry,
                                                 bool clean) {
  std::unique_ptr<KeyIndex> index(new KeyIndex(disk, clock, layout, geometry));
  ONCE_TRY(disk.make_dirs(layout.index_dir()));
  if (!clean) ONCE_TRY(disk.sync_dir(layout.index_dir()));
  auto entries = disk.list(layout.index_dir());
  if (!entries) return fail(std::move(entries.error()));
  MutexLock lock(index->mutex_);
  for (const os::DirEntry& entry : *entries) {
    if (entry.is_directory || !is_index_name(entry.name)) continue;
    const std::string path = layout.index_dir() + "/" + entry.name;
    if (entry.size == 0) {  // made and not sized before a crash
      ONCE_TRY(disk.remove(path));
      continue;
    }
    auto file = IndexFile::open(disk, path, geometry);
    if (!file) return fail(std::move(file.error()));
    index->files_.push_back(std::move(*file));
  }
  if (!clean && !index->files_.empty()) index->files_.back()->distrust_slots();
  return index;
}

Status KeyIndex::recover(LogOffset end) {
  MutexLock lock(mutex_);
  while (!files_.empty()) {
    IndexFile& last = *files_.back();
    ONCE_TRY(last.trim(end));
    if (last.header().next > 1) break;
    ONCE_TRY(disk_.remove(last.path()));
    files_.pop_back();
    ONCE_TRY(disk_.sync_dir(layout_.index_dir()));
  }
  return {};
}

LogOffset KeyIndex::end_offset() const {
  MutexLock lock(mutex_);
  if (files_.empty() || files_.back()->header().next == 1) return {-1};
  return {files_.back()->header().end_offset};
}

std::uint64_t KeyIndex::entries() const {
  MutexLock lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& file : files_) sum += static_cast<std::uint64_t>(file->header().next - 1);
  return sum;
}

std::string KeyIndex::new_name() const {
  const os::Clock::Local t = clock_.local(clock_.wall_ms());
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d%02d%02d%02d%02d%02d%03d", t.year, t.month, t.day,
                t.hour, t.minute, t.second, t.millisecond);
  std::string name(text.data());
  if (!files_.empty()) {
    // The order of names is the order of files, also when the clock was set back.
    const std::string last = files_.back()->path().substr(layout_.index_dir().size() + 1);
    if (name <= last) {
      std::int64_t number = 0;
      std::from_chars(last.data(), last.data() + last.size(), number);
      name = std::to_string(number + 1);
      name.insert(0, kNameSize - std::min(kNameSize, name.size()), '0');
    }
  }
  return name;
}

Status KeyIndex::roll() {
  if (!files_.empty()) {
    ONCE_TRY(files_.back()->finish());
    durable_timestamp_ = files_.back()->header().end_ms;
  }
  auto file = IndexFile::create(disk_, layout_.index_dir() + "/" + new_name(), geometry_);
  if (!file) return fail(std::move(file.error()));
  files_.push_back(std::move(*file));
  return disk_.sync_dir(layout_.index_dir());
}

Status KeyIndex::add(const model::RecordView& record) {
  if (record.transaction_type() == model::sysflag::kTransactionRollback) return {};
  MutexLock lock(mutex_);
  hashes_.clear();
  const std::int32_t topic_hash = model::java_hash("#", model::java_hash(record.topic));
  model::PropertyCursor cursor(record.properties);
  std::string_view name;
  std::string_view value;
  std::string_view keys;
  bool unique_found = false;
  while (cursor.next(name, value)) {
    if (name == model::property::kUniqueKey && !unique_found) {
      unique_found = true;
      if (!value.empty()) hashes_.insert(hashes_.begin(), index_hash(topic_hash, value));
    } else if (name == model::property::kKeys && keys.empty()) {
      keys = value;
    }
  }
  while (!keys.empty()) {
    const std::size_t end = std::min(keys.find(' '), keys.size());
    if (end > 0) hashes_.push_back(index_hash(topic_hash, keys.substr(0, end)));
    keys.remove_prefix(std::min(end + 1, keys.size()));
  }
  if (hashes_.empty()) return {};
  if (!files_.empty() && files_.back()->header().next > 1 &&
      record.log_offset.value <= files_.back()->header().end_offset)
    return {};  // indexed before the restart
  if (files_.empty() || (files_.back()->header().next > 1 && files_.back()->full(hashes_.size())))
    ONCE_TRY(roll());
  for (std::int32_t key : hashes_) {
    if (files_.back()->full(1)) break;  // more keys than a file has entries
    ONCE_TRY(files_.back()->add(key, record.log_offset, record.store_timestamp));
  }
  memory_bytes_.store(files_.back()->memory_bytes(), std::memory_order_relaxed);
  return {};
}

Status KeyIndex::write_out() {
  MutexLock lock(mutex_);
  return files_.empty() ? Status{} : files_.back()->write_entries();
}

Status KeyIndex::checkpoint() {
  MutexLock lock(mutex_);
  return files_.empty() ? Status{} : files_.back()->checkpoint();
}

Status KeyIndex::finish() {
  MutexLock lock(mutex_);
  if (files_.empty()) return {};
  ONCE_TRY(files_.back()->finish());
  durable_timestamp_ = files_.back()->header().end_ms;
  return {};
}

std::int64_t KeyIndex::durable_timestamp() const {
  MutexLock lock(mutex_);
  return durable_timestamp_;
}

void KeyIndex::find_in(IndexFile& file, std::int32_t hash, std::size_t max, std::int64_t begin_ms,
                       std::int64_t end_ms, std::vector<LogOffset>& found) {
  const IndexHeader& header = file.header();
  auto index = file.read_slot(hash);
  std::int32_t at = index ? *index : 0;
  // Chains lead to ever older entries; anything else is damage and ends the walk.
  std::int32_t bound = header.next;
  while (at > 0 && at < bound && found.size() < max) {
    const auto entry = file.read_entry(at);
    if (!entry) return;
    const std::int64_t time = header.begin_ms + std::int64_t{entry->seconds} * 1000;
    // The entry's time is cut to seconds: a record may be up to 999 ms younger.
    if (time + 999 < begin_ms) return;
    if (entry->hash == hash && time <= end_ms) found.push_back({entry->log_offset});
    bound = at;
    at = entry->previous;
  }
}

std::vector<LogOffset> KeyIndex::find(std::string_view topic, std::string_view key, std::size_t max,
                                      std::int64_t begin_ms, std::int64_t end_ms) {
  std::vector<LogOffset> found;
  const std::int32_t wanted = hash(topic, key);
  MutexLock lock(mutex_);
  for (auto file = files_.rbegin(); file != files_.rend() && found.size() < max; ++file) {
    const IndexHeader& header = (*file)->header();
    if (header.next == 1) continue;
    if (header.begin_ms <= end_ms && header.end_ms >= begin_ms)
      find_in(**file, wanted, max, begin_ms, end_ms, found);
    if (header.begin_ms < begin_ms) break;
  }
  return found;
}

Status KeyIndex::clear() {
  MutexLock lock(mutex_);
  while (!files_.empty()) {
    ONCE_TRY(disk_.remove(files_.back()->path()));
    files_.pop_back();
  }
  memory_bytes_.store(0, std::memory_order_relaxed);
  return disk_.sync_dir(layout_.index_dir());
}

Status KeyIndex::remove_below(LogOffset min) {
  MutexLock lock(mutex_);
  bool removed = false;
  while (files_.size() > 1 && files_.front()->header().end_offset < min.value) {
    ONCE_TRY(disk_.remove(files_.front()->path()));
    files_.erase(files_.begin());
    removed = true;
  }
  return removed ? disk_.sync_dir(layout_.index_dir()) : Status{};
}

}  // namespace oncemq::store
