#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

// One request or answer on a connection:
//
//   int32 total     bytes that follow
//   int32 mark      high byte: how the header is written; low 24 bits: header length
//   header          header length bytes
//   body            the rest
namespace oncemq::wire {

enum class HeaderKind : std::uint8_t { kJson = 0, kBinary = 1 };

// Largest frame with its length field, as upstream's decoder counts.
inline constexpr std::size_t kFrameLimit = 16ULL << 20;
inline constexpr std::size_t kFramePrefix = 8;  // total and mark

// Views into the bytes that were cut.
struct Frame {
  HeaderKind kind = HeaderKind::kJson;
  Bytes header;
  Bytes body;
};

struct Cut {
  enum class State : std::uint8_t { kComplete, kIncomplete, kBad };
  State state = State::kIncomplete;
  Frame frame;           // kComplete only
  std::size_t size = 0;  // kComplete: bytes of the frame; kIncomplete: bytes needed before it is
                         // worth asking again (4, 8, or the whole frame)
  std::string_view why;  // kBad only: literal; the connection is beyond repair
};

// Judges what starts at bytes[0]. A frame is refused as soon as its first 8 bytes tell, before its
// body has arrived.
Cut cut_frame(Bytes bytes, std::size_t limit = kFrameLimit);

}  // namespace oncemq::wire
