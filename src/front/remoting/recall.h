#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/recall.h"

namespace oncemq::front {

// Taking back timers. Thread rule: confined to the loop; answers come from the service thread.
class RecallFamily {
 public:
  RecallFamily(broker::Broker& broker, const broker::Options& options,
               const broker::Switches& switches, const os::Clock& clock)
      : broker_(broker), options_(options), switches_(switches), clock_(clock) {}

  void handle(Call call, const Request<wire::RecallMessage>& request);

 private:
  broker::Broker& broker_;
  const broker::Options& options_;
  const broker::Switches& switches_;
  const os::Clock& clock_;
};

}  // namespace oncemq::front
