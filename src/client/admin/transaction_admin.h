#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "client/admin/admin.h"

namespace oncemq::client {

// A half message without verdict.
struct TransactionInfo {
  std::string broker;
  std::int64_t half_offset = -1;  // -1: discarded by a broker that does not say
  bool discarded = false;
  std::string transaction_id;
  std::string message_id;  // offset id of its record
  std::string group;
  std::string topic;
  std::int32_t queue_id = 0;
  std::string keys;
  std::int32_t checks = 0;
  std::int64_t born_ms = 0;
  std::int64_t store_ms = 0;
  std::int64_t body_size = 0;
};

// What operators do with transactions, over all masters of a cluster. Thread rule: monitor (as the
// RemotingClient below it).
class TransactionAdmin {
 public:
  // Asks the masters that `admin`, which outlives it, would ask.
  explicit TransactionAdmin(Admin& admin) : admin_(admin), client_(admin.client()) {}

  // At most `max` of each broker; oldest first.
  Result<std::vector<TransactionInfo>> list(bool discarded, std::size_t max);
  // The one that `name` names: its transaction id, its message id, or its half offset. kNotFound
  // when there is none, kInvalidArgument when there are several.
  Result<TransactionInfo> find(std::string_view name);
  // kInvalidArgument, kMessageNotFound, kTopicNotFound.
  Status decide(const TransactionInfo& transaction, bool commit);
  // Asks the producers again about a discarded one.
  Status resume(const TransactionInfo& transaction);

 private:
  Status list_on(const Admin::Master& master, bool discarded, std::size_t max,
                 std::vector<TransactionInfo>& into);
  Result<std::string> address_of(std::string_view broker);

  Admin& admin_;
  RemotingClient& client_;
};

}  // namespace oncemq::client
