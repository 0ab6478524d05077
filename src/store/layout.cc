#include "store/layout.h"

#include <charconv>

namespace oncemq::store {

namespace {
constexpr std::size_t kDigits = 20;
}

bool is_folder_name(std::string_view topic) {
  return !topic.empty() && topic.size() <= 255 && topic != "." && topic != ".." &&
         topic.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

std::string file_name(std::int64_t start) {
  std::string digits = std::to_string(start);
  return std::string(kDigits - digits.size(), '0') + digits;
}

std::optional<std::int64_t> parse_file_name(std::string_view name) {
  if (name.size() != kDigits) return std::nullopt;
  std::int64_t start = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), start);
  if (error != std::errc{} || end != name.data() + name.size() || start < 0 ||
      start > kMaxLogOffset)
    return std::nullopt;
  return start;
}

}  // namespace oncemq::store
