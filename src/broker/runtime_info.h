#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "broker/broker_stats.h"
#include "broker/options.h"
#include "broker/schedule.h"
#include "broker/timers.h"
#include "os/clock.h"
#include "store/message_store.h"

namespace oncemq::broker {

// The table that brokerStatus and clusterList print (request 28). The protocol edge adds the sizes
// of its own queues and the version. Thread rule: monitor.
class RuntimeInfo {
 public:
  RuntimeInfo(const Options& options, const Switches& switches, const Schedule& schedule,
              const Timers& timers, const store::MessageStore& store, const BrokerStats& stats,
              const os::Clock& clock);

  std::map<std::string, std::string> table() const;

 private:
  const Options& options_;
  const Switches& switches_;
  const Schedule& schedule_;
  const Timers& timers_;
  const store::MessageStore& store_;
  const BrokerStats& stats_;
  const os::Clock& clock_;
  const std::int64_t boot_ms_;
};

}  // namespace oncemq::broker
