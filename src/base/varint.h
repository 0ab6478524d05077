#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

// Numbers of variable length: 7 bits in each byte, low ones first; signed ones zigzag; a text has
// its length in front.
namespace oncemq {

inline void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}
inline void put_signed_varint(std::string& out, std::int64_t value) {
  put_varint(out, static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
}
inline void put_sized(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

// Reads them from outside bytes: what does not fit makes ok() false for good and yields zeros and
// empty texts. Thread rule: confined.
class VarintReader {
 public:
  explicit VarintReader(Bytes bytes) : in_(bytes) {}

  std::uint8_t byte() { return in_.read<std::uint8_t>(); }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t next = byte();
      if (!in_.ok()) return 0;
      value |= std::uint64_t{next & 0x7fU} << shift;
      if ((next & 0x80U) == 0) return value;
    }
    return refuse();
  }
  std::int64_t signed_number() {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
  }
  // A number of at most `max`.
  std::uint64_t number_to(std::uint64_t max) {
    const std::uint64_t value = number();
    return value <= max ? value : refuse();
  }
  // How many things follow that take a byte each at least: a broken count must not allocate.
  std::uint64_t count(std::uint64_t max) {
    const std::uint64_t value = number_to(max);
    return value <= remaining() ? value : refuse();
  }
  std::string_view text() { return in_.read_text(static_cast<std::size_t>(count(UINT64_MAX))); }

  bool ok() const { return ok_ && in_.ok(); }
  std::size_t remaining() const { return in_.remaining(); }
  // What was read is out of range. Returns 0.
  std::uint64_t refuse() {
    ok_ = false;
    return 0;
  }

 private:
  ByteReader in_;
  bool ok_ = true;
};

}  // namespace oncemq
