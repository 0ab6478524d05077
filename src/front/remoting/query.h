#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/query.h"

namespace oncemq::front {

// Finding messages. Thread rule: confined to the loop.
class QueryFamily {
 public:
  QueryFamily(broker::Broker& broker, store::MessageStore& store)
      : broker_(broker), store_(store) {}

  void handle(Call call, const Request<wire::QueryMessage>& request);
  void handle(Call call, const Request<wire::ViewMessageById>& request);
  void handle(Call call, const Request<wire::QueryConsumeQueue>& request);

 private:
  broker::Broker& broker_;
  store::MessageStore& store_;
};

}  // namespace oncemq::front
