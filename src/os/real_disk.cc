#include "os/real_disk.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"

namespace oncemq::os {
namespace {

Errc errc_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return Errc::kNotFound;
    case EEXIST:
    case ENOTEMPTY:
      return Errc::kInUse;
    case ENOSPC:
    case EDQUOT:
      return Errc::kNoSpace;
    default:
      return Errc::kIo;
  }
}

tl::unexpected<Error> failed(const char* verb, std::string_view path, int error) {
  return fail(errc_of(error), "cannot " + std::string(verb) + " '" + std::string(path) +
                                  "': " + std::generic_category().message(error));
}

// Calls until the answer is not EINTR.
template <class Call>
auto retried(Call call) {
  auto answer = call();
  while (answer < 0 && errno == EINTR) answer = call();
  return answer;
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<Descriptor> open_descriptor(std::string_view path, int flags) {
  const std::string name(path);
  const int fd = retried([&] { return ::open(name.c_str(), flags | O_CLOEXEC, 0644); });
  if (fd < 0) return failed("open", path, errno);
  return Descriptor(fd);
}

std::int64_t modified_ms(const struct stat& status) {
  return std::int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000;
}

DirEntry entry_of(std::string name, const struct stat& status) {
  const bool is_directory = S_ISDIR(status.st_mode);
  return {.name = std::move(name),
          .is_directory = is_directory,
          .size = is_directory ? 0 : static_cast<std::uint64_t>(status.st_size),
          .modified_ms = modified_ms(status)};
}

class RealMapping final : public Mapping {
 public:
  RealMapping(std::string path, std::byte* data, std::size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}
  ~RealMapping() override {
    if (size_ > 0) ::munmap(data_, size_);
  }
  RealMapping(const RealMapping&) = delete;
  RealMapping& operator=(const RealMapping&) = delete;

  Bytes bytes() const override { return {data_, size_}; }

  Status prefault(std::uint64_t offset, std::size_t size) const override {
    ONCE_CHECK(offset <= size_ && size <= size_ - offset, "prefault behind the end");
    if (size == 0) return {};
    static const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t start = offset / page * page;
    // A fault on a bad sector is SIGBUS; this call returns it as an error instead (Linux 5.14).
    // Older kernels do not know it; there a bad sector still ends the process.
    if (retried([&] {
          return ::madvise(data_ + start, offset + size - start, MADV_POPULATE_READ);
        }) != 0 &&
        errno != EINVAL)
      return fail(Errc::kIo, "cannot read '" + path_ + "' at " + std::to_string(offset) + ": " +
                                 std::generic_category().message(errno));
    return {};
  }

  void release(std::uint64_t offset, std::size_t size) const override {
    ONCE_CHECK(offset <= size_ && size <= size_ - offset, "release behind the end");
    static const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t begin = (offset + page - 1) / page * page;
    const std::size_t end = (offset + size) / page * page;
    // A mapping that is never written has nothing to lose.
    if (begin < end) (void)::madvise(data_ + begin, end - begin, MADV_DONTNEED);
  }

 private:
  const std::string path_;
  std::byte* const data_;
  const std::size_t size_;
};

class RealFile final : public File {
 public:
  RealFile(std::string path, Descriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  Status write_at(std::uint64_t offset, Bytes bytes) override {
    while (!bytes.empty()) {
      const auto count = retried([&] {
        return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      });
      if (count < 0) return failed("write", path_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    }
    return {};
  }

  Status write_at(std::uint64_t offset, std::span<const Bytes> pieces) override {
    std::array<iovec, 64> vector;
    std::size_t piece = 0;
    std::size_t done = 0;  // of pieces[piece]
    while (true) {
      std::size_t count = 0;
      for (std::size_t at = piece, skip = done; at < pieces.size() && count < vector.size();
           ++at, skip = 0) {
        const Bytes rest = pieces[at].subspan(skip);
        // pwritev only reads; the type is the one of readv.
        vector[count++] = {.iov_base = const_cast<std::byte*>(rest.data()), .iov_len = rest.size()};
      }
      if (count == 0) return {};
      const auto answer = retried([&] {
        return ::pwritev(fd_.get(), vector.data(), static_cast<int>(count),
                         static_cast<off_t>(offset));
      });
      if (answer < 0) return failed("write", path_, errno);
      offset += static_cast<std::uint64_t>(answer);
      for (auto written = static_cast<std::size_t>(answer); piece < pieces.size();) {
        const std::size_t left = pieces[piece].size() - done;
        if (written < left) {
          done += written;
          break;
        }
        written -= left;
        ++piece;
        done = 0;
      }
    }
  }

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) override {
    std::size_t done = 0;
    while (done < into.size()) {
      const auto count = retried([&] {
        return ::pread(fd_.get(), into.data() + done, into.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (count < 0) return failed("read", path_, errno);
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  void start_sync() override { (void)::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE); }

  Status sync_data() override {
    if (retried([&] { return ::fdatasync(fd_.get()); }) != 0) return failed("sync", path_, errno);
    return {};
  }

  Status allocate(std::uint64_t size) override {
    // Not posix_fallocate: where the file system cannot reserve, glibc would touch every block.
    if (retried([&] { return ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)); }) == 0)
      return {};
    if (errno != EOPNOTSUPP && errno != ENOSYS) return failed("allocate", path_, errno);
    return fill_with_zeros(size);
  }

  Status truncate(std::uint64_t size) override {
    if (retried([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) != 0)
      return failed("resize", path_, errno);
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) return failed("stat", path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

  Result<std::shared_ptr<const Mapping>> map() override {
    const auto bytes = size();
    if (!bytes) return fail(bytes.error());
    void* data = nullptr;
    if (*bytes > 0) {
      data = ::mmap(nullptr, *bytes, PROT_READ, MAP_SHARED, fd_.get(), 0);
      if (data == MAP_FAILED) return failed("map", path_, errno);
    }
    return std::make_shared<RealMapping>(path_, static_cast<std::byte*>(data), *bytes);
  }

 private:
  // Only behind the present end: what is there is not touched.
  Status fill_with_zeros(std::uint64_t size_wanted) {
    static constexpr std::array<std::byte, 1 << 16> kZeros{};
    const auto present = size();
    if (!present) return fail(present.error());
    for (std::uint64_t at = *present; at < size_wanted;) {
      const std::size_t count = std::min<std::uint64_t>(kZeros.size(), size_wanted - at);
      ONCE_TRY(write_at(at, Bytes(kZeros).first(count)));
      at += count;
    }
    return {};
  }

  const std::string path_;
  const Descriptor fd_;
};

class RealLock final : public FileLock {
 public:
  explicit RealLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  const Descriptor fd_;  // closing it releases the lock
};

std::string content_of(int fd) {
  std::array<char, 64> text;
  const auto count = retried([&] { return ::pread(fd, text.data(), text.size(), 0); });
  return std::string(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
}

}  // namespace

Result<std::unique_ptr<File>> RealDisk::open(std::string_view path, OpenMode mode) {
  int flags = O_RDWR;
  if (mode == OpenMode::kRead) flags = O_RDONLY;
  if (mode == OpenMode::kCreate) flags = O_RDWR | O_CREAT;
  if (mode == OpenMode::kCreateNew) flags = O_RDWR | O_CREAT | O_EXCL;
  auto fd = open_descriptor(path, flags);
  if (!fd) return fail(std::move(fd.error()));
  return std::make_unique<RealFile>(std::string(path), std::move(*fd));
}

Status RealDisk::rename(std::string_view from, std::string_view to) {
  if (::rename(std::string(from).c_str(), std::string(to).c_str()) != 0)
    return failed("rename", from, errno);
  return {};
}

Status RealDisk::remove(std::string_view path) {
  if (std::remove(std::string(path).c_str()) != 0) return failed("remove", path, errno);
  return {};
}

Status RealDisk::remove_tree(std::string_view path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return failed("remove", path, error.value());
  return {};
}

Status RealDisk::make_dirs(std::string_view path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return failed("create folder", path, error.value());
  return {};
}

Result<std::vector<DirEntry>> RealDisk::list(std::string_view path) {
  DIR* folder = ::opendir(std::string(path).c_str());
  if (folder == nullptr) return failed("list", path, errno);
  std::vector<DirEntry> entries;
  errno = 0;
  while (const dirent* found = ::readdir(folder)) {
    std::string name = found->d_name;
    if (found->d_type == DT_DIR) {  // a name is all that a folder has for us
      if (name != "." && name != "..")
        entries.push_back({.name = std::move(name), .is_directory = true});
      errno = 0;
      continue;
    }
    struct stat status {};
    // What cannot be asked (removed meanwhile, a dangling link) is not there.
    if (name != "." && name != ".." && ::fstatat(::dirfd(folder), name.c_str(), &status, 0) == 0)
      entries.push_back(entry_of(std::move(name), status));
    errno = 0;
  }
  const int error = errno;
  ::closedir(folder);
  if (error != 0) return failed("list", path, error);
  std::sort(entries.begin(), entries.end(),
            [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
  return entries;
}

Result<DirEntry> RealDisk::stat(std::string_view path) {
  struct stat status {};
  if (::stat(std::string(path).c_str(), &status) != 0) return failed("stat", path, errno);
  return entry_of(std::filesystem::path(path).filename().string(), status);
}

Status RealDisk::sync_dir(std::string_view path) {
  const auto fd = open_descriptor(path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
  if (!fd) return fail(fd.error());
  if (retried([&] { return ::fsync(fd->get()); }) != 0) return failed("sync", path, errno);
  return {};
}

Status RealDisk::sync_all(std::string_view path) {
  const auto fd = open_descriptor(path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
  if (!fd) return fail(fd.error());
  if (retried([&] { return ::syncfs(fd->get()); }) != 0) return failed("sync", path, errno);
  return {};
}

std::string RealDisk::session() const {
  const auto fd = open_descriptor("/proc/sys/kernel/random/boot_id", O_RDONLY);
  std::array<char, 64> text{};
  if (!fd) return {};
  const ssize_t got = retried([&] { return ::read(fd->get(), text.data(), text.size()); });
  return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : std::string();
}

Result<DiskSpace> RealDisk::space(std::string_view path) {
  struct statvfs status {};
  if (::statvfs(std::string(path).c_str(), &status) != 0) return failed("stat", path, errno);
  return DiskSpace{.total = std::uint64_t{status.f_blocks} * status.f_frsize,
                   .free = std::uint64_t{status.f_bavail} * status.f_frsize};
}

Result<std::unique_ptr<FileLock>> RealDisk::lock(std::string_view path, std::string_view text) {
  auto fd = open_descriptor(path, O_RDWR | O_CREAT);
  if (!fd) return fail(std::move(fd.error()));
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = 0;
  range.l_len = 1;
  if (retried([&] { return ::fcntl(fd->get(), F_OFD_SETLK, &range); }) != 0) {
    if (errno != EAGAIN && errno != EACCES) return failed("lock", path, errno);
    return fail(Errc::kInUse, "'" + std::string(path) + "' is held by another process (" +
                                  content_of(fd->get()) + ")");
  }
  if (::ftruncate(fd->get(), 0) != 0) return failed("write", path, errno);
  const auto count = retried([&] { return ::pwrite(fd->get(), text.data(), text.size(), 0); });
  if (count < 0) return failed("write", path, errno);
  return std::make_unique<RealLock>(std::move(*fd));
}

}  // namespace oncemq::os
