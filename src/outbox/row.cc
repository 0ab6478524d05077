#include "outbox/row.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/json.h"
#include "base/utf8.h"
#include "client/sdk/failure.h"
#include "model/topic.h"

namespace oncemq::outbox {
namespace {

using sdk::Errc;
using sdk::failure;

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> all;
  for (std::size_t end = 0; !text.empty(); text.remove_prefix(std::min(end + 1, text.size()))) {
    end = std::min(text.find(' '), text.size());
    if (end > 0) all.emplace_back(text.substr(0, end));
  }
  return all;
}

bool is_plain(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::kBool:
    case Json::Kind::kInt:
    case Json::Kind::kDouble:
    case Json::Kind::kString:
      return true;
    case Json::Kind::kNull:
    case Json::Kind::kArray:
    case Json::Kind::kObject:
      break;
  }
  return false;
}

sdk::Status add_properties(const std::string& text, sdk::Message& message) {
  if (text.empty()) return {};
  if (!is_utf8(text)) return failure(Errc::kMessageIllegal, "the properties are no UTF-8");
  const auto json = Json::parse(text);
  if (!json)
    return failure(Errc::kMessageIllegal, "the properties are no JSON: " + json.error().message);
  if (!json->is_object()) return failure(Errc::kMessageIllegal, "the properties are no object");
  for (const auto& [name, value] : json->members()) {
    if (!is_plain(value))
      return failure(Errc::kMessageIllegal,
                     "property '" + name + "' is no text, number or boolean");
    if (name == kRowProperty)
      return failure(Errc::kMessageIllegal, "property '" + name + "' is the relay's");
    message.properties.insert_or_assign(name, value.as_string());
  }
  return {};
}

constexpr std::int64_t kRestMax = 64 << 10;  // a message's properties are shorter

}  // namespace

bool is_readable(const Row& row, std::int64_t body_max) {
  return row.body_bytes <= body_max && row.rest_bytes <= kRestMax;
}

sdk::Result<sdk::Message> to_message(const Row& row, const std::string& outbox,
                                     std::int64_t body_max) {
  if (const auto named = model::check_topic_name(row.topic); !named)
    return failure(Errc::kMessageIllegal, named.error().message);
  if (model::topic::is_forbidden_target(row.topic))
    return failure(Errc::kMessageIllegal, "nobody may send to topic " + row.topic);
  if (row.body_bytes > body_max)
    return failure(
        Errc::kMessageIllegal,
        fmt::format("the body has {} bytes, at most {} can be sent", row.body_bytes, body_max));
  if (!is_readable(row, body_max))
    return failure(Errc::kMessageIllegal,
                   fmt::format("tag, keys and properties have {} bytes", row.rest_bytes));
  sdk::Message message{.topic = row.topic, .body = row.body, .tag = row.tag};
  message.keys = words(row.keys);
  if (auto added = add_properties(row.properties, message); !added)
    return tl::unexpected(std::move(added.error()));
  message.properties[kRowProperty] = outbox + ":" + row.id;
  return message;
}

}  // namespace oncemq::outbox
