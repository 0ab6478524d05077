#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/admin/admin.h"

// What happened to a message, and how often messages come twice (docs/message-why.md).
namespace oncemq::client {

struct TimelineEntry {
  std::int64_t time_ms = 0;
  std::string broker;
  std::string what;
  std::string topic;
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;
  std::string group;
  std::string who;
  std::string sentence;
};

struct MessageTimeline {
  std::vector<TimelineEntry> entries;                      // by time
  std::vector<std::pair<std::string, std::string>> notes;  // broker and sentence
};

// Of all masters that know the message. `name`: offset message id, unique key or key; `topic` may
// be empty. kMessageNotFound; kNotSupported: a broker is none of ours.
Result<MessageTimeline> message_timeline(Admin& admin, std::string_view topic,
                                         std::string_view name);

struct DuplicateCount {
  std::string broker;
  std::string topic;
  std::string group;  // empty: sends
  std::string what;
  std::string sentence;
  std::int64_t copies = 0;
  std::int64_t of = 0;         // messages given or stored, copies included; 0: not known
  std::int64_t known = 0;      // copies whose distance from the message before is known
  std::int64_t median_ms = 0;  // of these
  std::int64_t longest_ms = 0;
};

// Of all masters, as each sorted them; empty names: all. kNotSupported as above.
Result<std::vector<DuplicateCount>> duplicates(Admin& admin, std::string_view topic,
                                               std::string_view group);

}  // namespace oncemq::client
