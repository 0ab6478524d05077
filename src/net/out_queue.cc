#include "net/out_queue.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace oncemq::net {

void OutQueue::write(BufferPool& pool, Bytes bytes) {
  if (bytes.empty()) return;
  std::memcpy(prepare(pool, bytes.size()).data(), bytes.data(), bytes.size());
  commit(bytes.size());
}

MutableBytes OutQueue::prepare(BufferPool& pool, std::size_t size) {
  if (!tail_ || tail_.capacity - tail_used_ < size) {
    if (tail_) segments_.push_back({.chunk = std::move(tail_)});
    tail_ = pool.take(std::max(size, kChunk));
    tail_used_ = 0;
    held_ += tail_.capacity;
  }
  return {tail_.data() + tail_used_, tail_.capacity - tail_used_};
}

void OutQueue::commit(std::size_t size) {
  if (size == 0) return;
  ONCE_CHECK(tail_ && size <= tail_.capacity - tail_used_);
  const std::byte* from = tail_.data() + tail_used_;
  const bool extends = head_ < segments_.size() && tail_used_ > 0 && !segments_.back().pin &&
                       segments_.back().data + segments_.back().size == from;
  if (extends)
    segments_.back().size += size;
  else
    segments_.push_back({.data = from, .size = size});
  tail_used_ += size;
  unsent_ += size;
}

void OutQueue::write_pinned(Bytes bytes, std::shared_ptr<const void> pin) {
  if (bytes.empty()) return;
  segments_.push_back({.data = bytes.data(), .size = bytes.size(), .pin = std::move(pin)});
  unsent_ += bytes.size();
}

std::size_t OutQueue::gather(std::span<iovec> pieces) const {
  std::size_t count = 0;
  for (std::size_t i = head_; i < segments_.size() && count < pieces.size(); ++i) {
    const Segment& segment = segments_[i];
    if (segment.size == 0) continue;
    // writev takes void* although it only reads.
    pieces[count++] = {.iov_base = const_cast<std::byte*>(segment.data), .iov_len = segment.size};
  }
  return count;
}

void OutQueue::advance(BufferPool& pool, std::size_t size) {
  unsent_ -= size;
  if (unsent_ == 0) {
    clear(pool);
    return;
  }
  while (size > 0 || segments_[head_].size == 0) {
    Segment& first = segments_[head_];
    if (first.chunk) {
      held_ -= first.chunk.capacity;
      pool.give(std::move(first.chunk));
    } else if (size < first.size) {
      first.data += size;
      first.size -= size;
      break;
    } else {
      size -= first.size;
    }
    first = {};
    ++head_;
  }
  // Keeps a stream that never runs dry from growing its vector for ever.
  if (head_ >= 64 && head_ * 2 >= segments_.size()) {
    segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void OutQueue::clear(BufferPool& pool) {
  for (std::size_t i = head_; i < segments_.size(); ++i)
    if (segments_[i].chunk) pool.give(std::move(segments_[i].chunk));
  segments_.clear();
  head_ = 0;
  if (tail_) pool.give(std::move(tail_));
  tail_used_ = 0;
  unsent_ = 0;
  held_ = 0;
}

void OutQueue::shrink() {
  if (unsent_ == 0) segments_.shrink_to_fit();
}

}  // namespace oncemq::net
