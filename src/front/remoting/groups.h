#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "wire/remoting/body/stats.h"
#include "wire/remoting/schema/groups.h"

namespace oncemq::front {

// Consumer groups: settings, progress, offsets. Thread rule: confined to the loop.
class GroupFamily {
 public:
  GroupFamily(broker::Broker& broker, const broker::Options& options)
      : broker_(broker), options_(options) {}

  void handle(Call call, const Request<wire::UpdateAndCreateGroup>& request);
  void handle(Call call, const Request<wire::UpdateAndCreateGroupList>& request);
  void handle(Call call, const Request<wire::GetAllGroupConfig>& request);
  void handle(Call call, const Request<wire::DeleteGroup>& request);
  void handle(Call call, const Request<wire::GetGroupConfig>& request);
  void handle(Call call, const Request<wire::UpdateAndGetGroupForbidden>& request);
  void handle(Call call, const Request<wire::GetConsumeStats>& request);
  void handle(Call call, const Request<wire::GetBrokerConsumeStats>& request);
  void handle(Call call, const Request<wire::QueryConsumeTimeSpan>& request);
  void handle(Call call, const Request<wire::QueryTopicsByConsumer>& request);
  void handle(Call call, const Request<wire::QuerySubscriptionByConsumer>& request);
  void handle(Call call, const Request<wire::CloneGroupOffset>& request);
  void handle(Call call, const Request<wire::InvokeBrokerToResetOffset>& request);
  void handle(Call call, const Request<wire::GetAllConsumerOffset>& request);
  void handle(Call call, const Request<wire::GetAllDelayOffset>& request);
  void handle(Call call, const Request<wire::SetMessageRequestMode>& request);
  void handle(Call call, const Request<wire::GetAllMessageRequestMode>& request);

 private:
  wire::Queue queue(const std::string& topic, std::int32_t queue_id) const;
  wire::ConsumeStats stats_body(const broker::ConsumeStats& stats) const;

  broker::Broker& broker_;
  const broker::Options& options_;
};

}  // namespace oncemq::front
