#pragma once

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "wire/remoting/schema/topics.h"

namespace oncemq::front {

// Topics of the broker. An order that changes a topic is answered when it is on disk. Thread rule:
// confined to the loop.
class TopicFamily {
 public:
  TopicFamily(broker::Broker& broker, const broker::Options& options)
      : broker_(broker), options_(options) {}

  void handle(Call call, const Request<wire::UpdateAndCreateTopic>& request);
  void handle(Call call, const Request<wire::UpdateAndCreateTopicList>& request);
  void handle(Call call, const Request<wire::DeleteTopicInBroker>& request);
  void handle(Call call, const Request<wire::GetAllTopicConfig>& request);
  void handle(Call call, const Request<wire::GetTopicConfig>& request);
  void handle(Call call, const Request<wire::GetTopicStatsInfo>& request);
  void handle(Call call, const Request<wire::GetSystemTopicListFromBroker>& request);
  void handle(Call call, const Request<wire::CleanUnusedTopic>& request);
  void handle(Call call, const Request<wire::QueryTopicConsumeByWho>& request);

 private:
  broker::Broker& broker_;
  const broker::Options& options_;
};

}  // namespace oncemq::front
