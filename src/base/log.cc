#include "base/log.h"

#include <iterator>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace oncemq::log {
namespace {

std::atomic<Level> current_level{Level::kInfo};

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
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
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
