#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <sys/uio.h>

#include "base/bytes.h"
#include "net/buffer_pool.h"

namespace oncemq::net {

// The unsent output of one connection: copied bytes in pooled chunks and pinned bytes by reference,
// in the order of writing. Empty, it holds no chunk. Thread rule: confined.
class OutQueue {
 public:
  static constexpr std::size_t kChunk = 16U << 10;

  void write(BufferPool& pool, Bytes bytes);
  MutableBytes prepare(BufferPool& pool, std::size_t size);
  void commit(std::size_t size);
  void write_pinned(Bytes bytes, std::shared_ptr<const void> pin);

  std::size_t size() const { return unsent_; }
  std::size_t held() const { return held_; }  // capacity of the chunks

  // Fills `pieces` from the front; returns how many.
  std::size_t gather(std::span<iovec> pieces) const;
  // The first `size` bytes were sent.
  void advance(BufferPool& pool, std::size_t size);
  void clear(BufferPool& pool);
  // Gives back what an empty queue keeps for its next use.
  void shrink();

 private:
  struct Segment {
    const std::byte* data = nullptr;
    std::size_t size = 0;
    std::shared_ptr<const void> pin;
    Buffer chunk;  // size == 0: goes when the bytes before it are sent
  };

  std::vector<Segment> segments_;  // from head_ on
  std::size_t head_ = 0;
  Buffer tail_;  // where copied bytes go
  std::size_t tail_used_ = 0;
  std::size_t unsent_ = 0;
  std::size_t held_ = 0;
};

}  // namespace oncemq::net
