// Orders that change topics: what requests 17 and 215 do.
#include <algorithm>
#include <utility>

#include "front/http/api_order.h"
#include "model/topic.h"

namespace oncemq::front {
namespace {

constexpr std::int32_t kQueuesMax = 1024;  // as the command line
constexpr std::size_t kAttributesMax = 64;

// What the members of the body change of `topic`; its attributes become changes (`+key`, `-key`).
void read_changes(BodyFields& body, model::TopicConfig& topic) {
  topic.attributes.clear();
  if (const auto queues = body.number("readQueues", 1, kQueuesMax))
    topic.read_queues = static_cast<std::int32_t>(*queues);
  if (const auto queues = body.number("writeQueues", 1, kQueuesMax))
    topic.write_queues = static_cast<std::int32_t>(*queues);
  if (const auto perm = body.number("permission", 2, 6)) {
    topic.perm = static_cast<std::int32_t>(*perm);
    if (*perm % 2 != 0) body.refuse("permission", "is 2 (write), 4 (read) or 6 (both)");
  }
  if (const auto order = body.flag("order")) topic.order = *order;
  if (const auto attributes = body.pairs("attributes", true, kAttributesMax))
    for (const auto& [name, value] : *attributes)
      topic.attributes[(value ? "+" : "-") + name] = value.value_or("");
}

Json config_json(const model::TopicConfig& topic) {
  Json json = Json::object();
  json.set("name", topic.name);
  json.set("readQueues", topic.read_queues);
  json.set("writeQueues", topic.write_queues);
  json.set("permission", topic.perm);
  json.set("order", topic.order);
  Json attributes = Json::object();
  for (const auto& [name, value] : topic.attributes) attributes.set(name, value);
  json.set("attributes", std::move(attributes));
  return json;
}

// Judges the change, carries it out, and shows what the topic is or would be.
Result<ApiDone> put(const ApiContext& context, const ApiOrder& order,
                    const model::TopicConfig& changed, int status) {
  broker::TopicTable& topics = context.parts.broker->topics();
  const auto was = topics.config(changed.name);
  auto attributes = broker::apply_attribute_changes(
      was ? was->attributes : std::map<std::string, std::string>(), changed.attributes, !was);
  if (!attributes)
    return fail(attributes.error().code, "'attributes': " + attributes.error().message);
  ApiDone done{.json = {}, .status = order.dry_run ? 200 : status};
  if (!order.dry_run) {
    ONCE_TRY(topics.update(changed));
    done.when = ApiDone::When::kSaved;
  }
  model::TopicConfig shown = changed;
  shown.attributes = std::move(*attributes);
  done.json = order_json(order, Json::object().set("topic", config_json(shown)));
  return done;
}

Result<ApiDone> create(const ApiContext& context, ApiOrder& order) {
  model::TopicConfig topic;
  order.body.require("name");
  topic.name = order.body.text("name").value_or("");
  if (const auto queues = order.body.number("queues", 1, kQueuesMax))
    topic.read_queues = topic.write_queues = static_cast<std::int32_t>(*queues);
  read_changes(order.body, topic);
  ONCE_TRY(order.body.finish());
  if (const Status good = model::check_topic_name(topic.name); !good)
    return fail(good.error().code, "'name': " + good.error().message);
  broker::TopicTable& topics = context.parts.broker->topics();
  if (topics.is_system(topic.name))
    return fail(Errc::kInvalidArgument, "'name': " + topic.name + " is the broker's own");
  if (topics.config(topic.name))
    return fail(Errc::kTopicExists,
                "topic " + topic.name + " exists: PUT /api/v1/topics/TOPIC changes it");
  return put(context, order, topic, 201);
}

Result<ApiDone> update(const ApiContext& context, ApiOrder& order) {
  const auto was = context.parts.broker->topics().config(order.path[1]);
  if (!was) return fail(Errc::kTopicNotFound, "topic " + order.path[1] + " does not exist");
  if (context.parts.broker->topics().is_system(was->name))
    return fail(Errc::kInvalidArgument, "topic " + was->name + " is the broker's own");
  model::TopicConfig topic = *was;
  read_changes(order.body, topic);
  ONCE_TRY(order.body.finish());
  return put(context, order, topic, 200);
}

// The name service of this process sends nobody here any more. A topic that other brokers have too
// stays: its route is theirs to change.
void forget_route(const HttpParts& parts, const std::string& topic) {
  if (parts.names == nullptr) return;
  const auto route = parts.names->route(topic);
  if (route && std::ranges::all_of(route->brokers, [&](const route::BrokerData& broker) {
        return broker.name == parts.options->name;
      }))
    parts.names->delete_topic(topic, parts.options->cluster);
}

Result<ApiDone> remove(const ApiContext& context, ApiOrder& order) {
  ONCE_TRY(order.body.finish());
  const std::string& name = order.path[1];
  broker::Broker& broker = *context.parts.broker;
  const auto stats = broker.admin().topic_stats(name);
  if (!stats) return fail(stats.error());
  if (broker.topics().is_system(name))
    return fail(Errc::kInvalidArgument, "topic " + name + " is the broker's own");
  std::int64_t messages = 0;
  for (const auto& row : stats->rows) messages += row.max.value - row.min.value;
  ApiDone done{.json =
                   order_json(order, Json::object().set("topic", name).set("messages", messages))};
  if (order.dry_run) return done;
  ONCE_TRY(broker.admin().delete_topic(name));
  forget_route(context.parts, name);
  done.when = ApiDone::When::kSaved;
  return done;
}

constexpr ApiOrderRoute kRoutes[] = {
    {HttpMethod::kPost, "topics", create,
     "makes a topic; name, queues or readQueues and writeQueues, permission, order, attributes"},
    {HttpMethod::kPut, "topics/{}", update,
     "changes what is given: readQueues, writeQueues, permission, order, attributes"},
    {HttpMethod::kDelete, "topics/{}", remove, "deletes a topic with its messages"},
};

}  // namespace

std::span<const ApiOrderRoute> topic_order_routes() {
  return kRoutes;
}

}  // namespace oncemq::front
