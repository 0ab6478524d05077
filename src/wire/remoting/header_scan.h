#pragma once

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// Bytes looked at several at a time, for the JSON codec of headers.
namespace oncemq::wire {

#if defined(__SSE2__)

inline constexpr std::size_t kChunk = 16;

// One chunk: what it is compared with gives a mask with bit i for byte i.
class Chunk {
 public:
  explicit Chunk(const char* from)
      : bytes_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))) {}
  void store(char* to) const { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes_); }
  // '"' or '\\'.
  std::uint32_t ends_run() const {
    return mask(_mm_or_si128(_mm_cmpeq_epi8(bytes_, _mm_set1_epi8('"')),
                             _mm_cmpeq_epi8(bytes_, _mm_set1_epi8('\\'))));
  }
  // Those, and control characters.
  std::uint32_t needs_escape() const {
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes_, _mm_set1_epi8(0x1f)), bytes_);
    return ends_run() | mask(control);
  }

 private:
  static std::uint32_t mask(__m128i bits) {
    return static_cast<std::uint32_t>(_mm_movemask_epi8(bits));
  }
  __m128i bytes_;
};

#else

inline constexpr std::size_t kChunk = 8;

class Chunk {
 public:
  explicit Chunk(const char* from) { std::memcpy(bytes_, from, kChunk); }
  void store(char* to) const { std::memcpy(to, bytes_, kChunk); }
  std::uint32_t ends_run() const {
    std::uint32_t bits = 0;
    for (std::uint32_t i = 0; i < kChunk; ++i)
      bits |= static_cast<std::uint32_t>(bytes_[i] == '"' || bytes_[i] == '\\') << i;
    return bits;
  }
  std::uint32_t needs_escape() const {
    std::uint32_t bits = ends_run();
    for (std::uint32_t i = 0; i < kChunk; ++i)
      bits |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes_[i]) < 0x20) << i;
    return bits;
  }

 private:
  char bytes_[kChunk];
};

#endif

}  // namespace oncemq::wire
