#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/remoting/body/body.h"

// EXPLAIN_MESSAGE (31051).
namespace oncemq::wire {

struct TimelineEvent {
  std::int64_t time_ms = 0;
  std::string what;  // "stored", "popped", ...
  std::string topic;
  std::int32_t queue_id = 0;  // -1: of no place
  std::int64_t queue_offset = 0;
  std::string group;  // empty: of none
  std::string who;    // consumer, producer's address, operator
  std::string sentence;

  static constexpr auto members = json_members(
      json_member("group", &TimelineEvent::group), json_member("queueId", &TimelineEvent::queue_id),
      json_member("queueOffset", &TimelineEvent::queue_offset),
      json_member("sentence", &TimelineEvent::sentence),
      json_member("time", &TimelineEvent::time_ms), json_member("topic", &TimelineEvent::topic),
      json_member("what", &TimelineEvent::what), json_member("who", &TimelineEvent::who));
};

struct MessageTimeline {
  std::string topic;
  std::vector<std::string> unique_keys;
  std::vector<TimelineEvent> events;  // by time
  std::vector<std::string> notes;     // what is not known any more, and how groups stand

  static constexpr auto members = json_members(
      json_member("events", &MessageTimeline::events),
      json_member("notes", &MessageTimeline::notes), json_member("topic", &MessageTimeline::topic),
      json_member("uniqueKeys", &MessageTimeline::unique_keys));
};

}  // namespace oncemq::wire
