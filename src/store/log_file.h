#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "model/offsets.h"
#include "os/disk.h"

namespace oncemq::store {

using model::LogOffset;

// One file of the commit log, of full size from its first moment. Written through the descriptor,
// read through the mapping. Thread rule: monitor.
class LogFile {
 public:
  // Opens and maps an existing file.
  static Result<std::shared_ptr<LogFile>> open(os::Disk& disk, std::string path, LogOffset start);

  LogOffset start() const { return start_; }
  LogOffset end() const { return start_ + static_cast<std::int64_t>(size_); }
  std::uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  os::File& file() { return *file_; }
  const std::shared_ptr<const os::Mapping>& mapping() const { return mapping_; }

  bool contains(LogOffset offset) const { return offset >= start_ && offset < end(); }
  // Mapped bytes from `offset` to the end of the file.
  Bytes bytes_from(LogOffset offset) const {
    if (!touched_.load(std::memory_order_relaxed)) touched_.store(true, std::memory_order_relaxed);
    return mapping_->bytes().subspan(static_cast<std::size_t>(offset - start_));
  }

  // Mapped pages below `offset` are given back to the kernel's cache, if any were touched since the
  // last time. A reader that is still at them brings them back.
  void release_below(LogOffset offset);

  // Whether the record that begins at `offset` has passed its CRC since the file was opened. One
  // bit per 64 bytes, as no record is shorter; regions of bits are made when first needed: at most
  // size / 512 bytes.
  bool verified(LogOffset offset) const;
  void set_verified(LogOffset offset);

 private:
  static constexpr std::size_t kCell = 64;          // bytes of log per bit
  static constexpr std::size_t kRegion = 1U << 20;  // bytes of log per bit map
  static constexpr std::size_t kWords = kRegion / kCell / 64;
  using BitMap = std::array<std::atomic<std::uint64_t>, kWords>;

  LogFile(std::string path, LogOffset start, std::uint64_t size, std::unique_ptr<os::File> file,
          std::shared_ptr<const os::Mapping> mapping);

  const std::string path_;
  const LogOffset start_;
  const std::uint64_t size_;
  const std::unique_ptr<os::File> file_;
  const std::shared_ptr<const os::Mapping> mapping_;  // shared: replies keep it after deletion

  mutable std::atomic<bool> touched_{false};  // since the last release of the whole file

  const std::size_t region_count_;
  std::unique_ptr<std::atomic<BitMap*>[]> regions_;

 public:
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
};

}  // namespace oncemq::store
