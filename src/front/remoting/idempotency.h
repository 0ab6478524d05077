#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/idempotency.h"

namespace oncemq::front {

// What was sent twice. Thread rule: confined to the loop.
class IdempotencyFamily {
 public:
  IdempotencyFamily(broker::Broker& broker, const broker::Options& options)
      : broker_(broker), options_(options) {}

  void handle(Call call, const Request<wire::GetIdempotencyReport>& request);

 private:
  broker::Broker& broker_;
  const broker::Options& options_;
};

}  // namespace oncemq::front
