#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace oncemq {

// A number with a name, so that a queue offset is never taken for a log offset. Differences and
// sums are plain integers.
template <class Tag>
struct Strong {
  std::int64_t value = 0;

  constexpr auto operator<=>(const Strong&) const = default;
  constexpr Strong operator+(std::int64_t n) const { return Strong{value + n}; }
  constexpr std::int64_t operator-(Strong other) const { return value - other.value; }
  constexpr Strong& operator+=(std::int64_t n) {
    value += n;
    return *this;
  }
};

}  // namespace oncemq

template <class Tag>
struct std::hash<oncemq::Strong<Tag>> {
  std::size_t operator()(oncemq::Strong<Tag> strong) const noexcept {
    return std::hash<std::int64_t>{}(strong.value);
  }
};
