#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "broker/broker.h"
#include "broker/transaction_listing.h"

namespace oncemq::front {

// The transaction that an operator names by half-queue offset, offset message id (of the half
// message or its discarded copy), or transaction id; the latter by the key index, so that no other
// half message is read. When several have the id (a producer sent the message twice), the one that
// is open or discarded; kInvalidArgument when more than one is. kNotReady, kMessageNotFound.
Result<broker::TransactionView> find_transaction(broker::Broker& broker, std::string_view name);

Json transaction_json(const broker::TransactionView& view);

}  // namespace oncemq::front
