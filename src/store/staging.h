#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "model/offsets.h"

namespace oncemq::store {

using model::LogOffset;

// A run of staged bytes and where it belongs in the log; never crosses a file.
struct StagedPiece {
  LogOffset offset;
  Bytes bytes;
};

// What is appended but not yet with the kernel: a list of chunks that are filled at one end and
// written at the other. Chunks are taken last-in first-out, so that a broker that keeps up works in
// one chunk that stays in the processor's cache. Nothing is allocated per message; a record larger
// than a chunk has one of its own, which is freed afterwards.
// Memory: at most `bound` bytes of records, plus the unused ends of chunks (<= 1/2 chunk each as
// records above half a chunk have their own), plus kSpareChunks.
// Thread rule: external (the append lock); the bytes of taken pieces may be read without it.
class Staging {
 public:
  static constexpr std::size_t kChunkSize = 256U << 10;
  static constexpr std::size_t kSpareChunks = 16;

  explicit Staging(std::uint64_t bound) : bound_(bound) {}

  // An empty staging takes one batch whatever its size, so that no batch is refused forever.
  bool has_room(std::size_t size) const { return staged_ == 0 || staged_ + size <= bound_; }
  std::uint64_t staged() const { return staged_; }

  // `size` contiguous bytes that belong at log position `at`; commit() says how many were used.
  std::byte* reserve(LogOffset at, std::size_t size);
  void commit(std::size_t used);
  // The next reserve starts a new piece: the log goes on in another file.
  void seal() { sealed_ = true; }

  // Appends to `out` what is staged and not yet taken, in log order, up to about `limit` bytes but
  // at least one piece. The bytes stay valid and unchanged until written() or forever if
  // give_back().
  void take(std::vector<StagedPiece>& out, std::uint64_t limit);
  // Log position of the first byte that is not taken; `end` when everything is.
  LogOffset untaken(LogOffset end) const;
  // All taken pieces are with the kernel.
  void written();
  // The write failed: what was taken is staged again, at the same offsets.
  void give_back();

 private:
  struct Chunk {
    std::unique_ptr<std::byte[]> bytes;
    std::size_t size = 0;
    LogOffset base;  // log position of bytes[0]
    std::size_t written = 0;
    std::size_t taken = 0;
    std::size_t filled = 0;
    bool idle() const { return written == filled; }
  };

  void open_chunk(LogOffset at, std::size_t size);

  const std::uint64_t bound_;
  std::uint64_t staged_ = 0;
  bool sealed_ = false;
  std::vector<Chunk> chunks_;  // in log order; the last one is being filled
  std::vector<Chunk> spare_;
};

}  // namespace oncemq::store
