#include "os/clock.h"

#include <ctime>

namespace oncemq::os {
namespace {

std::int64_t now_ns(clockid_t which) {
  timespec now{};
  clock_gettime(which, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Clock::Local broken_down(const std::tm& parts, std::int64_t wall_ms) {
  return {.year = parts.tm_year + 1900,
          .month = parts.tm_mon + 1,
          .day = parts.tm_mday,
          .hour = parts.tm_hour,
          .minute = parts.tm_min,
          .second = parts.tm_sec,
          .millisecond = static_cast<int>(wall_ms % 1000)};
}

}  // namespace

std::int64_t SystemClock::wall_ms() const {
  return now_ns(CLOCK_REALTIME) / 1'000'000;
}

std::int64_t SystemClock::monotonic_ns() const {
  return now_ns(CLOCK_MONOTONIC);
}

Clock::Local SystemClock::local(std::int64_t wall_ms) const {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return broken_down(parts, wall_ms);
}

Clock::Local ManualClock::local(std::int64_t wall_ms) const {
  const std::time_t seconds = wall_ms / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return broken_down(parts, wall_ms);
}

}  // namespace oncemq::os
