#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json_members.h"

// ONCE_LIST_TRANSACTIONS (31001).
namespace oncemq::wire {

// A half message without verdict.
struct OpenTransaction {
  std::int64_t body_size = 0;
  std::int64_t born_ms = 0;
  std::int32_t checks = 0;
  bool discarded = false;
  std::string group;
  std::int64_t half_offset = -1;  // -1: discarded by a broker that does not say
  std::string keys;
  std::int64_t log_offset = 0;
  std::string message_id;  // offset id of the record
  std::int32_t queue_id = 0;
  std::int64_t store_ms = 0;
  std::string topic;
  std::string transaction_id;

  static constexpr auto members =
      json_members(json_member("bodySize", &OpenTransaction::body_size),
                   json_member("bornTimestamp", &OpenTransaction::born_ms),
                   json_member("checks", &OpenTransaction::checks),
                   json_member("discarded", &OpenTransaction::discarded),
                   json_member("group", &OpenTransaction::group),
                   json_member("halfOffset", &OpenTransaction::half_offset),
                   json_member("keys", &OpenTransaction::keys),
                   json_member("logOffset", &OpenTransaction::log_offset),
                   json_member("messageId", &OpenTransaction::message_id),
                   json_member("queueId", &OpenTransaction::queue_id),
                   json_member("storeTimestamp", &OpenTransaction::store_ms),
                   json_member("topic", &OpenTransaction::topic),
                   json_member("transactionId", &OpenTransaction::transaction_id));
};

struct OpenTransactions {
  std::int64_t next = -1;  // to go on from; -1: that was all
  std::vector<OpenTransaction> transactions;

  static constexpr auto members =
      json_members(json_member("next", &OpenTransactions::next),
                   json_member("transactions", &OpenTransactions::transactions));
};

}  // namespace oncemq::wire
