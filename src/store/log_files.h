#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "os/disk.h"
#include "store/layout.h"
#include "store/log_file.h"

namespace oncemq::store {

// The files of the commit log, without a gap, oldest first. The newest may be one that no record
// has reached yet. Thread rule: monitor; create() is called by one thread at a time (writer role),
// prepare_next() and remove_oldest() by one thread at a time each.
class LogFiles {
 public:
  // Opens what is there. `repair_last`: the last file may be short (an interrupted recovery) and is
  // brought to full size. kCorrupt: a gap, or a file of another size. An empty last file is
  // removed.
  static Result<std::unique_ptr<LogFiles>> load(os::Disk& disk, const Layout& layout,
                                                std::uint64_t file_size, bool repair_last);

  // Opens what is there and changes nothing; the size is that of the first file. kNotFound: no
  // file.
  static Result<std::unique_ptr<LogFiles>> view(os::Disk& disk, const Layout& layout);

  std::uint64_t file_size() const { return file_size_; }
  bool empty() const;
  // Start of the oldest file; where the log would begin when there is none.
  LogOffset min_offset() const { return {min_offset_.load(std::memory_order_acquire)}; }
  // Start of the file that `offset` lies in, whether it exists or not.
  LogOffset start_of(LogOffset offset) const;
  // Null when there is no such file (any more).
  std::shared_ptr<LogFile> find(LogOffset offset) const;
  std::vector<std::shared_ptr<LogFile>> all() const;

  // The file of `offset`, which is made when it is the next one. kNoSpace | kIo.
  Result<std::shared_ptr<LogFile>> create(LogOffset offset);
  // Makes the file behind the one of `head` ready, so that nobody waits for it. kNoSpace | kIo.
  Status prepare_next(LogOffset head);

  // Mapped pages that readers brought in no longer count for this process, except the last
  // kWarmBytes in front of `head`, where the next readers will be; see LogFile::release_below.
  void cool(LogOffset head);
  static constexpr std::int64_t kWarmBytes = 8 << 20;

  // Removes files from the front; `offset` becomes the first start that stays. The last file always
  // stays. Mappings in use stay readable.
  Status remove_before(LogOffset offset);
  // Removes files from the back so that the one of `end` is the last (recovery only).
  Status remove_behind(LogOffset end);
  // Bytes of [end, end of its file) become zero, durably (recovery only).
  Status zero_behind(LogOffset end);

 private:
  LogFiles(os::Disk& disk, Layout layout, std::uint64_t file_size)
      : disk_(disk), layout_(std::move(layout)), file_size_(file_size) {}
  std::string path_of(LogOffset start) const {
    return layout_.log_dir() + "/" + file_name(start.value);
  }
  static Result<std::vector<os::DirEntry>> list(os::Disk& disk, const Layout& layout);
  Status open_all(const std::vector<os::DirEntry>& found);
  // Only one thread makes files at a time, by `make_mutex_`.
  Result<std::shared_ptr<LogFile>> make(LogOffset start);
  void insert(std::shared_ptr<LogFile> file);

  os::Disk& disk_;
  const Layout layout_;
  const std::uint64_t file_size_;
  std::atomic<std::int64_t> min_offset_{0};
  // A role rather than a lock: its holder makes a file on disk; only the writer role and the
  // flusher ask for it, nobody else waits.
  Mutex make_mutex_;
  mutable SharedMutex mutex_;
  std::vector<std::shared_ptr<LogFile>> files_ ONCE_GUARDED_BY(mutex_);  // shared with readers
};

}  // namespace oncemq::store
