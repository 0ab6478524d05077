#pragma once

#include "front/remoting/call.h"
#include "route/kv_config.h"
#include "wire/remoting/schema/name_kv.h"

namespace oncemq::front {

struct EdgeParts;

// Key-value tables and configuration of the name service. Thread rule: confined to the loop.
class NameKvFamily {
 public:
  explicit NameKvFamily(const EdgeParts& parts);

  void handle(Call call, const Request<wire::PutKvConfig>& request);
  void handle(Call call, const Request<wire::GetKvConfig>& request);
  void handle(Call call, const Request<wire::DeleteKvConfig>& request);
  void handle(Call call, const Request<wire::GetKvListByNamespace>& request);
  void handle(Call call, const Request<wire::UpdateNameServerConfig>& request);
  void handle(Call call, const Request<wire::GetNameServerConfig>& request);

 private:
  const EdgeParts& parts_;
  route::KvConfig& kv_;
};

}  // namespace oncemq::front
