#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/clients.h"

namespace oncemq::front {

// What clients say about themselves, queue locks, assignments. Thread rule: confined to the loop.
class ClientFamily {
 public:
  ClientFamily(broker::Broker& broker, const broker::Options& options, const os::Clock& clock)
      : broker_(broker), options_(options), clock_(clock) {}

  void handle(Call call, const Request<wire::Heartbeat>& request);
  void handle(Call call, const Request<wire::UnregisterClient>& request);
  void handle(Call call, const Request<wire::GetConsumerListByGroup>& request);
  void handle(Call call, const Request<wire::CheckClientConfig>& request);
  void handle(Call call, const Request<wire::LockBatchQueues>& request);
  void handle(Call call, const Request<wire::UnlockBatchQueues>& request);
  void handle(Call call, const Request<wire::QueryAssignment>& request);

 private:
  broker::Broker& broker_;
  const broker::Options& options_;
  const os::Clock& clock_;
};

}  // namespace oncemq::front
