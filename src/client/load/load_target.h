#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "client/load/load.h"
#include "client/load/pull_load.h"
#include "client/remoting/remoting_client.h"

namespace oncemq::client {

struct TargetOptions {
  std::string name_server;  // or
  std::string broker;
  std::string topic;
  std::int32_t queues = 8;
  bool create_topic = true;
};

// The queues of the topic: with a name server those of all masters (of the route when the topic is
// not to be created), with a broker the first `queues`. Errors of the calls; kTopicNotFound.
Result<std::vector<LoadQueue>> find_target(RemotingClient& client, const TargetOptions& options);

enum class Begin : std::uint8_t { kEarliest, kLatest };
// The same queues with an offset each.
Result<std::vector<PullQueue>> find_offsets(RemotingClient& client, const std::string& topic,
                                            const std::vector<LoadQueue>& queues, Begin begin);

}  // namespace oncemq::client
