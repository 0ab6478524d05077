#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "front/remoting/send_lane.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::front {

// Sends and send-backs: staged into the loop's batch, answered by the SendLane. Thread rule:
// confined to the loop.
class SendFamily {
 public:
  SendFamily(SendLane& lane, broker::Broker& broker) : lane_(lane), broker_(broker) {}

  void handle(Call call, const Request<wire::SendMessage>& request);
  void handle(Call call, const Request<wire::SendMessageV2>& request);
  void handle(Call call, const Request<wire::SendBatchMessage>& request);
  void handle(Call call, const Request<wire::ConsumerSendMessageBack>& request);

 private:
  void send(Call call, const wire::SendHeader& header, const wire::Command& command,
            net::Connection& connection, bool batch);

  SendLane& lane_;
  broker::Broker& broker_;
};

}  // namespace oncemq::front
