#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/offsets.h"

namespace oncemq::front {

// Offsets of groups and of queues. Thread rule: confined to the loop.
class OffsetFamily {
 public:
  explicit OffsetFamily(broker::Broker& broker) : broker_(broker) {}

  void handle(Call call, const Request<wire::QueryConsumerOffset>& request);
  void handle(Call call, const Request<wire::UpdateConsumerOffset>& request);
  void handle(Call call, const Request<wire::SearchOffsetByTimestamp>& request);
  void handle(Call call, const Request<wire::GetMaxOffset>& request);
  void handle(Call call, const Request<wire::GetMinOffset>& request);
  void handle(Call call, const Request<wire::GetEarliestMessageStoreTime>& request);

 private:
  broker::Broker& broker_;
};

}  // namespace oncemq::front
