#pragma once

#include <cstddef>

namespace oncemq::os {

// Zeroed memory for tables of many MiB that are read at random places: where the kernel has pages
// of 2 MiB it is asked for them, because finding a small page costs more than what lies in it. The
// kernel gives memory as it is touched. Thread rule: external.
class LargeMemory {
 public:
  static constexpr std::size_t kPage = std::size_t{2} << 20;

  // Without memory the process ends, as with `new`.
  explicit LargeMemory(std::size_t bytes);
  ~LargeMemory();
  LargeMemory(LargeMemory&& other) noexcept;
  LargeMemory& operator=(LargeMemory&& other) noexcept;

  // Begins on a page of 2 MiB.
  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  void* mapped_ = nullptr;
  std::size_t mapped_size_ = 0;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace oncemq::os
