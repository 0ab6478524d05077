// Orders that change consumer groups and their offsets: what requests 200, 207 and 222 do.
#include <utility>

#include "front/http/api_order.h"
#include "model/group.h"
#include "model/topic.h"

namespace oncemq::front {
namespace {

constexpr std::int64_t kRetriesMax = 1'000'000;  // as the command line
constexpr std::int64_t kQueueIdMax = 65'535;

void read_changes(BodyFields& body, model::GroupConfig& group) {
  group.attributes.clear();
  if (const auto retries = body.number("retryMaxTimes", -1, kRetriesMax))
    group.retry_max_times = static_cast<std::int32_t>(*retries);
  if (const auto enable = body.flag("consumeEnable")) group.consume_enable = *enable;
  if (const auto enable = body.flag("broadcastEnable")) group.consume_broadcast_enable = *enable;
  if (const auto orderly = body.flag("orderly")) group.consume_message_orderly = *orderly;
}

Result<ApiDone> put(const ApiContext& context, const ApiOrder& order,
                    const model::GroupConfig& group, int status) {
  ApiDone done{.json = {}, .status = order.dry_run ? 200 : status};
  if (!order.dry_run) {
    ONCE_TRY(context.parts.broker->groups().update(group));
    done.when = ApiDone::When::kSaved;
  }
  Json json = Json::object();
  json.set("name", group.name);
  json.set("retryMaxTimes", group.retry_max_times);
  json.set("consumeEnable", group.consume_enable);
  json.set("broadcastEnable", group.consume_broadcast_enable);
  json.set("orderly", group.consume_message_orderly);
  done.json = order_json(order, Json::object().set("group", std::move(json)));
  return done;
}

Result<model::GroupConfig> known(const ApiContext& context, const std::string& name) {
  auto config = context.parts.broker->groups().config(name);
  if (!config) return fail(Errc::kGroupNotFound, "no consumer group " + name);
  return std::move(*config);
}

Result<ApiDone> create(const ApiContext& context, ApiOrder& order) {
  model::GroupConfig group;
  order.body.require("name");
  group.name = order.body.text("name").value_or("");
  read_changes(order.body, group);
  ONCE_TRY(order.body.finish());
  if (const Status good = model::check_group_name(group.name); !good)
    return fail(good.error().code, "'name': " + good.error().message);
  if (known(context, group.name))
    return fail(Errc::kInUse,
                "group " + group.name + " exists: PUT /api/v1/groups/GROUP changes it");
  return put(context, order, group, 201);
}

Result<ApiDone> update(const ApiContext& context, ApiOrder& order) {
  auto group = known(context, order.path[1]);
  if (!group) return fail(std::move(group.error()));
  read_changes(order.body, *group);
  ONCE_TRY(order.body.finish());
  return put(context, order, *group, 200);
}

Result<ApiDone> remove(const ApiContext& context, ApiOrder& order) {
  ONCE_TRY(order.body.finish());
  const auto group = known(context, order.path[1]);
  if (!group) return fail(group.error());
  if (model::group::is_system(group->name))
    return fail(Errc::kInvalidArgument, "group " + group->name + " is the broker's own");
  broker::Broker& broker = *context.parts.broker;
  const auto members = static_cast<std::int64_t>(broker.clients().consumer_ids(group->name).size());
  ApiDone done{
      .json = order_json(order, Json::object().set("group", group->name).set("members", members))};
  if (order.dry_run) return done;
  ONCE_TRY(broker.admin().delete_group(group->name, true));
  done.when = ApiDone::When::kSaved;
  return done;
}

// Where to: "to" (earliest, latest or ms since 1970), or "offset" of one queue.
Result<ApiDone> reset(const ApiContext& context, ApiOrder& order) {
  BodyFields& body = order.body;
  body.require("topic");
  const std::string topic = body.text("topic").value_or("");
  broker::Admin::ResetOffset request{.topic = topic, .group = order.path[1]};
  request.queue_id = static_cast<std::int32_t>(body.number("queueId", 0, kQueueIdMax).value_or(-1));
  request.offset = body.number("offset", 0, INT64_MAX);
  const auto to = body.text("to");
  const auto to_ms = body.number("toMs", 0, INT64_MAX);
  if (to == "latest")
    request.timestamp_ms = -1;
  else if (to && *to != "earliest")
    body.refuse("to", "is earliest or latest; a time is given as 'toMs'");
  if (to_ms) request.timestamp_ms = *to_ms;
  if (static_cast<int>(to.has_value()) + static_cast<int>(to_ms.has_value()) +
          static_cast<int>(request.offset.has_value()) !=
      1)
    body.refuse("to", "or 'toMs' or 'offset' says where to, one of them");
  if (request.offset && request.queue_id < 0) body.refuse("queueId", "belongs to an 'offset'");
  ONCE_TRY(body.finish());

  broker::Broker& broker = *context.parts.broker;
  const auto moves =
      order.dry_run ? broker.admin().preview_reset(request) : broker.admin().reset_offset(request);
  if (!moves) return fail(moves.error());
  Json queues = Json::array();
  for (const auto& [queue_id, offset] : *moves)
    queues.push(Json::object().set("queueId", queue_id).set("offset", offset.value));
  return ApiDone{.json = order_json(order, Json::object()
                                               .set("group", order.path[1])
                                               .set("topic", topic)
                                               .set("queues", std::move(queues))),
                 .when = order.dry_run ? ApiDone::When::kNow : ApiDone::When::kSaved};
}

constexpr ApiOrderRoute kRoutes[] = {
    {HttpMethod::kPost, "groups", create,
     "makes a group; name, retryMaxTimes, consumeEnable, broadcastEnable, orderly"},
    {HttpMethod::kPut, "groups/{}", update,
     "changes what is given: retryMaxTimes, consumeEnable, broadcastEnable, orderly"},
    {HttpMethod::kDelete, "groups/{}", remove, "deletes a group with its offsets"},
    {HttpMethod::kPost, "groups/{}/reset", reset,
     "moves its offsets in a topic; topic, to (earliest, latest) or toMs, or queueId and offset"},
};

}  // namespace

std::span<const ApiOrderRoute> group_order_routes() {
  return kRoutes;
}

}  // namespace oncemq::front
