#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/bytes.h"

namespace oncemq::net {

// Memory of a power-of-two size, from a BufferPool. Thread rule: external.
struct Buffer {
  std::unique_ptr<std::byte[]> memory;
  std::size_t capacity = 0;

  std::byte* data() const { return memory.get(); }
  explicit operator bool() const { return memory != nullptr; }
};

// Hands out buffers and keeps returned ones for reuse, the last returned first, because its lines
// are still in the cache. Thread rule: confined.
class BufferPool {
 public:
  static constexpr std::size_t kSmallest = 1U << 10;

  // Keeps at most `keep` bytes of free buffers.
  explicit BufferPool(std::size_t keep) : keep_(keep) {}

  // A buffer of at least `size` bytes, uninitialised.
  Buffer take(std::size_t size);
  void give(Buffer&& buffer);
  // Capacity that take(size) would give.
  static std::size_t capacity_for(std::size_t size);
  std::size_t kept() const { return kept_; }

 private:
  static constexpr std::size_t kClasses = 18;  // 1 KiB ... 128 MiB; longer ones are not kept

  std::size_t keep_;
  std::size_t kept_ = 0;
  std::array<std::vector<std::unique_ptr<std::byte[]>>, kClasses> free_;
};

}  // namespace oncemq::net
