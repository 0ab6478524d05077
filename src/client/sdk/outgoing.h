#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "client/sdk/unique_ids.h"
#include "oncemq/message.h"
#include "oncemq/result.h"

namespace oncemq::sdk {

// A message or a batch as it travels. Thread rule: external.
struct Outgoing {
  std::string topic;
  std::string properties;  // stored form
  std::string body;
  std::string ids;  // unique keys, comma-separated
  bool batch = false;
};

// Checks and encodes. kMessageIllegal with the reason.
Result<Outgoing> encode(const Message& message, UniqueIds& ids, std::size_t body_max);
Result<Outgoing> encode_batch(std::span<const Message> batch, UniqueIds& ids, std::size_t body_max);

}  // namespace oncemq::sdk
