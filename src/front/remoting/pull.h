#pragma once

#include <memory>

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/pull.h"

namespace oncemq::front {

// Pulls with long polling. A pull that finds nothing is parked at the broker with its call; the
// wake-up comes back to this loop and pulls again. Thread rule: confined to the loop.
class PullFamily {
 public:
  explicit PullFamily(broker::Broker& broker) : broker_(broker) {}

  void handle(Call call, const Request<wire::PullMessage>& request);
  void handle(Call call, const Request<wire::LitePullMessage>& request);

 private:
  struct Parked;
  class Waiter;

  void pull(Call call, const wire::PullHeader& header, bool lite);
  void again(std::unique_ptr<Parked> parked);
  void answer(Call& call, const broker::PullRequest& request, broker::PullResult& result);
  static void refuse(Call& call, const broker::PullRefusal& refusal);

  broker::Broker& broker_;
};

}  // namespace oncemq::front
