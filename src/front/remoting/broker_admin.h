#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "model/settings.h"
#include "wire/remoting/schema/broker_admin.h"

namespace oncemq::front {

struct EdgeParts;

// The broker as a whole: configuration, state, cleaning. Thread rule: confined to the loop.
class BrokerAdminFamily {
 public:
  explicit BrokerAdminFamily(const EdgeParts& parts);

  void handle(Call call, const Request<wire::UpdateBrokerConfig>& request);
  void handle(Call call, const Request<wire::GetBrokerConfig>& request);
  void handle(Call call, const Request<wire::GetBrokerRuntimeInfo>& request);
  void handle(Call call, const Request<wire::ViewBrokerStatsData>& request);
  void handle(Call call, const Request<wire::CleanExpiredConsumeQueue>& request);
  void handle(Call call, const Request<wire::DeleteExpiredCommitLog>& request);

 private:
  const EdgeParts& parts_;
  broker::Broker& broker_;
};

// Applies `key=value` lines sent by an operator and keeps them (requests 25 and 318).
void update_settings(Call call, const EdgeParts& parts, std::string_view lines);

}  // namespace oncemq::front
