#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/sdk/calls.h"
#include "client/sdk/outgoing.h"
#include "client/sdk/popped.h"
#include "client/sdk/session.h"
#include "client/sdk/unique_ids.h"
#include "oncemq/pop_consumer.h"
#include "oncemq/transaction.h"

namespace oncemq::sdk {

// What a transaction has collected. Thread rule: external.
class Transaction::Core {
 public:
  // All outlive it.
  Core(Session& session, UniqueIds& ids, const PopConsumerOptions& options)
      : session_(session), ids_(ids), options_(options), id_(ids.next()) {}

  Status send(const Message& message);
  Status ack(const Delivery& delivery);
  Result<std::vector<Receipt>> commit();
  void rollback();

 private:
  static constexpr std::size_t kBodyMax = 4U << 20;  // of a message; brokers may allow less

  Status check_open() const;
  Result<std::vector<Receipt>> receipts(const client::Answer& answer) const;

  Session& session_;
  UniqueIds& ids_;
  const PopConsumerOptions& options_;
  const std::string id_;
  std::vector<Outgoing> messages_;
  std::vector<HandleParts> acks_;
  std::int64_t born_ms_ = 0;
  bool over_ = false;
};

}  // namespace oncemq::sdk
