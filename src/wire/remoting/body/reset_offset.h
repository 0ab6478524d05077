#pragma once

#include <map>
#include <string>
#include <vector>

#include "wire/remoting/body/body.h"

// INVOKE_BROKER_TO_RESET_OFFSET (222), RESET_CONSUMER_CLIENT_OFFSET (220) and the status requests
// 221, 223.
namespace oncemq::wire {

struct QueueOffsets {
  std::map<Queue, std::int64_t> offsets;

  static constexpr auto members = json_members(json_member("offsetTable", &QueueOffsets::offsets));
};

// The same for clients whose language is CPP: they read no objects as keys.
struct QueueOffsetRow {
  std::string broker_name;
  std::int64_t offset = 0;
  std::int32_t queue_id = 0;
  std::string topic;

  static constexpr auto members =
      json_members(json_member("brokerName", &QueueOffsetRow::broker_name),
                   json_member("offset", &QueueOffsetRow::offset),
                   json_member("queueId", &QueueOffsetRow::queue_id),
                   json_member("topic", &QueueOffsetRow::topic));
};
struct QueueOffsetRows {
  std::vector<QueueOffsetRow> offsets;

  static constexpr auto members =
      json_members(json_member("offsetTable", &QueueOffsetRows::offsets));
};

// A client answers 221 with its own table, the broker answers 223 with one table per client.
struct ConsumerStatus {
  std::map<std::string, std::map<Queue, std::int64_t>> clients;
  std::map<Queue, std::int64_t> queues;

  static constexpr auto members =
      json_members(json_member("consumerTable", &ConsumerStatus::clients),
                   json_member("messageQueueTable", &ConsumerStatus::queues));
};

}  // namespace oncemq::wire
