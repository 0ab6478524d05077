#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/causes.h"

namespace oncemq::front {

// Why groups were given messages again. Thread rule: confined to the loop.
class CauseFamily {
 public:
  static constexpr std::size_t kRecentMax = 100;

  explicit CauseFamily(broker::Broker& broker) : broker_(broker) {}

  void handle(Call call, const Request<wire::GetGroupCauses>& request);

 private:
  broker::Broker& broker_;
};

}  // namespace oncemq::front
