#pragma once

#include "os/disk.h"

namespace oncemq::os {

// The kernel's file system. Thread rule: monitor.
class RealDisk final : public Disk {
 public:
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
  // An open-file-description lock: it also excludes a second holder in this process, and the
  // per-process locks that Java's FileChannel takes.
  Result<std::unique_ptr<FileLock>> lock(std::string_view path, std::string_view text) override;
};

}  // namespace oncemq::os
