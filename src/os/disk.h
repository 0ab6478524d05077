#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace oncemq::os {

// Read-only view of a whole file that stays valid, also after the file was removed, while the
// object lives. Bytes that are written through the File become visible in it. Thread rule:
// immutable (the bytes change only by writes).
class Mapping {
 public:
  virtual ~Mapping() = default;
  virtual Bytes bytes() const = 0;
  // Brings [offset, offset + size), which lies inside, into memory so that touching it cannot fault
  // on a bad sector. kIo when it cannot be read.
  virtual Status prefault(std::uint64_t offset, std::size_t size) const = 0;
  // Pages that lie wholly in the range no longer count for this process; the kernel may keep them
  // in its cache, and touching them again brings them back. Any thread, at any time.
  virtual void release(std::uint64_t offset, std::size_t size) const = 0;
};

// An open file. Writes go to the kernel (*flushed*) and survive the death of this process; they
// survive the death of the machine only when sync_data() returned OK (*durable*). Thread rule:
// external, but read_at, write_at to disjoint ranges, and sync_data may run at the same time.
class File {
 public:
  virtual ~File() = default;
  // All of `bytes` or an error. After an error any part of the range may have been written.
  // kNoSpace | kIo.
  virtual Status write_at(std::uint64_t offset, Bytes bytes) = 0;
  // The same for several pieces, one behind the other.
  virtual Status write_at(std::uint64_t offset, std::span<const Bytes> pieces) = 0;
  // Bytes read; fewer than asked only at the end of the file. kIo.
  virtual Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) = 0;
  // Begins to write what was written here to the disk, and promises nothing: a sync_all() that
  // follows later has less to wait for. Errors show in the sync.
  virtual void start_sync() = 0;
  // fdatasync. After an error the unsynced bytes must be taken for lost, whatever a later read or
  // sync says. kIo | kNoSpace.
  virtual Status sync_data() = 0;
  // Reserves real blocks for [0, size) and grows the file to that size; new bytes read as zero.
  // kNoSpace | kIo.
  virtual Status allocate(std::uint64_t size) = 0;
  // Sets the size without blocks (sparse) or cuts. Nobody may touch a mapping behind the new end.
  // kNoSpace | kIo.
  virtual Status truncate(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() = 0;
  virtual Result<std::shared_ptr<const Mapping>>
  map() = 0;  // shared: replies in flight keep it after deletion
};

enum class OpenMode : std::uint8_t {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // created empty when missing
  kCreateNew,  // must not exist
};

struct DirEntry {
  std::string name;
  bool is_directory = false;
  std::uint64_t size = 0;        // 0 for directories
  std::int64_t modified_ms = 0;  // ms since epoch; list() may leave it out for directories
};

struct DiskSpace {
  std::uint64_t total = 0;  // bytes of the partition
  std::uint64_t free = 0;   // bytes that this process may still take
};

// Held until destruction.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Everything below this interface is the kernel's file system, or a stand-in for it. Paths are
// UTF-8, '/' separated. Changes to directories (create, rename, remove) are durable only after
// sync_dir on the parent. Thread rule: monitor.
class Disk {
 public:
  virtual ~Disk() = default;
  // kNotFound | kInUse (kCreateNew and it exists) | kNoSpace | kIo.
  virtual Result<std::unique_ptr<File>> open(std::string_view path, OpenMode mode) = 0;
  virtual Status rename(std::string_view from, std::string_view to) = 0;  // replaces `to`
  virtual Status remove(
      std::string_view path) = 0;  // file or empty directory; kNotFound, kInUse when not empty
  virtual Status remove_tree(std::string_view path) = 0;  // OK when missing
  virtual Status make_dirs(std::string_view path) = 0;    // with parents; OK when present
  virtual Result<std::vector<DirEntry>> list(
      std::string_view path) = 0;                            // sorted by name; kNotFound
  virtual Result<DirEntry> stat(std::string_view path) = 0;  // kNotFound
  virtual Status sync_dir(std::string_view path) = 0;
  // Everything written so far on the file system of `path`, names included, becomes durable: one
  // call in place of thousands. kIo | kNoSpace.
  virtual Status sync_all(std::string_view path) = 0;
  // Names the time since the machine started. While it is the same, what earlier processes wrote
  // is there even if it was never synced (save for what a failed sync lost).
  virtual std::string session() const = 0;
  virtual Result<DiskSpace> space(std::string_view path) = 0;
  // Exclusive lock on byte 0 of the file (created when missing), `text` becomes its content. kInUse
  // when another process or another holder in this process has it; the message then carries the
  // content found (the holder's pid).
  virtual Result<std::unique_ptr<FileLock>> lock(std::string_view path, std::string_view text) = 0;
};

}  // namespace oncemq::os
