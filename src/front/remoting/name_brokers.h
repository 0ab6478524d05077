#pragma once

#include "front/remoting/call.h"
#include "route/kv_config.h"
#include "route/name_service.h"
#include "wire/remoting/schema/name_brokers.h"

namespace oncemq::front {

struct EdgeParts;

// Brokers that come, stay and go; ours may be one of them, or Apache's. Thread rule: confined to
// the loop.
class NameBrokerFamily {
 public:
  explicit NameBrokerFamily(const EdgeParts& parts);

  void handle(Call call, const Request<wire::RegisterBroker>& request);
  void handle(Call call, const Request<wire::UnregisterBroker>& request);
  void handle(Call call, const Request<wire::BrokerHeartbeat>& request);
  void handle(Call call, const Request<wire::QueryDataVersion>& request);
  void handle(Call call, const Request<wire::GetBrokerMemberGroup>& request);
  void handle(Call call, const Request<wire::WipeWritePermOfBroker>& request);
  void handle(Call call, const Request<wire::AddWritePermOfBroker>& request);

 private:
  const EdgeParts& parts_;
  route::NameService& names_;
  route::KvConfig& kv_;
};

}  // namespace oncemq::front
