#pragma once

#include <memory>

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "front/remoting/send_lane.h"
#include "wire/remoting/schema/reply.h"

namespace oncemq::front {

// Replies of request-reply: passed to the client that asked, on the loop of its connection, and
// stored beside (storeReplyMessageEnable). The answer says whether the asker has the reply; whether
// it could be stored is only logged, as upstream. Thread rule: confined to the loop.
class ReplyFamily {
 public:
  // How long the asker may take to confirm.
  static constexpr std::int64_t kClientTimeoutMs = 10'000;

  ReplyFamily(SendLane& lane, broker::Broker& broker, const broker::Options& options,
              const broker::Switches& switches, const os::Clock& clock)
      : lane_(lane), broker_(broker), options_(options), switches_(switches), clock_(clock) {}

  void handle(Call call, const Request<wire::SendReplyMessage>& request);
  void handle(Call call, const Request<wire::SendReplyMessageV2>& request);

 private:
  struct Push;

  void reply(Call call, const wire::SendHeader& header, const wire::Command& command,
             net::Connection& connection);
  static void push(std::shared_ptr<Push> push, net::ConnectionRef asker);

  SendLane& lane_;
  broker::Broker& broker_;
  const broker::Options& options_;
  const broker::Switches& switches_;
  const os::Clock& clock_;
};

}  // namespace oncemq::front
