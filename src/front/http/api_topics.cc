// Topics and their dead-letter queues.
#include <algorithm>

#include "front/http/api_question.h"
#include "front/http/message_json.h"
#include "front/http/messages_page.h"
#include "model/topic.h"

namespace oncemq::front {
namespace {

Result<Json> topics(const ApiContext& context, const ApiQuestion& question) {
  const auto limit = question.limit();
  if (!limit) return fail(limit.error());
  const auto prefix = question.text("prefix");
  if (!prefix) return fail(prefix.error());
  Json list = Json::array();
  bool more = false;
  for (const model::TopicConfig& topic : context.parts.broker->topics().snapshot().topics) {
    if (!topic.name.starts_with(*prefix)) continue;
    more = static_cast<std::int64_t>(list.items().size()) >= *limit;
    if (more) break;
    Json row = Json::object();
    row.set("name", topic.name);
    row.set("readQueues", topic.read_queues);
    row.set("writeQueues", topic.write_queues);
    row.set("permission", topic.perm);
    row.set("system", context.parts.broker->topics().is_system(topic.name));
    list.push(std::move(row));
  }
  return Json::object().set("topics", std::move(list)).set("more", more);
}

Result<Json> topic(const ApiContext& context, const ApiQuestion& question) {
  const std::string& name = question.path[1];
  broker::Broker& broker = *context.parts.broker;
  const auto config = broker.topics().config(name);
  if (!config) return fail(Errc::kTopicNotFound, "topic " + name + " does not exist");
  Json json = Json::object();
  json.set("name", config->name);
  json.set("readQueues", config->read_queues);
  json.set("writeQueues", config->write_queues);
  json.set("permission", config->perm);
  json.set("order", config->order);
  Json attributes = Json::object();
  for (const auto& [key, value] : config->attributes) attributes.set(key, value);
  json.set("attributes", std::move(attributes));
  Json queues = Json::array();
  std::int64_t messages = 0;
  for (std::int32_t id = 0; id < std::max(config->read_queues, config->write_queues); ++id) {
    const store::ConsumeQueue* queue = context.parts.store->find_queue(name, id);
    if (queue == nullptr) continue;
    messages += queue->max().value - queue->min().value;
    queues.push(queue_json(*queue));
  }
  json.set("messages", messages);
  json.set("queues", std::move(queues));
  json.set("putPerSecond", broker.stats().topic_put_tps(name));
  Json groups = Json::array();
  for (const std::string& group : broker.admin().groups_of_topic(name)) groups.push(group);
  json.set("groups", std::move(groups));
  return json;
}

Result<Json> dlq(const ApiContext& context, const ApiQuestion&) {
  Json list = Json::array();
  for (const model::TopicConfig& topic : context.parts.broker->topics().snapshot().topics) {
    if (!model::topic::is_dlq(topic.name)) continue;
    std::int64_t messages = 0;
    std::int64_t oldest_ms = -1;
    for (std::int32_t id = 0; id < std::max(topic.read_queues, topic.write_queues); ++id) {
      store::ConsumeQueue* queue = context.parts.store->find_queue(topic.name, id);
      if (queue == nullptr || queue->max().value <= queue->min().value) continue;
      messages += queue->max().value - queue->min().value;
      const std::int64_t stored_ms = context.parts.store->store_time(*queue, queue->min());
      if (stored_ms >= 0 && (oldest_ms < 0 || stored_ms < oldest_ms)) oldest_ms = stored_ms;
    }
    Json row = Json::object();
    row.set("group", topic.name.substr(model::topic::kDlqPrefix.size()));
    row.set("topic", topic.name);
    row.set("messages", messages);
    if (oldest_ms >= 0) row.set("oldestStoredMs", oldest_ms);
    list.push(std::move(row));
    if (list.items().size() >= static_cast<std::size_t>(ApiQuestion::kLimitMax)) break;
  }
  return Json::object().set("dlq", std::move(list));
}

// Letters of one group, with what became of them. (A dead-letter topic has one queue.)
Result<Json> dlq_group(const ApiContext& context, const ApiQuestion& question) {
  const std::string name = model::topic::dlq_topic(question.path[1]);
  store::ConsumeQueue* queue = context.parts.broker->topics().find(name) == nullptr
                                   ? nullptr
                                   : context.parts.store->find_queue(name, 0);
  if (queue == nullptr)
    return fail(Errc::kTopicNotFound, "group " + question.path[1] + " has no dead letters");
  auto page = messages_page(context, question, *queue);
  if (!page) return fail(std::move(page.error()));
  for (Json& letter : page->list.items()) {
    const auto mark = context.parts.broker->dead_letters().mark_of({letter["logOffset"].as_int()});
    if (!mark) return fail(mark.error());
    if (*mark)
      letter.set("mark", Json::object()
                             .set("order", broker::order_text((*mark)->order))
                             .set("by", (*mark)->by)
                             .set("atMs", (*mark)->time_ms));
  }
  return queue_json(*queue)
      .set("nextOffset", page->next.value)
      .set("letters", std::move(page->list));
}

constexpr ApiRoute kRoutes[] = {
    {"topics", topics, "topics; ?prefix= ?limit="},
    {"topics/{}", topic, "a topic: queues, groups, traffic"},
    {"dlq", dlq, "dead-letter queues by group"},
    {"dlq/{}", dlq_group,
     "letters of a group and what became of them; ?offset= ?limit= ?body=true"},
};

}  // namespace

std::span<const ApiRoute> api_topic_routes() {
  return kRoutes;
}

}  // namespace oncemq::front
