#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "os/disk.h"

namespace oncemq::os {

class MemoryDisk;

enum class DiskCall : std::uint8_t {
  kOpen,
  kWrite,
  kRead,  // read_at, map, and prefault of a mapping
  kSync,
  kAllocate,
  kTruncate,
  kRename,  // by the new path
  kRemove,
  kList,
  kStat,
  kMakeDirs,
  kSyncDir,
  kLock,
};

struct DiskFault {
  DiskCall call = DiskCall::kWrite;
  std::string path_end;     // matches paths that end like this; empty = all
  std::uint64_t nth = 1;    // the first call that fails, counted over matching calls from now on
  std::uint64_t times = 1;  // how many fail in a row; kForever
  Errc error = Errc::kIo;   // kIo | kNoSpace
  std::size_t written = 0;  // kWrite: bytes that get through before the error

  static constexpr std::uint64_t kForever = ~std::uint64_t{0};
};

// Fails chosen calls of the disk below and hands on everything else. After a failed sync of a
// MemoryDisk the unsynced bytes of that file are as on Linux: clean, readable, and not on the disk.
// Thread rule: monitor.
class FailingDisk final : public Disk {
 public:
  explicit FailingDisk(Disk& below) : FailingDisk(below, false) {}
  explicit FailingDisk(MemoryDisk& below);
  ~FailingDisk() override;

  void inject(DiskFault fault);
  // What was injected happens no more; also what it broke is whole again, but lost bytes stay lost.
  void heal();
  // Matching calls so far, failed ones included.
  std::uint64_t calls(DiskCall call) const;
  // Faults that happened.
  std::uint64_t failed() const;

  Result<std::unique_ptr<File>> open(std::string_view path, OpenMode mode) override;
  Status rename(std::string_view from, std::string_view to) override;
  Status remove(std::string_view path) override;
  Status remove_tree(std::string_view path) override;
  Status make_dirs(std::string_view path) override;
  Result<std::vector<DirEntry>> list(std::string_view path) override;
  Result<DirEntry> stat(std::string_view path) override;
  Status sync_dir(std::string_view path) override;
  Status sync_all(std::string_view path) override;
  std::string session() const override;
  Result<DiskSpace> space(std::string_view path) override;
  Result<std::unique_ptr<FileLock>> lock(std::string_view path, std::string_view text) override;

 private:
  struct Faults;
  friend class FailingFile;
  friend class FailingMapping;
  FailingDisk(Disk& below, bool loses_bytes);

  Disk& below_;
  const bool loses_bytes_;          // below is a MemoryDisk
  std::shared_ptr<Faults> faults_;  // shared: files and mappings outlive the disk in tests
};

}  // namespace oncemq::os
