#include "net/buffer_pool.h"

#include <bit>
#include <utility>

namespace oncemq::net {
namespace {

std::size_t class_of(std::size_t capacity) {
  return static_cast<std::size_t>(std::countr_zero(capacity / BufferPool::kSmallest));
}

}  // namespace

std::size_t BufferPool::capacity_for(std::size_t size) {
  return size <= kSmallest ? kSmallest : std::bit_ceil(size);
}

Buffer BufferPool::take(std::size_t size) {
  const std::size_t capacity = capacity_for(size);
  const std::size_t index = class_of(capacity);
  if (index < kClasses && !free_[index].empty()) {
    Buffer buffer{.memory = std::move(free_[index].back()), .capacity = capacity};
    free_[index].pop_back();
    kept_ -= capacity;
    return buffer;
  }
  // Not make_unique: that would clear the bytes.
  return {.memory = std::unique_ptr<std::byte[]>(new std::byte[capacity]), .capacity = capacity};
}

void BufferPool::give(Buffer&& buffer) {
  Buffer owned{.memory = std::move(buffer.memory), .capacity = std::exchange(buffer.capacity, 0)};
  if (!owned) return;
  const std::size_t index = class_of(owned.capacity);
  if (index >= kClasses || kept_ + owned.capacity > keep_) return;
  kept_ += owned.capacity;
  free_[index].push_back(std::move(owned.memory));
}

}  // namespace oncemq::net
