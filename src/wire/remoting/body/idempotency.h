#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/remoting/body/body.h"

// GET_IDEMPOTENCY_REPORT (31031).
namespace oncemq::wire {

struct RepeatTotal {
  std::string what;  // "left_out"
  std::int64_t messages = 0;
  std::string sentence;  // for the person who asks

  static constexpr auto members = json_members(json_member("messages", &RepeatTotal::messages),
                                               json_member("sentence", &RepeatTotal::sentence),
                                               json_member("what", &RepeatTotal::what));
};

struct RepeatExample {
  std::int64_t time_ms = 0;
  std::string what;
  std::string key;               // cut at 128 bytes
  std::int64_t original_ms = 0;  // when the first one was stored; 0: not known
  std::string original_id;       // its offset message id
  std::int32_t queue_id = 0;     // its place
  std::int64_t queue_offset = 0;

  static constexpr auto members = json_members(
      json_member("key", &RepeatExample::key),
      json_member("originalId", &RepeatExample::original_id),
      json_member("originalTime", &RepeatExample::original_ms),
      json_member("queueId", &RepeatExample::queue_id),
      json_member("queueOffset", &RepeatExample::queue_offset),
      json_member("time", &RepeatExample::time_ms), json_member("what", &RepeatExample::what));
};

struct IdempotencyReport {
  std::string mode;  // "enforce", "shadow", "off"
  std::string key;   // "UNIQ_KEY", empty when off
  std::int64_t window_ms = 0;
  std::vector<RepeatTotal> totals;    // since the broker started
  std::vector<RepeatExample> latest;  // newest first, at most 20

  static constexpr auto members =
      json_members(json_member("key", &IdempotencyReport::key),
                   json_member("latest", &IdempotencyReport::latest),
                   json_member("mode", &IdempotencyReport::mode),
                   json_member("totals", &IdempotencyReport::totals),
                   json_member("windowMs", &IdempotencyReport::window_ms));
};

}  // namespace oncemq::wire
