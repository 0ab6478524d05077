#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/client_calls.h"
#include "wire/remoting/schema/connections.h"

namespace oncemq::front {

// Who is connected, and operators' questions that are passed on to a client. The client may be
// connected to another loop: the question goes there, the operator's token with it. Thread rule:
// confined to the loop.
class ConnectionFamily {
 public:
  // How long a client may take to answer.
  static constexpr std::int64_t kClientTimeoutMs = 10'000;

  ConnectionFamily(broker::Broker& broker, const broker::Options& options)
      : broker_(broker), options_(options) {}

  void handle(Call call, const Request<wire::GetConsumerConnectionList>& request);
  void handle(Call call, const Request<wire::GetProducerConnectionList>& request);
  void handle(Call call, const Request<wire::GetAllProducerInfo>& request);
  void handle(Call call, const Request<wire::GetConsumerRunningInfo>& request);
  void handle(Call call, const Request<wire::ConsumeMessageDirectly>& request);
  void handle(Call call, const Request<wire::InvokeBrokerToGetConsumerStatus>& request);

 private:
  // The client's connection; kConsumerOffline, kNotSupported (older than V3_1_8_SNAPSHOT).
  Result<net::ConnectionRef> client_of(std::string_view group, std::string_view client_id) const;

  broker::Broker& broker_;
  const broker::Options& options_;
};

}  // namespace oncemq::front
