#pragma once

#include <string>
#include <vector>

#include "wire/remoting/body/body.h"

// LOCK_BATCH_MQ (41) and UNLOCK_BATCH_MQ (42).
namespace oncemq::wire {

struct QueueLockBody {
  std::string client_id;
  std::string group;
  std::vector<Queue> queues;
  bool only_this_broker = false;

  static constexpr auto members =
      json_members(json_member("clientId", &QueueLockBody::client_id),
                   json_member("consumerGroup", &QueueLockBody::group),
                   json_member("mqSet", &QueueLockBody::queues),
                   json_member("onlyThisBroker", &QueueLockBody::only_this_broker));
};

// Queues that the client holds now, named as in the request: clients compare by value.
struct LockedQueues {
  std::vector<Queue> queues;

  static constexpr auto members = json_members(json_member("lockOKMQSet", &LockedQueues::queues));
};

}  // namespace oncemq::wire
