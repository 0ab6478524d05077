#pragma once

#include <string>

#include "once/database.h"
#include "oncemq/once/sql.h"

namespace oncemq::once {

inline constexpr std::size_t kKeyMax = 255;  // bytes: a record is 4 KiB at most with its index

// The record that a delivery needs. kInvalidArgument: no key, one that is too long, or a topic that
// no broker has.
sdk::Result<Claim> claim_of(const sdk::Delivery& delivery, const KeyOf& key, Scope scope);

}  // namespace oncemq::once
