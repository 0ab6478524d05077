#include "client/admin/message_finder.h"

#include <algorithm>
#include <map>
#include <utility>

#include "model/message_id.h"
#include "model/properties.h"
#include "model/record_codec.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/name_routes.h"
#include "wire/remoting/schema/offsets.h"
#include "wire/remoting/schema/pull.h"
#include "wire/remoting/schema/query.h"

namespace oncemq::client {
namespace {

using wire::ResponseCode;

// Upstream's admin tools read with this group, which every broker has.
constexpr std::string_view kGroup = "TOOLS_CONSUMER";
constexpr std::int64_t kMasterId = 0;

StoredMessage copy_of(const model::RecordView& record) {
  return {.id = model::offset_message_id(record.store_host, record.log_offset),
          .topic = std::string(record.topic),
          .queue_id = record.queue_id,
          .queue_offset = record.queue_offset.value,
          .born_ms = record.born_timestamp,
          .store_ms = record.store_timestamp,
          .born_host = record.born_host.to_string(),
          .store_host = record.store_host.to_string(),
          .reconsume_times = record.reconsume_times,
          .flag = record.flag,
          .sys_flag = record.sys_flag,
          .compressed = (record.sys_flag & model::sysflag::kCompressed) != 0,
          .properties = std::string(record.properties),
          .body = std::string(as_text(record.body))};
}

bool has_key(const StoredMessage& message, const KeyQuery& query) {
  if (query.unique) return message.property(model::property::kUniqueKey) == query.key;
  // KEYS are separated by blanks.
  const std::string keys = " " + message.property(model::property::kKeys) + " ";
  return keys.find(" " + query.key + " ") != std::string::npos;
}

}  // namespace

std::string StoredMessage::property(std::string_view name) const {
  return std::string(model::find_property(properties, name).value_or(std::string_view()));
}

std::vector<std::pair<std::string, std::string>> StoredMessage::all_properties() const {
  std::vector<std::pair<std::string, std::string>> result;
  model::PropertyCursor cursor(properties);
  std::string_view name;
  std::string_view value;
  while (cursor.next(name, value)) result.emplace_back(name, value);
  return result;
}

Status read_records(Bytes records, std::vector<StoredMessage>& into) {
  while (!records.empty()) {
    const auto decoded = model::decode_record(records, model::Verify::kNone);
    if (!decoded) return fail(decoded.error());
    if (decoded->kind != model::RecordKind::kMessage) break;
    into.push_back(copy_of(decoded->record));
    records = records.subspan(static_cast<std::size_t>(decoded->size));
  }
  return {};
}

Result<StoredMessage> MessageFinder::by_id(std::string_view id) {
  const auto parsed = model::parse_offset_message_id(id);
  if (!parsed) return fail(parsed.error());
  auto answer = client_.call<wire::ViewMessageById>(parsed->store_host.to_string(),
                                                    {.offset = parsed->offset.value});
  if (!answer) return fail(std::move(answer.error()));
  ONCE_TRY(answer->status());
  std::vector<StoredMessage> found;
  ONCE_TRY(read_records(answer->body(), found));
  if (found.empty()) return fail(Errc::kMessageNotFound, "no message at that offset");
  return std::move(found.front());
}

Result<std::vector<MessageFinder::Place>> MessageFinder::places(const std::string& topic) {
  auto answer = client_.call<wire::GetRouteInfoByTopic>(name_server_, {.topic = topic});
  if (!answer) return fail(std::move(answer.error()));
  ONCE_TRY(answer->status());
  auto route = wire::decode_body<wire::TopicRoute>(answer->body());
  if (!route) return fail(std::move(route.error()));
  std::map<std::string, std::int32_t> queues;
  for (const wire::QueueData& queue : route->queues) queues[queue.broker_name] = queue.read_queues;
  std::vector<Place> result;
  for (const wire::BrokerData& broker : route->brokers) {
    const auto master = broker.addresses.find(kMasterId);
    if (master != broker.addresses.end())
      result.push_back({.address = master->second, .queues = queues[broker.name]});
  }
  return result;
}

Result<std::vector<StoredMessage>> MessageFinder::by_key(const KeyQuery& query) {
  auto all = places(query.topic);
  if (!all) return fail(std::move(all.error()));
  std::vector<StoredMessage> found;
  for (const Place& place : *all) {
    auto answer =
        client_.call<wire::QueryMessage>(place.address, {.topic = query.topic,
                                                         .key = query.key,
                                                         .max_messages = query.max_messages,
                                                         .begin_timestamp = query.begin_ms,
                                                         .end_timestamp = query.end_ms,
                                                         .unique_key = query.unique});
    if (!answer) return fail(std::move(answer.error()));
    if (answer->code() == wire::number(ResponseCode::kQueryNotFound)) continue;
    ONCE_TRY(answer->status());
    ONCE_TRY(read_records(answer->body(), found));
  }
  std::erase_if(found, [&](const StoredMessage& message) { return !has_key(message, query); });
  std::ranges::stable_sort(found, {}, &StoredMessage::store_ms);
  return found;
}

Result<std::vector<StoredMessage>> MessageFinder::in_queues(const QueueRange& range) {
  auto all = places(range.topic);
  if (!all) return fail(std::move(all.error()));
  std::vector<StoredMessage> found;
  for (const Place& place : *all) {
    for (std::int32_t id = 0; id < place.queues; ++id) {
      if (range.queue_id >= 0 && id != range.queue_id) continue;
      ONCE_TRY(read_queue(range, place.address, id, found));
    }
  }
  return found;
}

// One request; moves `offset` on. False at the end of the queue.
Result<bool> MessageFinder::pull(const QueueRange& range, const std::string& address,
                                 std::int32_t queue_id, std::int64_t& offset, std::int32_t max,
                                 std::vector<StoredMessage>& into) {
  auto answer = client_.call<wire::PullMessage>(address, {.consumer_group = kGroup,
                                                          .topic = range.topic,
                                                          .queue_id = queue_id,
                                                          .queue_offset = offset,
                                                          .max_messages = max,
                                                          .sys_flag = wire::pullflag::kSubscription,
                                                          .subscription = "*",
                                                          .expression_type = "TAG"});
  if (!answer) return fail(std::move(answer.error()));
  const auto code = static_cast<ResponseCode>(answer->code());
  const bool moved =
      code == ResponseCode::kPullOffsetMoved || code == ResponseCode::kPullRetryImmediately;
  if (code == ResponseCode::kPullNotFound) return false;
  if (!moved) ONCE_TRY(answer->status());
  const auto reply = wire::decode_reply<wire::PullMessage>(answer->command());
  if (!reply) return fail(reply.error());
  if (!moved) ONCE_TRY(read_records(answer->body(), into));
  if (reply->next_begin_offset <= offset) return false;  // at the end, or nothing to be read
  offset = reply->next_begin_offset;
  return true;
}

Status MessageFinder::read_queue(const QueueRange& range, const std::string& address,
                                 std::int32_t queue_id, std::vector<StoredMessage>& into) {
  std::int64_t offset = std::max<std::int64_t>(range.offset, 0);
  const std::size_t end = into.size() + static_cast<std::size_t>(range.count);
  while (into.size() < end) {
    const auto more =
        pull(range, address, queue_id, offset, static_cast<std::int32_t>(end - into.size()), into);
    if (!more) return fail(more.error());
    if (!*more) break;
  }
  return {};
}

Status MessageFinder::each_page(const QueueRange& range, const VisitPage& visit) {
  auto all = places(range.topic);
  if (!all) return fail(std::move(all.error()));
  for (const Place& place : *all) {
    for (std::int32_t id = 0; id < place.queues; ++id) {
      if (range.queue_id >= 0 && id != range.queue_id) continue;
      std::int64_t offset = std::max<std::int64_t>(range.offset, 0);
      for (bool more = true; more;) {
        std::vector<StoredMessage> page;
        const auto pulled = pull(range, place.address, id, offset, range.count, page);
        if (!pulled) return fail(pulled.error());
        more = *pulled;
        const auto go_on = visit(place.address, std::move(page));
        if (!go_on) return fail(go_on.error());
        if (!*go_on) return {};
      }
    }
  }
  return {};
}

}  // namespace oncemq::client
