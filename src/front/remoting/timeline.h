#pragma once

#include "broker/broker.h"
#include "broker/duplicates.h"
#include "broker/timeline.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/timeline.h"

namespace oncemq::front {

// Of its nouns.
broker::Timelines timelines_of(broker::Broker& broker);
broker::Duplicates duplicates_of(broker::Broker& broker, store::MessageStore& store);

// What happened to a message, and how often messages come twice. Thread rule: confined to the loop.
class TimelineFamily {
 public:
  TimelineFamily(broker::Broker& broker, store::MessageStore& store)
      : broker_(broker), store_(store) {}

  void handle(Call call, const Request<wire::ExplainMessage>& request);
  void handle(Call call, const Request<wire::ReportDuplicates>& request);

 private:
  broker::Broker& broker_;
  store::MessageStore& store_;
};

}  // namespace oncemq::front
