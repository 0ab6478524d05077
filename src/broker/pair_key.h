#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace oncemq::broker {

// `first`, separator, `second` as one look-up key; topic and group names fit without allocation.
// Thread rule: confined.
class PairKey {
 public:
  PairKey(std::string_view first, char separator, std::string_view second) {
    const std::size_t size = first.size() + 1 + second.size();
    char* to = inline_.data();
    if (size > inline_.size()) {
      heap_.resize(size);
      to = heap_.data();
    }
    view_ = {to, size};
    to = std::copy(first.begin(), first.end(), to);
    *to++ = separator;
    std::copy(second.begin(), second.end(), to);
  }
  PairKey(const PairKey&) = delete;
  PairKey& operator=(const PairKey&) = delete;

  std::string_view view() const { return view_; }

 private:
  std::array<char, 512> inline_;
  std::string heap_;
  std::string_view view_;
};

}  // namespace oncemq::broker
