#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace oncemq::dedup {

// What makes two sends the same, and what tells two contents of one key apart. Thread rule:
// immutable value.
struct MessageKey {
  // Of topic and key. Two keys share it by chance once in 2^64 pairs.
  std::uint64_t key = 0;
  // 128 bits of topic, key, length and bytes of the body: equal means the same send.
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  auto operator<=>(const MessageKey&) const = default;
};

// Makes them, with XXH3 and the index's own seed, so that nobody outside can choose keys that
// collide. Thread rule: immutable.
class KeyHasher {
 public:
  explicit KeyHasher(std::uint64_t seed);

  // `body` is what is stored (compressed as it came).
  MessageKey operator()(std::string_view topic, std::string_view key, Bytes body) const;

 private:
  static constexpr std::size_t kSecretSize = 192;

  std::uint64_t seed_;
  std::array<std::byte, kSecretSize> secret_{};
};

}  // namespace oncemq::dedup
