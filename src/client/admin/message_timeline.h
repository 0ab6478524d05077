#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/admin/admin.h"

// What happened to a message, and why (docs/message-why.md).
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

}  // namespace oncemq::client
