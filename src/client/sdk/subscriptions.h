#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/subscription.h"
#include "oncemq/result.h"
#include "oncemq/subscription.h"

namespace oncemq::sdk {

// As brokers are told. `version`: ms since epoch. kInvalidArgument with the reason: a topic or an
// expression that no broker takes, a topic twice.
Result<model::Subscription> subscription_of(const Subscription& wanted, std::int64_t version);
Result<std::vector<model::Subscription>> subscriptions_of(std::span<const Subscription> wanted,
                                                          std::int64_t version);

}  // namespace oncemq::sdk
