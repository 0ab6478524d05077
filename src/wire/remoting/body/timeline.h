#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/remoting/body/body.h"

// EXPLAIN_MESSAGE (31051), REPORT_DUPLICATES (31052).
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

struct DuplicateCount {
  std::string topic;
  std::string group;  // empty: sends
  std::string what;   // a cause, or what an idempotent topic did
  std::string sentence;
  std::int64_t copies = 0;
  std::int64_t of = 0;         // messages given or stored, copies included
  std::int64_t known = 0;      // copies whose distance from the message before is known
  std::int64_t median_ms = 0;  // of these
  std::int64_t longest_ms = 0;

  static constexpr auto members = json_members(
      json_member("copies", &DuplicateCount::copies), json_member("group", &DuplicateCount::group),
      json_member("known", &DuplicateCount::known),
      json_member("longestMs", &DuplicateCount::longest_ms),
      json_member("medianMs", &DuplicateCount::median_ms), json_member("of", &DuplicateCount::of),
      json_member("sentence", &DuplicateCount::sentence),
      json_member("topic", &DuplicateCount::topic), json_member("what", &DuplicateCount::what));
};

struct DuplicateCounts {
  std::vector<DuplicateCount> rows;

  static constexpr auto members = json_members(json_member("rows", &DuplicateCounts::rows));
};

}  // namespace oncemq::wire
