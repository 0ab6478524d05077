#include "store/queue_files.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/log.h"

namespace oncemq::store {

void store_entry(std::byte* to, const QueueEntry& entry) {
  store_be<std::int64_t>(to, entry.log_offset.value);
  store_be<std::int32_t>(to + 8, entry.size);
  store_be<std::int64_t>(to + 12, entry.tags_code);
}

QueueEntry load_entry(const std::byte* from) {
  return {.log_offset = {load_be<std::int64_t>(from)},
          .size = load_be<std::int32_t>(from + 8),
          .tags_code = load_be<std::int64_t>(from + 12)};
}

std::string QueueFiles::folder(const ConsumeQueue& queue) const {
  return layout_.queue_dir() + "/" + queue.topic() + "/" + std::to_string(queue.queue_id());
}

QueueFiles::Key QueueFiles::key_of(const ConsumeQueue& queue, QueueOffset offset) const {
  const auto size = static_cast<std::int64_t>(file_size_);
  return {&queue, offset.value * static_cast<std::int64_t>(kEntrySize) / size * size};
}

Result<std::shared_ptr<os::File>> QueueFiles::open(const Key& key) {
  {
    MutexLock lock(mutex_);
    if (auto at = open_.find(key); at != open_.end()) {
      recent_.splice(recent_.begin(), recent_, at->second);
      return at->second->file;
    }
  }
  const std::string path = folder(*key.queue) + "/" + file_name(key.start);
  auto opened = disk_.open(path, os::OpenMode::kReadWrite);
  if (!opened && opened.error().code == Errc::kNotFound) return std::shared_ptr<os::File>();
  if (!opened) return fail(std::move(opened.error()));
  std::shared_ptr<os::File> file = std::move(*opened);
  remember(key, file);
  return file;
}

Result<std::shared_ptr<os::File>> QueueFiles::make_file(const Key& key) {
  const std::string path = folder(*key.queue);
  ONCE_TRY(disk_.make_dirs(path));
  auto opened = disk_.open(path + "/" + file_name(key.start), os::OpenMode::kCreate);
  if (!opened) return fail(std::move(opened.error()));
  ONCE_TRY((*opened)->truncate(file_size_));
  dirty_folders_.insert(layout_.queue_dir());
  dirty_folders_.insert(layout_.queue_dir() + "/" + key.queue->topic());
  dirty_folders_.insert(path);
  std::shared_ptr<os::File> file = std::move(*opened);
  remember(key, file);
  return file;
}

void QueueFiles::remember(const Key& key, const std::shared_ptr<os::File>& file) {
  MutexLock lock(mutex_);
  if (open_.contains(key)) return;
  recent_.push_front({key, file});
  open_[key] = recent_.begin();
  if (recent_.size() > kMaxOpen) {
    open_.erase(recent_.back().key);
    recent_.pop_back();
  }
}

void QueueFiles::forget(const ConsumeQueue* queue, const std::string* topic) {
  MutexLock lock(mutex_);
  for (auto at = recent_.begin(); at != recent_.end();) {
    const bool hit = queue != nullptr ? at->key.queue == queue : at->key.queue->topic() == *topic;
    if (hit) {
      open_.erase(at->key);
      at = recent_.erase(at);
    } else {
      ++at;
    }
  }
}

bool QueueFiles::report_lost(const ConsumeQueue& queue) {
  {
    MutexLock lock(mutex_);
    if (repaired_.contains(&queue)) return false;
    if (std::find(lost_.begin(), lost_.end(), &queue) != lost_.end()) return true;
    lost_.push_back(&queue);
  }
  log::error("store", "consume queue {}/{} lacks entries that were written; they are made again",
             queue.topic(), queue.queue_id());
  return true;
}

const ConsumeQueue* QueueFiles::lost() {
  MutexLock lock(mutex_);
  return lost_.empty() ? nullptr : lost_.front();
}

void QueueFiles::repaired(const ConsumeQueue& queue) {
  MutexLock lock(mutex_);
  std::erase(lost_, &queue);
  repaired_.insert(&queue);
}

Result<std::size_t> QueueFiles::read(const ConsumeQueue& queue, QueueOffset from,
                                     std::span<QueueEntry> into) {
  const Key key = key_of(queue, from);
  auto file = open(key);
  if (!file) return fail(std::move(file.error()));
  if (*file == nullptr) return std::size_t{0};
  const auto at =
      static_cast<std::uint64_t>(from.value * static_cast<std::int64_t>(kEntrySize) - key.start);
  std::size_t done = 0;
  while (done < into.size()) {
    std::array<std::byte, 128 * kEntrySize> bytes;
    const std::size_t want = std::min(into.size() - done, bytes.size() / kEntrySize);
    auto got =
        (*file)->read_at(at + done * kEntrySize, MutableBytes(bytes.data(), want * kEntrySize));
    if (!got) return fail(std::move(got.error()));
    const std::size_t entries = *got / kEntrySize;
    for (std::size_t i = 0; i < entries; ++i)
      into[done + i] = load_entry(bytes.data() + i * kEntrySize);
    done += entries;
    if (entries < want) break;
  }
  return done;
}

Status QueueFiles::write(const ConsumeQueue& queue, QueueOffset from,
                         std::span<const QueueEntry> entries, bool first) {
  while (!entries.empty()) {
    const Key key = key_of(queue, from);
    const auto at =
        static_cast<std::uint64_t>(from.value * static_cast<std::int64_t>(kEntrySize) - key.start);
    const std::size_t room = static_cast<std::size_t>(file_size_ - at) / kEntrySize;
    const std::span<const QueueEntry> part = entries.first(std::min(room, entries.size()));
    auto file = open(key);
    if (file && *file == nullptr) {
      // In the middle of a file that is not there: somebody removed it.
      if (at > 0 && !first) (void)report_lost(queue);
      file = make_file(key);
    }
    if (!file) return fail(std::move(file.error()));
    if (first && at > 0) ONCE_TRY(fill(**file, static_cast<std::size_t>(at)));
    first = false;
    buffer_.resize(part.size() * kEntrySize);
    for (std::size_t i = 0; i < part.size(); ++i)
      store_entry(buffer_.data() + i * kEntrySize, part[i]);
    dirty_.insert(key);
    ONCE_TRY((*file)->write_at(at, buffer_));
    entries = entries.subspan(part.size());
    from += static_cast<std::int64_t>(part.size());
  }
  return {};
}

Status QueueFiles::fill(os::File& file, std::size_t size) {
  std::vector<std::byte> filler(size);
  for (std::size_t at = 0; at + kEntrySize <= size; at += kEntrySize)
    store_entry(filler.data() + at, {.log_offset = {0}, .size = kFillerSize, .tags_code = 0});
  return file.write_at(0, filler);
}

Result<std::vector<QueueOffset>> QueueFiles::starts(const ConsumeQueue& queue) {
  auto entries = disk_.list(folder(queue));
  if (!entries) return fail(std::move(entries.error()));
  std::vector<QueueOffset> starts;
  for (const os::DirEntry& entry : *entries) {
    const auto start = parse_file_name(entry.name);
    if (entry.is_directory || !start || *start % static_cast<std::int64_t>(file_size_) != 0)
      continue;
    starts.push_back({*start / static_cast<std::int64_t>(kEntrySize)});
    if (starts.back().value > kMaxQueueOffset) starts.pop_back();
  }
  if (starts.empty()) return fail(Errc::kNotFound, "queue has no file");
  return starts;
}

Status QueueFiles::cut(const ConsumeQueue& queue, QueueOffset from) {
  forget(&queue, nullptr);
  auto entries = disk_.list(folder(queue));
  if (!entries) return entries.error().code == Errc::kNotFound ? Status{} : fail(entries.error());
  const std::int64_t cut_at = from.value * static_cast<std::int64_t>(kEntrySize);
  // Backwards, so that a crash in between leaves no gap.
  for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
    const auto start = parse_file_name(entry->name);
    if (entry->is_directory || !start) continue;
    if (*start + static_cast<std::int64_t>(file_size_) <= cut_at) break;
    const std::string path = folder(queue) + "/" + entry->name;
    if (*start >= cut_at) {
      ONCE_TRY(disk_.remove(path));
      ONCE_TRY(disk_.sync_dir(folder(queue)));
    } else {
      ONCE_TRY(cut_file(path, static_cast<std::uint64_t>(cut_at - *start)));
    }
  }
  return {};
}

