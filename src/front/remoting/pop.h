#pragma once

#include <memory>
#include <string_view>

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "front/remoting/pop_lane.h"
#include "wire/remoting/schema/pop.h"

namespace oncemq::front {

// The handle must be the one of the message that is named. kInvalidArgument.
Result<broker::PopHandle> handle_of(std::string_view group, std::string_view topic,
                                    std::int32_t queue_id, std::int64_t offset,
                                    std::string_view extra_info, broker::ChannelId channel);

// POP consumption (docs/pop.md). What finds nothing is parked at the broker with its call, as
// pulls are; every success waits in the lane until it is committed. Thread rule: confined to the
// loop.
class PopFamily {
 public:
  PopFamily(PopLane& lane, broker::Broker& broker, const broker::Options& options,
            const os::Clock& clock)
      : lane_(lane), broker_(broker), options_(options), clock_(clock) {}

  void handle(Call call, const Request<wire::PopMessage>& request);
  void handle(Call call, const Request<wire::AckMessage>& request);
  void handle(Call call, const Request<wire::PeekMessage>& request);
  void handle(Call call, const Request<wire::ChangeInvisibleTime>& request);
  void handle(Call call, const Request<wire::Notification>& request);
  void handle(Call call, const Request<wire::PollingInfo>& request);
  void handle(Call call, const Request<wire::BatchAckMessage>& request);

 private:
  struct Parked;
  class Waiter;

  // True when the request has spent its time on the way here.
  bool too_late(std::int64_t born_ms, std::int64_t poll_ms) const;
  void run(std::unique_ptr<Parked> parked, bool may_wait);
  void wait(std::unique_ptr<Parked> parked);
  void answer(Parked& parked, broker::PopResult& result);
  void nothing(Parked& parked, wire::ResponseCode code);
  // What faults make of it.
  void repeat(const Parked& parked, broker::PopResult& result);
  bool lost(std::string_view group, std::string_view topic);
  void expire(const broker::PopHandle& handle);

  PopLane& lane_;
  broker::Broker& broker_;
  const broker::Options& options_;
  const os::Clock& clock_;
};

}  // namespace oncemq::front
