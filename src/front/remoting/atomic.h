#pragma once

#include <vector>

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "front/remoting/send_lane.h"
#include "wire/remoting/schema/atomic.h"

namespace oncemq::front {

// Consume-process-produce in one step; answers are held by the lane of sends. Thread rule: confined
// to the loop.
class AtomicFamily {
 public:
  AtomicFamily(SendLane& lane, broker::Broker& broker, const broker::Options& options)
      : lane_(lane), broker_(broker), options_(options) {}

  void handle(Call call, const Request<wire::CommitAtomically>& request);

 private:
  std::string answer(std::size_t sends) const;

  SendLane& lane_;
  broker::Broker& broker_;
  const broker::Options& options_;
  // Of one commit, reused.
  broker::AtomicScratch scratch_;
  std::vector<broker::PopHandle> acks_;
  std::vector<broker::OffsetMove> moves_;
  std::vector<broker::SendRequest> sends_;
};

}  // namespace oncemq::front
