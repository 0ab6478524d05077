#pragma once

#include <memory>
#include <vector>

#include "oncemq/message.h"
#include "oncemq/result.h"

namespace oncemq::sdk {

// Messages, and acks of what they were made of, that count together or not at all (docs/sdk.md,
// docs/atomic-commits.md). PopConsumer::begin() gives one; it must not outlive its consumer. Only
// OnceMQ knows them. Thread rule: external.
class Transaction {
 public:
  // As rollback().
  ~Transaction();
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;

  // Both collect, and talk to nobody. At most 1024 of each. kMessageIllegal; kInvalidArgument: the
  // delivery is of another broker than those before, or of no PopConsumer of the group, or the
  // transaction is over.
  Status send(const Message& message);
  Status ack(const Delivery& delivery);

  // Waits for the answer, at most the consumer's `timeout`; it has to ack something. Receipts in
  // the order of the messages. kRefused with 40902: somebody else has the work by now. After
  // kTimeout, kUnreachable or kClosed with `maybe_stored` nobody knows what became of it: commit()
  // again asks, and does it at most once. Any other error, and success, end the transaction;
  // nothing happened after an error. When the answer to an attempt was lost, receipts have the
  // offset -1.
  Result<std::vector<Receipt>> commit();

  // Forgets everything: the messages come again when their time is over. Any number of times.
  void rollback();

 private:
  friend class PopConsumer;
  class Core;
  explicit Transaction(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace oncemq::sdk
