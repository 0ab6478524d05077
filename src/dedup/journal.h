#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dedup/partition.h"
#include "os/disk.h"

namespace oncemq::dedup {

// The youngest keys on disk, so that a start need not read their messages: blocks of 56 bytes for
// each key, each with the log offset up to which everything is in this journal or in front of it.
// Thread rule: confined.
class Journal {
 public:
  // Begins an empty file. kNoSpace | kIo.
  static Result<std::unique_ptr<Journal>> create(os::Disk& disk, std::string_view path);
  // Goes on behind the last whole block of an existing file, which is cut there, after giving all
  // blocks to `visit`. kNotFound, kNoSpace, kIo.
  using Visit = std::function<Status(std::span<const PartitionEntry>, std::int64_t covered)>;
  static Result<std::unique_ptr<Journal>> open(os::Disk& disk, std::string_view path,
                                               const Visit& visit);

  // At most kBlockMax entries. After an error the same block may be written again.
  static constexpr std::size_t kBlockMax = 1 << 16;
  Status append(std::span<const PartitionEntry> entries, std::int64_t covered);
  Status sync() { return file_->sync_data(); }
  std::uint64_t bytes() const { return end_; }

 private:
  explicit Journal(std::unique_ptr<os::File> file) : file_(std::move(file)) {}

  std::unique_ptr<os::File> file_;
  std::uint64_t end_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace oncemq::dedup
