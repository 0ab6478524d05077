#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/remoting/body/body.h"

// GET_DEAD_LETTER_MARKS (31002).
namespace oncemq::wire {

struct DeadLetterOffsets {
  static constexpr std::size_t kMax = 1'000;  // offsets per request

  std::vector<std::int64_t> offsets;  // in the log

  static constexpr auto members = json_members(json_member("offsets", &DeadLetterOffsets::offsets));
};

struct DeadLetterMark {
  std::string by;
  std::string message_id;  // of the copy; empty after a purge
  std::int64_t offset = 0;
  std::string order;  // as in ORDER_DEAD_LETTER
  std::int64_t time_ms = 0;

  static constexpr auto members = json_members(
      json_member("by", &DeadLetterMark::by), json_member("msgId", &DeadLetterMark::message_id),
      json_member("offset", &DeadLetterMark::offset), json_member("order", &DeadLetterMark::order),
      json_member("time", &DeadLetterMark::time_ms));
};

// Only those that have a mark.
struct DeadLetterMarks {
  std::vector<DeadLetterMark> marks;

  static constexpr auto members = json_members(json_member("marks", &DeadLetterMarks::marks));
};

}  // namespace oncemq::wire
