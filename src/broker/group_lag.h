#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/client_registry.h"
#include "broker/consumer_offsets.h"
#include "broker/deliveries.h"
#include "broker/popper.h"
#include "broker/topic_table.h"
#include "os/clock.h"
#include "store/message_store.h"

namespace oncemq::broker {

// How far a group is behind on a topic.
struct GroupLag {
  std::string topic;
  std::string group;
  std::int64_t messages = 0;
  // Since the oldest message that the group has not consumed was stored; 0 when there is none, -1
  // when it was not asked for.
  std::int64_t age_ms = -1;
  // Of `messages`: given to a consumer and not yet consumed; what a restart forgot is not counted.
  std::int64_t in_flight = 0;
};

// Looks at all groups that have consumed something. Reads the log: not for a loop that clients wait
// for. Thread rule: monitor.
class GroupLags {
 public:
  GroupLags(const TopicTable& topics, const ConsumerOffsets& offsets, const ClientRegistry& clients,
            const Deliveries& deliveries, const Popper& popper, store::MessageStore& store,
            const os::Clock& clock)
      : topics_(topics),
        offsets_(offsets),
        clients_(clients),
        deliveries_(deliveries),
        popper_(popper),
        store_(store),
        clock_(clock) {}

  // Most messages first; the first `ages` rows get their age. What an online group no longer
  // subscribes is left out, as consumerProgress does.
  std::vector<GroupLag> all(std::size_t ages) const;
  // One group, by topic, with ages.
  std::vector<GroupLag> of_group(const std::string& group) const;

 private:
  void count(GroupLag& lag, const ConsumerOffsets::Table& table) const;
  std::int64_t age_ms(const std::string& topic, const ConsumerOffsets::Table& table) const;

  const TopicTable& topics_;
  const ConsumerOffsets& offsets_;
  const ClientRegistry& clients_;
  const Deliveries& deliveries_;
  const Popper& popper_;
  store::MessageStore& store_;
  const os::Clock& clock_;
};

}  // namespace oncemq::broker
