#pragma once

#include "front/remoting/call.h"
#include "route/name_service.h"
#include "wire/remoting/schema/name_routes.h"

namespace oncemq::front {

// Routes and topic lists. Thread rule: confined to the loop.
class NameRouteFamily {
 public:
  explicit NameRouteFamily(route::NameService& names) : names_(names) {}

  void handle(Call call, const Request<wire::GetRouteInfoByTopic>& request);
  void handle(Call call, const Request<wire::GetBrokerClusterInfo>& request);
  void handle(Call call, const Request<wire::GetAllTopicListFromNameServer>& request);
  void handle(Call call, const Request<wire::GetTopicsByCluster>& request);
  void handle(Call call, const Request<wire::GetSystemTopicListFromNameServer>& request);
  void handle(Call call, const Request<wire::GetUnitTopicList>& request);
  void handle(Call call, const Request<wire::GetHasUnitSubTopicList>& request);
  void handle(Call call, const Request<wire::GetHasUnitSubUnunitTopicList>& request);
  void handle(Call call, const Request<wire::DeleteTopicInNameServer>& request);
  void handle(Call call, const Request<wire::RegisterTopicInNameServer>& request);

 private:
  route::NameService& names_;
};

}  // namespace oncemq::front
