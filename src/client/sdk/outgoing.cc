#include "client/sdk/outgoing.h"

#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "client/sdk/failure.h"
#include "client/sdk/reserved.h"
#include "model/properties.h"
#include "model/topic.h"
#include "wire/remoting/body/message_batch.h"

namespace oncemq::sdk {
namespace {

namespace property = model::property;

// A signed 16-bit length in the log.
constexpr std::size_t kPropertiesMax = 32'767;

bool has_separator(std::string_view text) {
  return text.find_first_of("\x01\x02") != std::string_view::npos;
}

Status check(const Message& message, std::size_t body_max) {
  if (const auto named = model::check_topic_name(message.topic); !named)
    return failure(Errc::kMessageIllegal, named.error().message);
  if (message.body.empty()) return failure(Errc::kMessageIllegal, "the body is empty");
  if (message.body.size() > body_max)
    return failure(Errc::kMessageIllegal,
                   "the body has more than " + std::to_string(body_max) + " bytes");
  if (message.delay_level < 0 || message.deliver_at_ms < 0 ||
      (message.delay_level > 0 && message.deliver_at_ms > 0))
    return failure(Errc::kMessageIllegal, "delay_level and deliver_at_ms contradict each other");
  for (const std::string& key : message.keys)
    if (key.empty() || key.find(' ') != std::string::npos || has_separator(key))
      return failure(Errc::kMessageIllegal, "a key is empty or has a blank: '" + key + "'");
  if (has_separator(message.tag))
    return failure(Errc::kMessageIllegal, "the tag has a control character");
  for (const auto& [name, value] : message.properties)
    if (name.empty() || value.empty() || has_separator(name) || has_separator(value) ||
        is_reserved(name))
      return failure(Errc::kMessageIllegal,
                     "property '" + name + "' is empty, reserved or has a control character");
  return {};
}

Result<std::string> properties_of(const Message& message, const std::string& id) {
  std::string all;
  model::append_property(all, property::kUniqueKey, id);
  model::append_property(all, property::kWait, "true");
  if (!message.tag.empty()) model::append_property(all, property::kTags, message.tag);
  std::string keys;
  for (const std::string& key : message.keys) keys += (keys.empty() ? "" : " ") + key;
  if (!keys.empty()) model::append_property(all, property::kKeys, keys);
  if (message.delay_level > 0)
    model::append_property(all, property::kDelayLevel, std::to_string(message.delay_level));
  if (message.deliver_at_ms > 0)
    model::append_property(all, property::kTimerDeliverMs, std::to_string(message.deliver_at_ms));
  for (const auto& [name, value] : message.properties) model::append_property(all, name, value);
  if (all.size() > kPropertiesMax)
    return failure(Errc::kMessageIllegal, "tag, keys and properties have more than " +
                                              std::to_string(kPropertiesMax) + " bytes");
  return all;
}

}  // namespace

Result<Outgoing> encode(const Message& message, UniqueIds& ids, std::size_t body_max) {
  if (Status checked = check(message, body_max); !checked)
    return tl::unexpected(std::move(checked.error()));
  std::string id = ids.next();
  auto properties = properties_of(message, id);
  if (!properties) return tl::unexpected(std::move(properties.error()));
  return Outgoing{.topic = message.topic,
                  .properties = std::move(*properties),
                  .body = message.body,
                  .ids = std::move(id),
                  .batch = false};
}

Result<Outgoing> encode_batch(std::span<const Message> batch, UniqueIds& ids,
                              std::size_t body_max) {
  if (batch.empty()) return failure(Errc::kMessageIllegal, "the batch is empty");
  Outgoing all{.topic = batch.front().topic, .batch = true};
  std::size_t bodies = 0;
  for (const Message& message : batch) {
    if (message.topic != all.topic) return failure(Errc::kMessageIllegal, "a batch has one topic");
    if (message.delay_level > 0 || message.deliver_at_ms > 0)
      return failure(Errc::kMessageIllegal, "a batch cannot be delayed");
    bodies += message.body.size();
    if (bodies > body_max)
      return failure(Errc::kMessageIllegal,
                     "the bodies have more than " + std::to_string(body_max) + " bytes");
    auto one = encode(message, ids, body_max);
    if (!one) return one;
    wire::append_to_batch(all.body, {.body = as_bytes(one->body), .properties = one->properties});
    all.ids += (all.ids.empty() ? "" : ",") + one->ids;
  }
  // No properties of its own: Apache's broker copies them into each message, and its key with them.
  return all;
}

}  // namespace oncemq::sdk
