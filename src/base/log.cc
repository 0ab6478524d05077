#include "base/log.h"

#include <iterator>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "base/utf8.h"

namespace oncemq::log {
namespace {

// A program that has the library in it and says nothing is told what is wrong, nothing else.
std::atomic<Level> current_level{Level::kWarn};

std::function<void(Level, std::string_view)>& sink() {
  static std::function<void(Level, std::string_view)> installed;
  return installed;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      break;
  }
  return spdlog::level::off;
}

spdlog::logger& to_stderr() {
  static spdlog::logger& logger = [&]() -> spdlog::logger& {
    // Never freed: threads may still log while static objects go.
    auto* const made = new spdlog::logger("", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return *made;
  }();
  return logger;
}

// Characters that would do something instead of being shown become '?', byte by byte: C0 and C1
// controls (a terminal takes U+009B as it takes ESC [), line and paragraph separators, marks that
// turn the direction of writing, and what is not UTF-8.
void disarm(fmt::memory_buffer& line) {
  std::size_t at = 0;
  while (at < line.size()) {
    const std::string_view rest(line.data() + at, line.size() - at);
    const std::size_t size = utf8_length(rest);
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
    const bool control = size == 1 && (byte(0) < 0x20 || byte(0) == 0x7f);
    const bool control_c1 = size == 2 && byte(0) == 0xc2 && byte(1) < 0xa0;
    const bool mark = size == 3 && byte(0) == 0xe2 &&
                      ((byte(1) == 0x80 && ((byte(2) >= 0xa8 && byte(2) <= 0xae) ||
                                            byte(2) == 0x8e || byte(2) == 0x8f)) ||
                       (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9));
    const std::size_t step = size == 0 ? 1 : size;
    if (size == 0 || control || control_c1 || mark)
      for (std::size_t i = 0; i < step; ++i) line[at + i] = '?';
    at += step;
  }
}

}  // namespace

void set_level(Level level) {
  current_level.store(level, std::memory_order_relaxed);
}

bool enabled(Level level) {
  return level >= current_level.load(std::memory_order_relaxed);
}

std::optional<Level> parse_level(std::string_view text) {
  if (text == "debug") return Level::kDebug;
  if (text == "info") return Level::kInfo;
  if (text == "warn") return Level::kWarn;
  if (text == "error") return Level::kError;
  if (text == "off") return Level::kOff;
  return std::nullopt;
}

void set_sink(std::function<void(Level, std::string_view)> installed) {
  sink() = std::move(installed);
}

void write(Level level, std::string_view area, fmt::string_view text, fmt::format_args args) {
  fmt::memory_buffer line;
  line.append(area);
  line.append(std::string_view(": "));
  fmt::vformat_to(std::back_inserter(line), text, args);
  disarm(line);
  const std::string_view whole(line.data(), line.size());
  if (sink())
    sink()(level, whole);
  else
    to_stderr().log(to_spdlog(level), whole);
}

bool Limited::pass(std::int64_t now_ms, std::uint64_t& suppressed) {
  std::int64_t next = next_ms_.load(std::memory_order_relaxed);
  if (now_ms < next ||
      !next_ms_.compare_exchange_strong(next, now_ms + interval_ms_, std::memory_order_relaxed)) {
    suppressed_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  suppressed = suppressed_.exchange(0, std::memory_order_relaxed);
  return true;
}

void Limited::write_suppressed(std::string_view area, std::uint64_t suppressed) {
  if (suppressed > 0)
    write(Level::kWarn, area, "{} more like the next line were not logged",
          fmt::make_format_args(suppressed));
}

}  // namespace oncemq::log
