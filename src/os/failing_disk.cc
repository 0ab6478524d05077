#include "os/failing_disk.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "os/memory_disk.h"

namespace oncemq::os {
namespace {

constexpr std::size_t kCallKinds = static_cast<std::size_t>(DiskCall::kLock) + 1;

}  // namespace

struct FailingDisk::Faults {
  struct Armed {
    DiskFault fault;
    std::uint64_t seen = 0;
  };

  mutable Mutex mutex;
  // Of open files, so that a fault finds them under their present name.
  std::vector<std::weak_ptr<std::string>> paths ONCE_GUARDED_BY(mutex);
  std::vector<Armed> armed ONCE_GUARDED_BY(mutex);
  std::array<std::uint64_t, kCallKinds> calls ONCE_GUARDED_BY(mutex){};
  std::uint64_t failed ONCE_GUARDED_BY(mutex) = 0;

  std::shared_ptr<std::string> track(std::string_view path) {
    auto tracked = std::make_shared<std::string>(path);
    MutexLock lock(mutex);
    std::erase_if(paths, [](const auto& old) { return old.expired(); });
    paths.push_back(tracked);
    return tracked;
  }

  void renamed(std::string_view from, std::string_view to) {
    MutexLock lock(mutex);
    for (const auto& one : paths)
      if (const auto path = one.lock(); path && *path == from) *path = to;
  }

  std::string name_of(const std::string& tracked) const {
    MutexLock lock(mutex);
    return tracked;
  }

  // Counts the call; the fault when it has to fail.
  std::optional<DiskFault> next(DiskCall call, std::string_view path) {
    MutexLock lock(mutex);
    ++calls[static_cast<std::size_t>(call)];
    std::optional<DiskFault> hit;
    for (Armed& one : armed) {
      if (one.fault.call != call || !path.ends_with(one.fault.path_end)) continue;
      ++one.seen;
      if (one.seen >= one.fault.nth && one.seen - one.fault.nth < one.fault.times) hit = one.fault;
    }
    if (hit) ++failed;
    return hit;
  }

  Status check(DiskCall call, std::string_view path) {
    if (const auto fault = next(call, path)) return error(*fault, path);
    return {};
  }

  static tl::unexpected<Error> error(const DiskFault& fault, std::string_view path) {
    return fail(fault.error, "injected fault on '" + std::string(path) + "'");
  }
};

class FailingMapping final : public Mapping {
 public:
  FailingMapping(std::shared_ptr<const Mapping> below, std::shared_ptr<FailingDisk::Faults> faults,
                 std::shared_ptr<std::string> path)
      : below_(std::move(below)), faults_(std::move(faults)), path_(std::move(path)) {}
  Bytes bytes() const override { return below_->bytes(); }
  Status prefault(std::uint64_t offset, std::size_t size) const override {
    ONCE_TRY(faults_->check(DiskCall::kRead, faults_->name_of(*path_)));
    return below_->prefault(offset, size);
  }
  void release(std::uint64_t offset, std::size_t size) const override {
    below_->release(offset, size);
  }

 private:
  const std::shared_ptr<const Mapping> below_;
  const std::shared_ptr<FailingDisk::Faults> faults_;
  const std::shared_ptr<std::string> path_;
};

class FailingFile final : public File {
 public:
  FailingFile(std::unique_ptr<File> below, std::shared_ptr<FailingDisk::Faults> faults,
              bool loses_bytes, std::string_view path)
      : below_(std::move(below)),
        faults_(std::move(faults)),
        loses_bytes_(loses_bytes),
        path_(faults_->track(path)) {}

  Status write_at(std::uint64_t offset, Bytes bytes) override {
    return write_at(offset, std::span<const Bytes>(&bytes, 1));
  }
  Status write_at(std::uint64_t offset, std::span<const Bytes> pieces) override {
    const auto fault = faults_->next(DiskCall::kWrite, path());
    if (!fault) return below_->write_at(offset, pieces);
    std::size_t left = fault->written;
    for (const Bytes piece : pieces) {
      const Bytes part = piece.first(std::min(left, piece.size()));
      if (!part.empty()) ONCE_TRY(below_->write_at(offset, part));
      offset += part.size();
      left -= part.size();
    }
    return FailingDisk::Faults::error(*fault, path());
  }
  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) override {
    ONCE_TRY(faults_->check(DiskCall::kRead, path()));
    return below_->read_at(offset, into);
  }
  void start_sync() override { below_->start_sync(); }

