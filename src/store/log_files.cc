#include "store/log_files.h"

#include <algorithm>

#include "base/check.h"

namespace oncemq::store {

Result<std::unique_ptr<LogFiles>> LogFiles::load(os::Disk& disk, const Layout& layout,
                                                 std::uint64_t file_size, bool repair_last) {
  std::unique_ptr<LogFiles> files(new LogFiles(disk, layout, file_size));
  ONCE_TRY(disk.make_dirs(layout.log_dir()));
  ONCE_TRY(disk.make_dirs(layout.own_dir()));
  if (auto left = disk.remove(layout.next_log_file());
      !left && left.error().code != Errc::kNotFound)
    return fail(std::move(left.error()));

  // A name that the former process gave may be in the kernel only; what is written behind it from
  // now on would be lost with it.
  if (repair_last) ONCE_TRY(disk.sync_dir(layout.log_dir()));
  auto found = list(disk, layout);
  if (!found) return fail(std::move(found.error()));
  if (!found->empty() && found->back().size == 0) {
    ONCE_TRY(disk.remove(layout.log_dir() + "/" + found->back().name));
    ONCE_TRY(disk.sync_dir(layout.log_dir()));
    found->pop_back();
  }
  if (repair_last && !found->empty() && found->back().size < file_size) {
    const std::string path = layout.log_dir() + "/" + found->back().name;
    auto file = disk.open(path, os::OpenMode::kReadWrite);
    if (!file) return fail(std::move(file.error()));
    ONCE_TRY((*file)->allocate(file_size));
    ONCE_TRY((*file)->sync_data());
    found->back().size = file_size;
  }
  ONCE_TRY(files->open_all(*found));
  return files;
}

Result<std::unique_ptr<LogFiles>> LogFiles::view(os::Disk& disk, const Layout& layout) {
  auto found = list(disk, layout);
  if (!found) return fail(std::move(found.error()));
  if (found->empty()) return fail(Errc::kNotFound, layout.log_dir() + " holds no log file");
  std::unique_ptr<LogFiles> files(new LogFiles(disk, layout, found->front().size));
  ONCE_TRY(files->open_all(*found));
  return files;
}

Result<std::vector<os::DirEntry>> LogFiles::list(os::Disk& disk, const Layout& layout) {
  auto entries = disk.list(layout.log_dir());
  if (!entries) return fail(std::move(entries.error()));
  std::erase_if(*entries, [](const os::DirEntry& entry) {
    return entry.is_directory || !parse_file_name(entry.name);
  });
  return entries;
}

Status LogFiles::open_all(const std::vector<os::DirEntry>& found) {
  std::vector<std::shared_ptr<LogFile>> opened;
  for (const os::DirEntry& entry : found) {
    const LogOffset start{*parse_file_name(entry.name)};
    const std::string path = layout_.log_dir() + "/" + entry.name;
    if (!opened.empty() && opened.back()->end() != start)
      return fail(Errc::kCorrupt, "commit log has a gap: " + opened.back()->path() +
                                      " is not followed by " +
                                      file_name(opened.back()->end().value));
    if (entry.size != file_size_ || file_size_ == 0)
      return fail(Errc::kCorrupt, path + " has " + std::to_string(entry.size) +
                                      " bytes, but mappedFileSizeCommitLog is " +
                                      std::to_string(file_size_));
    auto file = LogFile::open(disk_, path, start);
    if (!file) return fail(std::move(file.error()));
    opened.push_back(std::move(*file));
  }
  if (!opened.empty()) min_offset_ = opened.front()->start().value;
  WriteLock lock(mutex_);
  files_ = std::move(opened);
  return {};
}

bool LogFiles::empty() const {
  ReadLock lock(mutex_);
  return files_.empty();
}

LogOffset LogFiles::start_of(LogOffset offset) const {
  // Files of an Apache folder may begin anywhere, but lie one behind the other.
  const std::int64_t base = min_offset().value;
  const auto size = static_cast<std::int64_t>(file_size_);
  return {base + (offset.value - base) / size * size};
}

std::shared_ptr<LogFile> LogFiles::find(LogOffset offset) const {
  ReadLock lock(mutex_);
  if (files_.empty() || offset < files_.front()->start()) return nullptr;
  const auto index = static_cast<std::size_t>((offset - files_.front()->start()) /
                                              static_cast<std::int64_t>(file_size_));
  return index < files_.size() ? files_[index] : nullptr;
}

std::vector<std::shared_ptr<LogFile>> LogFiles::all() const {
  ReadLock lock(mutex_);
  return files_;
}

void LogFiles::cool(LogOffset head) {
  const LogOffset offset = head + -kWarmBytes;
  for (const std::shared_ptr<LogFile>& file : all()) {
    if (file->start() >= offset) return;
    file->release_below(offset);
  }
}

Result<std::shared_ptr<LogFile>> LogFiles::create(LogOffset offset) {
  if (auto file = find(offset)) return file;
  MutexLock role(make_mutex_);
  if (auto file = find(offset)) return file;
  return make(start_of(offset));
}

Status LogFiles::prepare_next(LogOffset head) {
  const LogOffset next = start_of(head) + static_cast<std::int64_t>(file_size_);
  if (find(next)) return {};
  MutexLock role(make_mutex_);
  if (find(next) || !find(head)) return {};
  auto made = make(next);
  if (!made) return fail(std::move(made.error()));
  return {};
}

Result<std::shared_ptr<LogFile>> LogFiles::make(LogOffset start) {
  // Under its own name the file has its full size from the first moment, whatever happens when.
  const std::string path = path_of(start);
  {
    auto file = disk_.open(layout_.next_log_file(), os::OpenMode::kCreate);
    if (!file) return fail(std::move(file.error()));
    if (auto done = (*file)->allocate(file_size_); !done) {
      file->reset();
      (void)disk_.remove(layout_.next_log_file());  // give back what it holds of a full disk
      return fail(std::move(done.error()));
    }
    ONCE_TRY((*file)->sync_data());
  }
  ONCE_TRY(disk_.rename(layout_.next_log_file(), path));
  ONCE_TRY(disk_.sync_dir(layout_.log_dir()));
  auto file = LogFile::open(disk_, path, start);
  if (!file) return fail(std::move(file.error()));
  insert(*file);
  return file;
}

void LogFiles::insert(std::shared_ptr<LogFile> file) {
  WriteLock lock(mutex_);
  ONCE_CHECK(files_.empty() || files_.back()->end() == file->start(), "log files without a gap");
  if (files_.empty()) min_offset_ = file->start().value;
  files_.push_back(std::move(file));
}

Status LogFiles::remove_before(LogOffset offset) {
  std::vector<std::shared_ptr<LogFile>> removed;
  {
    WriteLock lock(mutex_);
    while (files_.size() > 1 && files_.front()->start() < offset) {
      removed.push_back(files_.front());
      files_.erase(files_.begin());
    }
    if (!files_.empty()) min_offset_ = files_.front()->start().value;
  }
  for (const auto& file : removed) ONCE_TRY(disk_.remove(file->path()));
  return removed.empty() ? Status{} : disk_.sync_dir(layout_.log_dir());
}

Status LogFiles::remove_behind(LogOffset end) {
  // Backwards, so that a crash in between leaves no gap.
  for (;;) {
    std::shared_ptr<LogFile> last;
    {
      WriteLock lock(mutex_);
      if (files_.size() <= 1 || files_.back()->start() <= end) break;
      last = files_.back();
      files_.pop_back();
    }
    ONCE_TRY(disk_.remove(last->path()));
    ONCE_TRY(disk_.sync_dir(layout_.log_dir()));
  }
  return {};
}

Status LogFiles::zero_behind(LogOffset end) {
  std::shared_ptr<LogFile> file = find(end);
  if (!file) return {};
  // Cutting and reserving again gives back every block behind `end`, at no cost per byte. The
  // mapping stays: it covers the file, not its blocks.
  ONCE_TRY(file->file().truncate(static_cast<std::uint64_t>(end - file->start())));
  ONCE_TRY(file->file().allocate(file_size_));
  return file->file().sync_data();
}

}  // namespace oncemq::store
