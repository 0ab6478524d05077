#pragma once

#include "broker/broker.h"
#include "broker/timeline.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/timeline.h"

namespace oncemq::front {

// Of its nouns.
broker::Timelines timelines_of(broker::Broker& broker);

// What happened to a message. Thread rule: confined to the loop.
class TimelineFamily {
 public:
  explicit TimelineFamily(broker::Broker& broker) : broker_(broker) {}

  void handle(Call call, const Request<wire::ExplainMessage>& request);

 private:
  broker::Broker& broker_;
};

}  // namespace oncemq::front
