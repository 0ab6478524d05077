#include "once/key.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "client/sdk/failure.h"
#include "model/topic.h"

namespace oncemq::once {

using sdk::Errc;
using sdk::failure;

KeyOf by_unique_key() {
  return [](const sdk::Delivery& delivery) { return delivery.message_id; };
}

KeyOf by_keys() {
  return [](const sdk::Delivery& delivery) {
    return fmt::format("{}", fmt::join(delivery.message.keys, " "));
  };
}

KeyOf by_property(std::string name) {
  return [name = std::move(name)](const sdk::Delivery& delivery) {
    const auto found = delivery.message.properties.find(name);
    return found == delivery.message.properties.end() ? std::string() : found->second;
  };
}

sdk::Result<Claim> claim_of(const sdk::Delivery& delivery, const KeyOf& key, Scope scope) {
  Claim claim{.attempt = delivery.attempt};
  if (const auto told = guarded([&]() -> sdk::Status {
        claim.key = key(delivery);
        return {};
      });
      !told)
    return tl::unexpected(told.error());
  if (claim.key.empty()) return failure(Errc::kInvalidArgument, "the message has no key");
  if (claim.key.size() > kKeyMax)
    return failure(Errc::kInvalidArgument,
                   fmt::format("a key of {} bytes: {} at most", claim.key.size(), kKeyMax));
  // It becomes part of a statement: its characters are checked, whoever delivered it.
  if (const auto good = model::check_topic_name(delivery.message.topic); !good)
    return failure(Errc::kInvalidArgument, good.error().message);
  if (scope == Scope::kTopic) claim.topic = delivery.message.topic;
  return claim;
}

}  // namespace oncemq::once