  Status sync_data() override {
    if (const auto fault = faults_->next(DiskCall::kSync, path())) {
      if (loses_bytes_) MemoryDisk::lose_unsynced(*below_);
      return FailingDisk::Faults::error(*fault, path());
    }
    return below_->sync_data();
  }
  Status allocate(std::uint64_t size) override {
    ONCE_TRY(faults_->check(DiskCall::kAllocate, path()));
    return below_->allocate(size);
  }
  Status truncate(std::uint64_t size) override {
    ONCE_TRY(faults_->check(DiskCall::kTruncate, path()));
    return below_->truncate(size);
  }
  Result<std::uint64_t> size() override { return below_->size(); }
  Result<std::shared_ptr<const Mapping>> map() override {
    ONCE_TRY(faults_->check(DiskCall::kRead, path()));
    auto mapping = below_->map();
    if (!mapping) return fail(std::move(mapping.error()));
    return std::make_shared<FailingMapping>(std::move(*mapping), faults_, path_);
  }

 private:
  std::string path() const { return faults_->name_of(*path_); }

  const std::unique_ptr<File> below_;
  const std::shared_ptr<FailingDisk::Faults> faults_;
  const bool loses_bytes_;
  const std::shared_ptr<std::string> path_;  // shared: renames find it
};

FailingDisk::FailingDisk(Disk& below, bool loses_bytes)
    : below_(below), loses_bytes_(loses_bytes), faults_(std::make_shared<Faults>()) {}
FailingDisk::FailingDisk(MemoryDisk& below) : FailingDisk(below, true) {}
FailingDisk::~FailingDisk() = default;

void FailingDisk::inject(DiskFault fault) {
  MutexLock lock(faults_->mutex);
  faults_->armed.push_back({.fault = std::move(fault)});
}

void FailingDisk::heal() {
  MutexLock lock(faults_->mutex);
  faults_->armed.clear();
}

std::uint64_t FailingDisk::calls(DiskCall call) const {
  MutexLock lock(faults_->mutex);
  return faults_->calls[static_cast<std::size_t>(call)];
}

std::uint64_t FailingDisk::failed() const {
  MutexLock lock(faults_->mutex);
  return faults_->failed;
}

Result<std::unique_ptr<File>> FailingDisk::open(std::string_view path, OpenMode mode) {
  ONCE_TRY(faults_->check(DiskCall::kOpen, path));
  auto file = below_.open(path, mode);
  if (!file) return fail(std::move(file.error()));
  return std::make_unique<FailingFile>(std::move(*file), faults_, loses_bytes_, path);
}
Status FailingDisk::rename(std::string_view from, std::string_view to) {
  ONCE_TRY(faults_->check(DiskCall::kRename, to));
  ONCE_TRY(below_.rename(from, to));
  faults_->renamed(from, to);
  return {};
}
Status FailingDisk::remove(std::string_view path) {
  ONCE_TRY(faults_->check(DiskCall::kRemove, path));
  return below_.remove(path);
}
Status FailingDisk::remove_tree(std::string_view path) {
  ONCE_TRY(faults_->check(DiskCall::kRemove, path));
  return below_.remove_tree(path);
}
Status FailingDisk::make_dirs(std::string_view path) {
  ONCE_TRY(faults_->check(DiskCall::kMakeDirs, path));
  return below_.make_dirs(path);
}
Result<std::vector<DirEntry>> FailingDisk::list(std::string_view path) {
  ONCE_TRY(faults_->check(DiskCall::kList, path));
  return below_.list(path);
}
Result<DirEntry> FailingDisk::stat(std::string_view path) {
  ONCE_TRY(faults_->check(DiskCall::kStat, path));
  return below_.stat(path);
}
Status FailingDisk::sync_dir(std::string_view path) {
  ONCE_TRY(faults_->check(DiskCall::kSyncDir, path));
  return below_.sync_dir(path);
}
Status FailingDisk::sync_all(std::string_view path) {
  ONCE_TRY(faults_->check(DiskCall::kSync, path));
  return below_.sync_all(path);
}
std::string FailingDisk::session() const {
  return below_.session();
}
Result<DiskSpace> FailingDisk::space(std::string_view path) {
  return below_.space(path);
}
Result<std::unique_ptr<FileLock>> FailingDisk::lock(std::string_view path, std::string_view text) {
  ONCE_TRY(faults_->check(DiskCall::kLock, path));
  return below_.lock(path, text);
}

}  // namespace oncemq::os
