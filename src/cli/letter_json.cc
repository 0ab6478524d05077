#include "cli/letter_json.h"

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "model/properties.h"

namespace oncemq::cli {

namespace {

// Whether an object of names and values tells all of it: text, no name twice, no stray byte 1. The
// last pair may lack its end, as current Java clients send it.
bool fits_object(const client::StoredMessage& message) {
  if (!is_utf8(message.properties)) return false;
  std::string again;
  std::set<std::string, std::less<>> names;
  for (const auto& [name, value] : message.all_properties()) {
    if (!names.insert(std::string(name)).second ||
        value.find(model::kNameEnd) != std::string_view::npos)
      return false;
    model::append_property(again, name, value);
  }
  const std::string_view text = again;
  return message.properties == text ||
         (!text.empty() && message.properties == text.substr(0, text.size() - 1));
}

}  // namespace

Json letter_to_json(const client::Letter& letter) {
  const client::StoredMessage& message = letter.message;
  Json json = Json::object();
  json.set("id", message.id)
      .set("topic", message.topic)
      .set("originTopic", letter.origin_topic())
      .set("cause", letter.cause())
      .set("queueOffset", message.queue_offset)
      .set("bornTime", message.born_ms)
      .set("bornHost", message.born_host)
      .set("storeTime", message.store_ms)
      .set("reconsumeTimes", message.reconsume_times)
      .set("flag", message.flag)
      .set("sysFlag", message.sys_flag);
  if (letter.mark) {
    Json mark = Json::object();
    mark.set("order", letter.mark->order)
        .set("by", letter.mark->by)
        .set("time", letter.mark->time_ms)
        .set("copy", letter.mark->message_id);
    json.set("mark", std::move(mark));
  }
  if (fits_object(message)) {
    Json properties = Json::object();
    for (const auto& [name, value] : message.all_properties()) properties.set(name, value);
    json.set("properties", std::move(properties));
  } else {
    json.set("propertiesBase64", to_base64(as_bytes(message.properties)));
  }
  if (is_utf8(message.body))
    json.set("body", message.body);
  else
    json.set("bodyBase64", to_base64(as_bytes(message.body)));
  return json;
}

Result<client::StoredMessage> letter_from_json(std::string_view line) {
  const auto json = Json::parse(line);
  if (!json) return fail(json.error());
  if (!json->is_object()) return fail(Errc::kBadBytes, "not a JSON object");
  client::StoredMessage message;
  message.born_ms = (*json)["bornTime"].as_int();
  message.reconsume_times = static_cast<std::int32_t>((*json)["reconsumeTimes"].as_int());
  message.flag = static_cast<std::int32_t>((*json)["flag"].as_int());
  message.sys_flag = static_cast<std::int32_t>((*json)["sysFlag"].as_int());
  if (json->has("propertiesBase64")) {
    auto properties = from_base64((*json)["propertiesBase64"].as_string());
    if (!properties) return fail(std::move(properties.error()));
    message.properties = std::move(*properties);
  } else {
    for (const auto& [name, value] : (*json)["properties"].members()) {
      const std::string text = value.as_string();
      for (const std::string& part : {name, text})
        if (part.find(model::kNameEnd) != std::string::npos ||
            part.find(model::kPairEnd) != std::string::npos)
          return fail(Errc::kBadBytes, "a property has the bytes 1 or 2");
      model::append_property(message.properties, name, text);
    }
  }
  if (json->has("bodyBase64")) {
    auto body = from_base64((*json)["bodyBase64"].as_string());
    if (!body) return fail(std::move(body.error()));
    message.body = std::move(*body);
  } else {
    message.body = (*json)["body"].as_string();
  }
  if (message.body.empty()) return fail(Errc::kBadBytes, "no body");
  return message;
}

}  // namespace oncemq::cli
