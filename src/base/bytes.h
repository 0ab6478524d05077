#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace oncemq {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Big-endian load and store; the caller has checked the bounds.
template <class T>
T load_be(const std::byte* from) {
  static_assert(std::is_integral_v<T>);
  std::make_unsigned_t<T> value = 0;
  std::memcpy(&value, from, sizeof value);
  if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
  return static_cast<T>(value);
}

template <class T>
void store_be(std::byte* to, T number) {
  static_assert(std::is_integral_v<T>);
  auto value = static_cast<std::make_unsigned_t<T>>(number);
  if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof value);
}

// Walks over bytes from outside. A read past the end makes `ok()` false for good and yields zeros /
// empty spans, so that a parser reads straight through and asks once at the end. Thread rule:
// confined.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  template <class T>
  T read() {
    if (!has(sizeof(T))) return T{};
    T value = load_be<T>(bytes_.data() + position_);
    position_ += sizeof(T);
    return value;
  }
  Bytes read_bytes(std::size_t count) {
    if (!has(count)) return {};
    Bytes result = bytes_.subspan(position_, count);
    position_ += count;
    return result;
  }
  std::string_view read_text(std::size_t count) { return as_text(read_bytes(count)); }
  void skip(std::size_t count) { (void)read_bytes(count); }

  bool ok() const { return ok_; }
  std::size_t position() const { return position_; }
  std::size_t remaining() const { return bytes_.size() - position_; }

 private:
  bool has(std::size_t count) {
    if (ok_ && count <= bytes_.size() - position_) return true;
    ok_ = false;
    return false;
  }

  Bytes bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace oncemq
