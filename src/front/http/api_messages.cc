// Messages: of a queue, by key, by id.
#include <algorithm>
#include <charconv>
#include <utility>

#include "front/http/api_question.h"
#include "front/http/message_json.h"
#include "front/http/messages_page.h"
#include "front/remoting/timeline.h"
#include "model/message_id.h"

namespace oncemq::front {
namespace {

Result<Json> span_json(const store::LogSpan& span, bool with_body) {
  auto decoded = model::decode_record(span.bytes, model::Verify::kBody);
  if (!decoded) return fail(std::move(decoded.error()));
  if (decoded->kind != model::RecordKind::kMessage)
    return fail(Errc::kMessageNotFound, "no message begins at that offset");
  return message_json(decoded->record, with_body);
}

Result<Json> queue_messages(const ApiContext& context, const ApiQuestion& question) {
  const std::string& name = question.path[1];
  const broker::TopicEntry* topic = context.parts.broker->topics().find(name);
  if (topic == nullptr) return fail(Errc::kTopicNotFound, "topic " + name + " does not exist");
  std::int32_t queue_id = -1;
  std::from_chars(question.path[3].data(), question.path[3].data() + question.path[3].size(),
                  queue_id);
  store::ConsumeQueue* queue =
      queue_id < 0 || std::to_string(queue_id) != question.path[3] ||
              queue_id >= std::max(topic->read_queues(), topic->write_queues())
          ? nullptr
          : topic->queue(queue_id);
  if (queue == nullptr)
    return fail(Errc::kInvalidArgument, "topic " + name + " has no queue " + question.path[3]);
  auto page = messages_page(context, question, *queue);
  if (!page) return fail(std::move(page.error()));
  Json json = queue_json(*queue);
  json.set("nextOffset", page->next.value);
  json.set("messages", std::move(page->list));
  return json;
}

Result<Json> messages(const ApiContext& context, const ApiQuestion& question) {
  const auto topic = question.text("topic");
  const auto key = question.text("key");
  const auto unique = question.text("unique");
  const auto body = question.text("body");
  for (const auto* text : {&topic, &key, &unique, &body})
    if (!*text) return fail(text->error());
  if (topic->empty() || key->empty())
    return fail(Errc::kInvalidArgument, "'topic' and 'key' are wanted");
  const auto limit = question.number("limit", broker::MessageQuery::kUniqueQueryMax, 1,
                                     broker::MessageQuery::kQueryMax);
  if (!limit) return fail(limit.error());
  const auto begin_ms = question.number("beginMs", 0, 0, INT64_MAX);
  if (!begin_ms) return fail(begin_ms.error());
  const auto end_ms = question.number("endMs", INT64_MAX, 0, INT64_MAX);
  if (!end_ms) return fail(end_ms.error());
  const auto found = context.parts.broker->query().by_key({.topic = *topic,
                                                           .key = *key,
                                                           .max = static_cast<std::int32_t>(*limit),
                                                           .begin_ms = *begin_ms,
                                                           .end_ms = *end_ms,
                                                           .unique = *unique == "true"});
  if (!found) return fail(found.error());
  Json list = Json::array();
  for (const store::LogSpan& span : found->records) {
    auto json = span_json(span, *body == "true");
    if (!json) return json;
    list.push(std::move(*json));
  }
  return Json::object().set("messages", std::move(list));
}

Result<Json> message(const ApiContext& context, const ApiQuestion& question) {
  const auto id = model::parse_offset_message_id(question.path[1]);
  if (!id)
    return fail(Errc::kInvalidArgument, id.error().message +
                                            "; a unique key is asked for with /api/v1/messages"
                                            "?topic=TOPIC&key=KEY&unique=true");
  auto span = context.parts.broker->query().by_offset(id->offset);
  if (!span) return fail(std::move(span.error()));
  const auto body = question.text("body");
  if (!body) return fail(body.error());
  return span_json(*span, *body != "false");
}

Result<Json> why(const ApiContext& context, const ApiQuestion& question) {
  const auto topic = question.text("topic");
  if (!topic) return fail(topic.error());
  const auto told = timelines_of(*context.parts.broker).of(*topic, question.path[1]);
  if (!told) return fail(told.error());
  Json events = Json::array();
  for (const broker::TimelineRow& row : told->rows) {
    Json json = Json::object();
    json.set("atMs", row.at_ms);
    json.set("what", row.what);
    json.set("why", row.sentence);
    json.set("topic", row.topic);
    if (row.queue_id >= 0) json.set("queueId", row.queue_id).set("offset", row.offset);
    if (!row.group.empty()) json.set("group", row.group);
    if (!row.who.empty()) json.set("who", row.who);
    events.push(std::move(json));
  }
  Json keys = Json::array();
  for (const std::string& key : told->unique_keys) keys.push(key);
  Json notes = Json::array();
  for (const std::string& note : told->notes) notes.push(note);
  return Json::object()
      .set("topic", told->topic)
      .set("uniqueKeys", std::move(keys))
      .set("events", std::move(events))
      .set("notes", std::move(notes));
}

Result<Json> duplicates(const ApiContext& context, const ApiQuestion& question) {
  const auto topic = question.text("topic");
  if (!topic) return fail(topic.error());
  const auto group = question.text("group");
  if (!group) return fail(group.error());
  Json rows = Json::array();
  for (const broker::DuplicateRow& row :
       duplicates_of(*context.parts.broker, *context.parts.store).report(*topic, *group)) {
    Json json = Json::object();
    json.set("topic", row.topic);
    if (!row.group.empty()) json.set("group", row.group);
    json.set("what", row.what);
    json.set("why", row.sentence);
    json.set("copies", static_cast<std::int64_t>(row.copies));
    json.set("of", static_cast<std::int64_t>(row.of));
    json.set("known", static_cast<std::int64_t>(row.known));
    if (row.known > 0) json.set("medianMs", row.median_ms).set("longestMs", row.longest_ms);
    rows.push(std::move(json));
  }
  return Json::object().set("duplicates", std::move(rows));
}

constexpr ApiRoute kRoutes[] = {
    {"topics/{}/queues/{}/messages", queue_messages,
     "messages of a queue; ?offset= ?limit= ?body=true"},
    {"messages", messages,
     "messages by key: ?topic= ?key= ?unique=true ?beginMs= ?endMs= ?limit= ?body=true"},
    {"messages/{}/why", why,
     "what happened to a message and why, by id or key: sends, copies, redeliveries; ?topic="},
    {"duplicates", duplicates,
     "how many messages came twice, why, and how long after the first; ?topic= ?group="},
    {"messages/{}", message, "a message by its offset message id; ?body=false"},
};

}  // namespace

std::span<const ApiRoute> api_message_routes() {
  return kRoutes;
}

}  // namespace oncemq::front
