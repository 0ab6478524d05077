#include "store/staging.h"

#include <algorithm>

#include "base/check.h"

namespace oncemq::store {

std::byte* Staging::reserve(LogOffset at, std::size_t size) {
  const bool fits = !chunks_.empty() && !sealed_ &&
                    chunks_.back().base + static_cast<std::int64_t>(chunks_.back().filled) == at &&
                    chunks_.back().size - chunks_.back().filled >= size;
  if (!fits) open_chunk(at, size);
  Chunk& chunk = chunks_.back();
  return chunk.bytes.get() + chunk.filled;
}

void Staging::open_chunk(LogOffset at, std::size_t size) {
  sealed_ = false;
  // A fully written chunk at the end is used again from its start: it is the one in the cache.
  if (!chunks_.empty() && chunks_.back().idle() && chunks_.back().size >= size) {
    Chunk& chunk = chunks_.back();
    chunk.base = at;
    chunk.written = chunk.taken = chunk.filled = 0;
    return;
  }
  Chunk chunk;
  if (size <= kChunkSize / 2 && !spare_.empty()) {
    chunk = std::move(spare_.back());
    spare_.pop_back();
  } else {
    chunk.size = size <= kChunkSize / 2 ? kChunkSize : size;
    chunk.bytes = std::make_unique_for_overwrite<std::byte[]>(chunk.size);
  }
  chunk.base = at;
  chunk.written = chunk.taken = chunk.filled = 0;
  chunks_.push_back(std::move(chunk));
}

void Staging::commit(std::size_t used) {
  Chunk& chunk = chunks_.back();
  ONCE_CHECK(used <= chunk.size - chunk.filled);
  chunk.filled += used;
  staged_ += used;
}

void Staging::take(std::vector<StagedPiece>& out, std::uint64_t limit) {
  std::uint64_t total = 0;
  for (Chunk& chunk : chunks_) {
    if (chunk.taken == chunk.filled) continue;
    if (total >= limit) return;
    out.push_back({chunk.base + static_cast<std::int64_t>(chunk.taken),
                   Bytes(chunk.bytes.get() + chunk.taken, chunk.filled - chunk.taken)});
    total += chunk.filled - chunk.taken;
    chunk.taken = chunk.filled;
  }
}

LogOffset Staging::untaken(LogOffset end) const {
  for (const Chunk& chunk : chunks_)
    if (chunk.taken < chunk.filled) return chunk.base + static_cast<std::int64_t>(chunk.taken);
  return end;
}

void Staging::written() {
  std::size_t done = 0;
  for (Chunk& chunk : chunks_) {
    staged_ -= chunk.taken - chunk.written;
    chunk.written = chunk.taken;
    if (&chunk != &chunks_.back() && chunk.idle()) ++done;
  }
  // Chunks finish in order, because they are taken in order.
  for (std::size_t i = 0; i < done; ++i) {
    if (chunks_[i].size == kChunkSize && spare_.size() < kSpareChunks) {
      spare_.push_back(std::move(chunks_[i]));
    }
  }
  chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(done));
  if (chunks_.size() == 1 && chunks_.front().idle()) {
    // An oversized chunk is not kept.
    if (chunks_.front().size != kChunkSize)
      chunks_.clear();
    else
      sealed_ = true;  // start again at the front of the cached chunk
  }
}

void Staging::give_back() {
  for (Chunk& chunk : chunks_) chunk.taken = chunk.written;
}

}  // namespace oncemq::store
