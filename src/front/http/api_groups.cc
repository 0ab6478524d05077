// Consumer groups, how far they are, and why they were given messages again.
#include <map>

#include "broker/group_lag.h"
#include "front/http/api_question.h"

namespace oncemq::front {
namespace {

Json subscription_json(const model::Subscription& subscription) {
  Json json = Json::object();
  json.set("topic", subscription.topic);
  json.set("expression", subscription.expression);
  json.set("expressionType",
           subscription.expression_type.empty() ? "TAG" : subscription.expression_type);
  return json;
}

Json client_json(const broker::ClientInfo& client) {
  Json json = Json::object();
  json.set("clientId", client.client_id);
  json.set("address", client.address);
  json.set("version", client.version);
  json.set("lastHeartbeatMs", client.last_heartbeat_ms);
  return json;
}

Json lag_json(const broker::GroupLag& lag) {
  Json json = Json::object();
  json.set("topic", lag.topic);
  json.set("messages", lag.messages);
  json.set("inFlight", lag.in_flight);
  if (lag.age_ms >= 0) json.set("ageMs", lag.age_ms);
  return json;
}

Json counts_json(const broker::CauseCounts& counts) {
  Json json = Json::object();
  for (std::size_t i = 0; i < counts.size(); ++i)
    json.set(broker::cause_name(static_cast<broker::Cause>(i)),
             static_cast<std::int64_t>(counts[i]));
  return json;
}

Result<Json> groups(const ApiContext& context, const ApiQuestion& question) {
  const auto limit = question.limit();
  if (!limit) return fail(limit.error());
  const auto prefix = question.text("prefix");
  if (!prefix) return fail(prefix.error());
  broker::Broker& broker = *context.parts.broker;
  std::map<std::string, std::int64_t, std::less<>> lag;
  const broker::GroupLags lags(broker.topics(), broker.offsets(), broker.clients(),
                               broker.deliveries(), broker.popper(), *context.parts.store,
                               context.clock);
  for (const broker::GroupLag& row : lags.all(0)) lag[row.group] += row.messages;
  Json list = Json::array();
  bool more = false;
  for (const model::GroupConfig& group : broker.groups().snapshot().groups) {
    if (!group.name.starts_with(*prefix)) continue;
    more = static_cast<std::int64_t>(list.items().size()) >= *limit;
    if (more) break;
    Json row = Json::object();
    row.set("name", group.name);
    row.set("members", static_cast<std::int64_t>(broker.clients().consumer_ids(group.name).size()));
    const auto found = lag.find(group.name);
    row.set("lag", found == lag.end() ? std::int64_t{0} : found->second);
    row.set("system", model::group::is_system(group.name));
    list.push(std::move(row));
  }
  return Json::object().set("groups", std::move(list)).set("more", more);
}

Result<Json> group(const ApiContext& context, const ApiQuestion& question) {
  const std::string& name = question.path[1];
  broker::Broker& broker = *context.parts.broker;
  const auto config = broker.groups().config(name);
  if (!config) return fail(Errc::kGroupNotFound, "no consumer group " + name);
  Json json = Json::object();
  json.set("name", config->name);
  json.set("consumeEnable", config->consume_enable);
  json.set("retryQueues", config->retry_queues);
  json.set("retryMaxTimes", config->retry_max_times);
  const auto view = broker.clients().consumer_group(name);
  Json members = Json::array();
  Json subscriptions = Json::array();
  if (view) {
    json.set("model",
             view->model == model::MessageModel::kBroadcasting ? "BROADCASTING" : "CLUSTERING");
    for (const broker::ClientInfo& client : view->clients) members.push(client_json(client));
    for (const auto& subscription : view->subscriptions)
      subscriptions.push(subscription_json(subscription));
  }
  json.set("members", std::move(members));
  json.set("subscriptions", std::move(subscriptions));
  const broker::GroupLags lags(broker.topics(), broker.offsets(), broker.clients(),
                               broker.deliveries(), broker.popper(), *context.parts.store,
                               context.clock);
  Json lag = Json::array();
  for (const broker::GroupLag& row : lags.of_group(name)) lag.push(lag_json(row));
  json.set("lag", std::move(lag));
  return json;
}

Result<Json> group_causes(const ApiContext& context, const ApiQuestion& question) {
  const std::string& name = question.path[1];
  if (context.parts.broker->groups().find(name) == nullptr)
    return fail(Errc::kGroupNotFound, "no consumer group " + name);
  const broker::Causes& causes = context.parts.broker->stats().causes();
  const std::vector<std::string> topics = context.parts.broker->offsets().topics_of(name);
  Json recent = Json::array();
  for (const broker::Causes::Event& event : causes.recent(name, topics)) {
    Json row = Json::object();
    row.set("atMs", event.at_ms);
    row.set("cause", broker::cause_name(event.cause));
    row.set("why", broker::cause_sentence(event.cause));
    row.set("topic", event.topic);
    row.set("queueId", event.queue_id);
    row.set("offset", event.offset);
    row.set("messages", static_cast<std::int64_t>(event.messages));
    recent.push(std::move(row));
    if (recent.items().size() >= static_cast<std::size_t>(ApiQuestion::kLimit)) break;
  }
  return Json::object()
      .set("group", name)
      .set("redeliveries", counts_json(causes.of_group(name, topics)))
      .set("recent", std::move(recent));
}

Result<Json> causes(const ApiContext& context, const ApiQuestion&) {
  Json why = Json::object();
  for (std::size_t i = 0; i < broker::kCauseCount; ++i)
    why.set(broker::cause_name(static_cast<broker::Cause>(i)),
            broker::cause_sentence(static_cast<broker::Cause>(i)));
  return Json::object()
      .set("redeliveries", counts_json(context.parts.broker->stats().causes().totals()))
      .set("causes", std::move(why));
}

constexpr ApiRoute kRoutes[] = {
    {"groups", groups, "consumer groups with their lag; ?prefix= ?limit="},
    {"groups/{}", group, "a group: members, subscriptions, lag by topic"},
    {"groups/{}/causes", group_causes, "why messages were given to a group again"},
    {"causes", causes, "the same over all groups"},
};

}  // namespace

std::span<const ApiRoute> api_group_routes() {
  return kRoutes;
}

}  // namespace oncemq::front
