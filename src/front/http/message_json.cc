#include "front/http/message_json.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/hex.h"
#include "base/utf8.h"
#include "model/message_id.h"
#include "model/properties.h"

namespace oncemq::front {

Json queue_json(const store::ConsumeQueue& queue) {
  Json json = Json::object();
  json.set("queueId", queue.queue_id());
  json.set("minOffset", queue.min().value);
  json.set("maxOffset", queue.max().value);
  return json;
}

Json message_json(const model::RecordView& record, bool with_body) {
  Json json = Json::object();
  json.set("topic", record.topic);
  json.set("queueId", record.queue_id);
  json.set("queueOffset", record.queue_offset.value);
  json.set("logOffset", record.log_offset.value);
  json.set("offsetMessageId", model::offset_message_id(record.store_host, record.log_offset));
  json.set("bornMs", record.born_timestamp);
  json.set("bornHost", record.born_host.to_string());
  json.set("storedMs", record.store_timestamp);
  json.set("reconsumeTimes", record.reconsume_times);
  json.set("bodyBytes", static_cast<std::int64_t>(record.body.size()));
  Json properties = Json::object();
  model::PropertyCursor cursor(record.properties);
  std::string_view name;
  std::string_view value;
  while (cursor.next(name, value))
    properties.members().emplace_back(std::string(name), Json(value));
  json.set("properties", std::move(properties));
  if (!with_body) return json;
  const Bytes shown = record.body.first(std::min(record.body.size(), kBodyMax));
  if (is_utf8(as_text(shown)))
    json.set("body", as_text(shown));
  else
    json.set("bodyHex", to_hex(shown));
  json.set("bodyComplete", shown.size() == record.body.size());
  return json;
}

Result<Json> messages_json(const store::ReadResult& read, bool with_body) {
  Json list = Json::array();
  for (const store::LogSpan& span : read.spans) {
    Bytes rest = span.bytes;
    while (!rest.empty()) {
      auto decoded = model::decode_record(rest, model::Verify::kBody);
      if (!decoded) return fail(std::move(decoded.error()));
      if (decoded->kind != model::RecordKind::kMessage || decoded->size == 0) break;
      list.push(message_json(decoded->record, with_body));
      rest = rest.subspan(std::min(static_cast<std::size_t>(decoded->size), rest.size()));
    }
  }
  return list;
}

}  // namespace oncemq::front
