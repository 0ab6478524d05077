#include "front/remoting/query.h"

#include <algorithm>
#include <array>

#include "model/properties.h"
#include "model/record_codec.h"
#include "wire/remoting/body/stats.h"

namespace oncemq::front {

void QueryFamily::handle(Call call, const Request<wire::QueryMessage>& request) {
  const auto& header = request.header;
  const auto found = broker_.query().by_key({.topic = header.topic,
                                             .key = header.key,
                                             .max = header.max_messages,
                                             .begin_ms = header.begin_timestamp,
                                             .end_ms = header.end_timestamp,
                                             .unique = header.unique_key});
  if (!found) return call.refuse(found.error());
  call.records(wire::ResponseCode::kSuccess, {},
               wire::QueryMessage::Reply{
                   .index_last_update_timestamp = found->index_timestamp,
                   .index_last_update_log_offset = found->index_offset.value,
               },
               found->records);
}

void QueryFamily::handle(Call call, const Request<wire::ViewMessageById>& request) {
  auto record = broker_.query().by_offset(model::LogOffset{request.header.offset});
  if (!record) {
    // compat: upstream QueryMessageProcessor.viewMessageById knows one failure only.
    return call.refuse(wire::ResponseCode::kSystemError, record.error().message);
  }
  const std::array spans{*record};
  call.records(wire::ResponseCode::kSuccess, {}, wire::NoFields{}, spans);
}

void QueryFamily::handle(Call call, const Request<wire::QueryConsumeQueue>& request) {
  const auto& header = request.header;
  constexpr std::int32_t kRowsMax = 1024;
  store::ConsumeQueue* queue = store_.find_queue(header.topic, header.queue_id);
  if (queue == nullptr) {
    return call.refuse(
        wire::ResponseCode::kSystemError,
        std::to_string(header.queue_id) + "@" + std::string(header.topic) + " is not exist!");
  }
  wire::QueueEntries body;
  body.min_index = queue->min().value;
  body.max_index = queue->max().value;
  if (!header.consumer_group.empty()) {
    const auto view = broker_.clients().pull_view(header.consumer_group, header.topic);
    // compat: texts for mqadmin queryCq (upstream AdminBrokerProcessor.queryConsumeQueue, 5.3.3).
    // It evaluates a filter only on entries with an extension, which are not written here.
    if (view.subscription) {
      body.subscription = *view.subscription;
      body.filter_data = "null";
    } else {
      body.filter_data =
          std::string(header.consumer_group) + "@" + std::string(header.topic) + " is not online!";
    }
  }

  const std::int64_t end =
      std::min(body.max_index, header.index + std::clamp(header.count, std::int32_t{0}, kRowsMax));
  for (std::int64_t index = std::max(header.index, body.min_index); index < end; ++index) {
    const store::ReadResult read = store_.read(
        {.queue = queue, .offset = model::QueueOffset{index}, .max_messages = 1, .max_bytes = 1});
    if (read.status != store::ReadStatus::kFound || read.spans.empty()) continue;
    const auto record = model::decode_record(read.spans[0].bytes, model::Verify::kNone);
    wire::QueueEntry row;
    row.log_offset = read.last_log_offset.value;
    row.size = static_cast<std::int32_t>(read.bytes);
    if (record && record->kind == model::RecordKind::kMessage) {
      row.tags_code = model::tags_code(
          model::find_property(record->record.properties, model::property::kTags).value_or(""));
    }
    body.entries.push_back(std::move(row));
  }
  call.ok(wire::encode_body(body));
}

}  // namespace oncemq::front
