#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/disk.h"
#include "store/timer_index.h"

namespace oncemq::broker {

// How far the timers are: `once/timers.json` (docs/timers.md, Index). Thread rule: immutable value.
struct TimerCheckpoint {
  std::string session;  // os::Disk::session() of the writer
  bool clean = false;   // the index was made durable before: an orderly stop
  store::TimerKey frontier{0, -1};
  std::int64_t enqueued = 0;
  std::int64_t log = 0;
  std::int64_t pending_from = 0;
  std::int64_t waiting = 0;  // timers, for the figures only
  store::TimerIndex::Spans spans;
  // What we told Apache last: when its file says something else, it has run meanwhile.
  std::int64_t apache_read_ms = -1;
  std::int64_t apache_offset = -1;

  std::string to_json() const;
  // kCorrupt.
  static Result<TimerCheckpoint> parse(std::string_view json);
};

// The part of Apache's `config/timercheck` that says what is delivered: timers in front of
// `queue_offset` whose TIMER_OUT_MS lies before `read_ms`. Thread rule: immutable value.
struct ApacheTimerCheck {
  std::int64_t read_ms = 0;
  std::int64_t queue_offset = 0;

  // Nothing when the file is missing or too short. kIo.
  static Result<std::optional<ApacheTimerCheck>> load(os::Disk& disk, const std::string& path);
  // kNoSpace | kIo.
  Status save(os::Disk& disk, const std::string& path, std::int64_t now_ms) const;
};

}  // namespace oncemq::broker
