#include "model/delay_levels.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace oncemq::model {

Result<std::vector<std::int64_t>> parse_delay_levels(std::string_view text) {
  constexpr std::size_t kLevelsMax = 64;
  std::vector<std::int64_t> levels;
  std::string_view rest = text;
  while (!(rest = trimmed(rest)).empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view level = rest.substr(0, end);
    std::int64_t number = 0;
    const auto parsed = std::from_chars(level.data(), level.data() + level.size(), number);
    std::int64_t unit_ms = 0;
    if (parsed.ec == std::errc{} && parsed.ptr + 1 == level.data() + level.size()) {
      switch (*parsed.ptr) {
        case 's':
          unit_ms = 1000;
          break;
        case 'm':
          unit_ms = 60'000;
          break;
        case 'h':
          unit_ms = 3'600'000;
          break;
        case 'd':
          unit_ms = 24 * 3'600'000;
          break;
        default:
          break;
      }
    }
    if (unit_ms == 0 || number < 0 || number > 100'000) {
      return fail(Errc::kInvalidArgument, "delays like '1s 5m 2h 1d' are wanted, not '" +
                                              std::string(level.substr(0, 40)) + "'");
    }
    levels.push_back(number * unit_ms);
    rest.remove_prefix(end);
  }
  if (levels.empty() || levels.size() > kLevelsMax)
    return fail(Errc::kInvalidArgument, "1 to 64 delays are wanted");
  return levels;
}

}  // namespace oncemq::model
