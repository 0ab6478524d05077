#include "os/large_memory.h"

#include <cstdint>
#include <utility>

#include <sys/mman.h>

#include "base/check.h"

namespace oncemq::os {

LargeMemory::LargeMemory(std::size_t bytes) : mapped_size_(bytes + kPage), size_(bytes) {
  mapped_ = ::mmap(nullptr, mapped_size_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ONCE_CHECK(mapped_ != MAP_FAILED, "there is no memory left");
  const std::size_t over = reinterpret_cast<std::uintptr_t>(mapped_) % kPage;
  data_ = static_cast<std::byte*>(mapped_) + (over == 0 ? 0 : kPage - over);
  // A kernel that has none goes on with small ones.
  (void)::madvise(data_, size_, MADV_HUGEPAGE);
}

LargeMemory::~LargeMemory() {
  if (mapped_ != nullptr) (void)::munmap(mapped_, mapped_size_);
}

LargeMemory::LargeMemory(LargeMemory&& other) noexcept
    : mapped_(std::exchange(other.mapped_, nullptr)),
      mapped_size_(other.mapped_size_),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

LargeMemory& LargeMemory::operator=(LargeMemory&& other) noexcept {
  std::swap(mapped_, other.mapped_);
  std::swap(mapped_size_, other.mapped_size_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace oncemq::os
