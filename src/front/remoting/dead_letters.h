#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "front/remoting/send_lane.h"
#include "wire/remoting/schema/dead_letters.h"

namespace oncemq::front {

// Replay and purge of dead letters; answered when the mark is committed. Thread rule: confined to
// the loop.
class DeadLetterFamily {
 public:
  DeadLetterFamily(SendLane& lane, broker::Broker& broker, const broker::Options& options)
      : lane_(lane), broker_(broker), options_(options) {}

  void handle(Call call, const Request<wire::OrderDeadLetter>& request);
  void handle(Call call, const Request<wire::GetDeadLetterMarks>& request);

 private:
  std::string id_of(model::LogOffset copy) const;

  SendLane& lane_;
  broker::Broker& broker_;
  const broker::Options& options_;
};

}  // namespace oncemq::front
