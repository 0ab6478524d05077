#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/faults.h"

namespace oncemq::front {

// Why every order about faults is refused when they are not allowed.
Error faults_refusal();

// Orders about faults; where they strike is decided by the families of the requests they are about.
// Thread rule: confined to the loop.
class FaultFamily {
 public:
  explicit FaultFamily(broker::Broker& broker) : faults_(broker.faults()) {}

  void handle(Call call, const Request<wire::AddFault>& request);
  void handle(Call call, const Request<wire::ListFaults>& request);
  void handle(Call call, const Request<wire::ClearFaults>& request);

 private:
  broker::Faults* const faults_;  // null: not allowed
};

}  // namespace oncemq::front