Status QueueFiles::cut_file(const std::string& path, std::uint64_t from) {
  auto file = disk_.open(path, os::OpenMode::kReadWrite);
  if (!file) return fail(std::move(file.error()));
  ONCE_TRY((*file)->truncate(from));
  return (*file)->truncate(file_size_);
}

Result<std::size_t> QueueFiles::remove_below(const ConsumeQueue& queue, QueueOffset keep) {
  auto entries = disk_.list(folder(queue));
  if (!entries) {
    if (entries.error().code == Errc::kNotFound) return std::size_t{0};
    return fail(std::move(entries.error()));
  }
  std::size_t removed = 0;
  const Key kept = key_of(queue, keep);
  for (std::size_t i = 0; i + 1 < entries->size(); ++i) {  // never the last
    const auto start = parse_file_name((*entries)[i].name);
    if ((*entries)[i].is_directory || !start) continue;
    if (*start >= kept.start) break;
    ONCE_TRY(disk_.remove(folder(queue) + "/" + (*entries)[i].name));
    ++removed;
  }
  if (removed > 0) {
    forget(&queue, nullptr);
    ONCE_TRY(disk_.sync_dir(folder(queue)));
  }
  return removed;
}

Status QueueFiles::remove_topic(std::string_view topic) {
  const std::string name(topic);
  forget(nullptr, &name);
  std::erase_if(dirty_, [&](const Key& key) { return key.queue->topic() == name; });
  std::erase_if(syncing_, [&](const Key& key) { return key.queue->topic() == name; });
  const std::string path = layout_.queue_dir() + "/" + name;
  const auto inside = [&](const std::string& folder) {
    return folder == path || folder.starts_with(path + "/");
  };
  std::erase_if(dirty_folders_, inside);
  std::erase_if(syncing_folders_, inside);
  ONCE_TRY(disk_.remove_tree(path));
  auto parent = disk_.stat(layout_.queue_dir());
  return parent ? disk_.sync_dir(layout_.queue_dir()) : Status{};
}

