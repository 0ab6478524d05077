#pragma once

#include <functional>
#include <span>

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "model/live_settings.h"
#include "model/settings.h"
#include "wire/remoting/schema/broker_admin.h"

namespace oncemq::front {

struct EdgeParts;
using SaveSettings = std::function<Status(std::span<const model::SettingAssignment>)>;

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

// Sets what an operator wants, now and for the next start. As LiveSettings::update; kNoPermission
// also for keys that nobody may set at runtime; whatever `save` fails with. Any thread.
Status change_settings(model::LiveSettings& settings, const SaveSettings& save,
                       std::span<const model::SettingAssignment> assignments);

// Applies `key=value` lines sent by an operator and keeps them (requests 25 and 318).
void update_settings(Call call, const EdgeParts& parts, std::string_view lines);

}  // namespace oncemq::front
