#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Small questions about short texts.
namespace oncemq {

// Without the blanks (space, tab, CR, FF) at both ends.
constexpr std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// ASCII only: other bytes must be equal.
constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    };
    return lower(x) == lower(y);
  });
}

// One line of a text that has several: each run of blanks and line ends is one blank, none at the
// ends.
std::string one_line(std::string_view text);

// Letters to add, leave out or replace to make one word of the other, ASCII case aside. Takes time
// and room with the product of their sizes.
std::size_t edit_distance(std::string_view a, std::string_view b);

// "30s": a number up to 1,000,000,000 with s, m, h or d behind it.
std::optional<std::int64_t> parse_duration_ms(std::string_view text);

}  // namespace oncemq