Status QueueFiles::remove_all() {
  {
    MutexLock lock(mutex_);
    open_.clear();
    recent_.clear();
  }
  dirty_.clear();
  syncing_.clear();
  dirty_folders_.clear();
  syncing_folders_.clear();
  return disk_.remove_tree(layout_.queue_dir());
}

void QueueFiles::begin_sync() {
  syncing_all_ = all_dirty_ || dirty_.size() + dirty_folders_.size() > kSyncAll;
  all_dirty_ = false;
  begun_ = 0;
  syncing_.assign(dirty_.begin(), dirty_.end());
  dirty_.clear();
  syncing_folders_.assign(dirty_folders_.begin(), dirty_folders_.end());
  dirty_folders_.clear();
  // By name, not by address: a run on a seed does the same each time.
  std::sort(syncing_.begin(), syncing_.end(), [](const Key& a, const Key& b) {
    return std::forward_as_tuple(a.queue->topic(), a.queue->queue_id(), a.start) <
           std::forward_as_tuple(b.queue->topic(), b.queue->queue_id(), b.start);
  });
  std::sort(syncing_folders_.begin(), syncing_folders_.end());
}

Status QueueFiles::sync(const ConsumeQueue& queue) {
  for (const Key& key : dirty_) {
    if (key.queue != &queue) continue;
    auto file = open(key);
    if (!file) return fail(std::move(file.error()));
    if (*file) ONCE_TRY((*file)->sync_data());
  }
  std::erase_if(dirty_, [&](const Key& key) { return key.queue == &queue; });
  ONCE_TRY(disk_.sync_dir(folder(queue)));
  ONCE_TRY(disk_.sync_dir(layout_.queue_dir() + "/" + queue.topic()));
  return disk_.sync_dir(layout_.queue_dir());
}

std::size_t QueueFiles::unsynced() const {
  if (all_dirty_ || (syncing_all_ && syncing_.empty())) return SIZE_MAX;
  return dirty_.size() + dirty_folders_.size() + syncing_.size() + syncing_folders_.size();
}

Result<bool> QueueFiles::sync_some(std::size_t limit) {
  if (syncing_all_) {
    const std::size_t until = limit == SIZE_MAX ? begun_ : begun_ + limit * kStartFactor;
    for (; begun_ < std::min(until, syncing_.size()); ++begun_) {
      auto file = open(syncing_[begun_]);
      if (!file) return fail(std::move(file.error()));
      if (*file) (*file)->start_sync();
    }
    if (limit != SIZE_MAX && begun_ < syncing_.size()) return false;
    ONCE_TRY(disk_.sync_all(layout_.queue_dir()));
    syncing_all_ = false;
    syncing_.clear();
    syncing_folders_.clear();
  }
  for (; limit > 0 && !syncing_.empty(); --limit) {
    auto file = open(syncing_.back());
    if (!file) return fail(std::move(file.error()));
    if (*file) ONCE_TRY((*file)->sync_data());
    syncing_.pop_back();
  }
  for (; limit > 0 && !syncing_folders_.empty(); --limit) {
    ONCE_TRY(disk_.sync_dir(syncing_folders_.back()));
    syncing_folders_.pop_back();
  }
  return syncing_.empty() && syncing_folders_.empty();
}

}  // namespace oncemq::store
