#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/remoting/body/body.h"

// GET_GROUP_CAUSES (31011).
namespace oncemq::wire {

struct CauseTotal {
  std::string cause;  // "consumer_asked"
  std::int64_t messages = 0;
  std::string sentence;  // for the person who asks why

  static constexpr auto members = json_members(json_member("cause", &CauseTotal::cause),
                                               json_member("messages", &CauseTotal::messages),
                                               json_member("sentence", &CauseTotal::sentence));
};

struct CauseEvent {
  std::int64_t time_ms = 0;
  std::string cause;
  std::string topic;
  std::int32_t queue_id = 0;
  std::int64_t offset = 0;  // of the first message
  std::int64_t messages = 0;

  static constexpr auto members = json_members(
      json_member("cause", &CauseEvent::cause), json_member("messages", &CauseEvent::messages),
      json_member("offset", &CauseEvent::offset), json_member("queueId", &CauseEvent::queue_id),
      json_member("time", &CauseEvent::time_ms), json_member("topic", &CauseEvent::topic));
};

struct GroupCauses {
  std::vector<CauseTotal> totals;  // every cause, since the broker started
  std::vector<CauseEvent> recent;  // newest first, at most 100

  static constexpr auto members = json_members(json_member("recent", &GroupCauses::recent),
                                               json_member("totals", &GroupCauses::totals));
};

}  // namespace oncemq::wire
