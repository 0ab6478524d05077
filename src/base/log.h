#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/core.h>

// One line per event, to stderr: "2026-01-02 03:04:05.678 info store: recovered 3 files". The area
// is the folder that speaks. An error is logged once, where it is handled. Thread rule: monitor.
namespace oncemq::log {

enum class Level : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };

void set_level(Level level);
bool enabled(Level level);
// "debug", "info", "warn", "error", "off".
std::optional<Level> parse_level(std::string_view text);

// Lines go to `sink` (without time and line end) instead of stderr; an empty one restores stderr.
// For tests, before threads log.
void set_sink(std::function<void(Level, std::string_view line)> sink);

// Formats and writes. What would be done instead of shown (line ends, controls, marks of direction,
// bytes that are not UTF-8) becomes '?': nobody forges a line or steers a terminal that way.
void write(Level level, std::string_view area, fmt::string_view text, fmt::format_args args);

template <class... Args>
void write_if(Level level, std::string_view area, fmt::string_view text, const Args&... args) {
  if (enabled(level)) write(level, area, text, fmt::make_format_args(args...));
}

template <class... Args>
void debug(std::string_view area, fmt::format_string<Args...> text, Args&&... args) {
  write_if(Level::kDebug, area, text, args...);
}
template <class... Args>
void info(std::string_view area, fmt::format_string<Args...> text, Args&&... args) {
  write_if(Level::kInfo, area, text, args...);
}
template <class... Args>
void warn(std::string_view area, fmt::format_string<Args...> text, Args&&... args) {
  write_if(Level::kWarn, area, text, args...);
}
template <class... Args>
void error(std::string_view area, fmt::format_string<Args...> text, Args&&... args) {
  write_if(Level::kError, area, text, args...);
}

// Lets an event through at most once per interval, for what a client or a broken disk can repeat
// without end. Thread rule: monitor.
class Limited {
 public:
  explicit Limited(std::int64_t interval_ms) : interval_ms_(interval_ms) {}

  // Whether to log now; if so, `suppressed` is how many were not since the last time. `now_ms`
  // comes from os::Clock::monotonic_ms().
  bool pass(std::int64_t now_ms, std::uint64_t& suppressed);

  template <class... Args>
  void warn(std::int64_t now_ms, std::string_view area, fmt::format_string<Args...> text,
            Args&&... args) {
    std::uint64_t suppressed = 0;
    if (!enabled(Level::kWarn) || !pass(now_ms, suppressed)) return;
    write_suppressed(area, suppressed);
    write(Level::kWarn, area, text, fmt::make_format_args(args...));
  }

 private:
  static void write_suppressed(std::string_view area, std::uint64_t suppressed);

  const std::int64_t interval_ms_;
  std::atomic<std::int64_t> next_ms_{INT64_MIN};
  std::atomic<std::uint64_t> suppressed_{0};
};

}  // namespace oncemq::log
