#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "os/clock.h"
#include "os/disk.h"
#include "os/random.h"

namespace oncemq::os {

// What the next process finds after a crash.
enum class Crash : std::uint8_t {
  kProcess,       // only the process died: everything written is there, but still not durable
  kDropUnsynced,  // the machine died: only what was synced is there
  kKeepUnsynced,  // the machine died, but the kernel had happened to write everything
  kRandom,        // the machine died: any part of the unsynced is there, in pieces of a sector
};

// What a changing operation did, for the observer.
struct DiskOperation {
  enum class Kind : std::uint8_t {
    kCreate,
    kWrite,
    kSync,
    kAllocate,
    kTruncate,
    kRename,
    kRemove,
    kMakeDir,
    kSyncDir,
  };
  std::uint64_t number = 0;  // of this disk, from 1
  Kind kind = Kind::kWrite;
  std::string path;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;

  std::string to_string() const;  // "#12 write store/commitlog/0 [0, 91)"
};

// A file system in memory that knows what is durable: writes and sizes after sync_data(), names
// after sync_dir() on their folder (names survive in the order in which they were changed, as a
// journal keeps them). Mappings stay valid and see later writes. Thread rule: monitor.
class MemoryDisk final : public Disk {
 public:
  static constexpr std::uint64_t kUnlimited = 1ULL << 50;
  static constexpr std::size_t kSector = 512;

  // `clock` gives modification times (0 without one) and must outlive the disk. `capacity`: bytes
  // of written or reserved blocks; holes behind the last write are free.
  explicit MemoryDisk(const Clock* clock = nullptr, std::uint64_t capacity = kUnlimited);
  ~MemoryDisk() override;
  MemoryDisk(const MemoryDisk&) = delete;
  MemoryDisk& operator=(const MemoryDisk&) = delete;

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

  // The disk as the next process finds it if the crash happens now. This disk goes on unharmed.
  // `chance` decides for kRandom and may be null otherwise.
  std::unique_ptr<MemoryDisk> crash(Crash kind, Random* chance = nullptr) const;

  // Called after each changing operation, on its thread, with no lock held; set before threads use
  // the disk. A test takes crash images here, one per operation.
  void observe(std::function<void(const DiskOperation&)> observer);
  std::uint64_t operations() const;

  void set_capacity(std::uint64_t bytes);
  // The unsynced bytes of the file become what Linux makes of them after a failed sync: still
  // readable, taken for clean by the next sync, and not on the disk.
  // `file` was opened on a memory disk.
  static void lose_unsynced(File& file);
  // Damages a byte, on the disk and in memory. False when the file has no such byte.
  bool corrupt(std::string_view path, std::uint64_t offset, std::byte flip);
  // Paths of all files, sorted.
  std::vector<std::string> files() const;

 private:
  struct State;
  friend class MemoryFile;
  explicit MemoryDisk(std::shared_ptr<State> state);
  // Shared: open files and locks keep it after the disk is gone.
  std::shared_ptr<State> state_;
};

}  // namespace oncemq::os
