#include "front/remoting/clients.h"

#include <algorithm>

#include "front/remoting/channel.h"
#include "wire/remoting/body/assignment.h"
#include "wire/remoting/body/heartbeat.h"
#include "wire/remoting/body/queue_locks.h"

namespace oncemq::front {
namespace {

std::string_view consume_from_name(wire::ConsumeFrom from) {
  return JsonEnum<wire::ConsumeFrom>::names[static_cast<std::size_t>(from)];
}

std::vector<broker::QueueName> names_of(const std::vector<wire::Queue>& queues) {
  std::vector<broker::QueueName> names;
  names.reserve(queues.size());
  for (const wire::Queue& queue : queues)
    names.push_back({.topic = queue.topic, .queue_id = queue.queue_id});
  return names;
}

// Upstream's AllocateMessageQueueAveragely and ...ByCircle over sorted queues and clients.
std::vector<wire::Queue> share_of(const std::vector<wire::Queue>& queues, std::size_t clients,
                                  std::size_t index, bool by_circle) {
  std::vector<wire::Queue> share;
  if (by_circle) {
    for (std::size_t i = index; i < queues.size(); i += clients) share.push_back(queues[i]);
    return share;
  }
  const std::size_t rest = queues.size() % clients;
  const std::size_t each = queues.size() / clients;
  const std::size_t begin = index * each + std::min(index, rest);
  const std::size_t end = begin + each + (index < rest ? 1 : 0);
  for (std::size_t i = begin; i < end; ++i) share.push_back(queues[i]);
  return share;
}

// Everybody pops from everywhere (queue -1), or each from its own share and those of the next
// `neighbours` clients; with more clients than queues each gets one.
std::vector<wire::Queue> pop_share_of(const std::vector<wire::Queue>& queues, std::size_t clients,
                                      std::size_t index, bool by_circle, std::int32_t neighbours) {
  if (queues.empty()) return {};
  if (neighbours <= 0 || static_cast<std::size_t>(neighbours) + 1 >= clients) {
    wire::Queue any = queues.front();
    any.queue_id = -1;
    return {std::move(any)};
  }
  if (clients > queues.size()) return {queues[index % queues.size()]};
  std::vector<wire::Queue> share;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(neighbours); ++i)
    for (wire::Queue& queue : share_of(queues, clients, (index + i) % clients, by_circle))
      share.push_back(std::move(queue));
  return share;
}

}  // namespace

void ClientFamily::handle(Call call, const Request<wire::Heartbeat>& request) {
  auto body = wire::decode_body<wire::HeartbeatBody>(request.command.body);
  if (!body) return call.refuse(body.error());
  broker::Heartbeat beat;
  beat.client = {.channel = channel_id(call.connection()),
                 .client_id = body->client_id,
                 .address = request.connection.peer().to_string(),
                 .language = static_cast<std::int32_t>(request.command.language),
                 .version = request.command.version,
                 .last_heartbeat_ms = clock_.wall_ms()};
  for (wire::ProducerGroup& group : body->producers)
    beat.producer_groups.push_back(std::move(group.name));
  for (wire::ConsumerGroup& group : body->consumers) {
    // A broken expression does not spoil the heartbeat, which tells of other subscriptions, too:
    // pulls say what is wrong with it.
    for (model::Subscription& subscription : group.subscriptions)
      (void)broker_.filters().prepare(subscription);
    beat.consumers.push_back({.group = std::move(group.name),
                              .type = group.consume_type,
                              .model = group.message_model,
                              .consume_from = std::string(consume_from_name(group.consume_from)),
                              .unit_mode = group.unit_mode,
                              .subscriptions = std::move(group.subscriptions)});
  }
  beat.fingerprint = body->fingerprint;
  beat.without_subscriptions = body->without_subscriptions;
  const auto reply = broker_.clients().heartbeat(beat);
  if (!reply) return call.refuse(reply.error());
  call.reply(wire::Heartbeat::Reply{.supports_v2 = true,
                                    .subscription_changed = reply->subscriptions_changed});
}

void ClientFamily::handle(Call call, const Request<wire::UnregisterClient>& request) {
  const auto& header = request.header;
  broker_.clients().unregister(channel_id(call.connection()), header.client_id,
                               header.producer_group, header.consumer_group);
  call.ok();
}

void ClientFamily::handle(Call call, const Request<wire::GetConsumerListByGroup>& request) {
  wire::ConsumerIdList body{broker_.clients().consumer_ids(request.header.consumer_group)};
  if (body.ids.empty()) {
    return call.refuse(wire::ResponseCode::kSystemError,
                       "no consumer for this group, " + std::string(request.header.consumer_group));
  }
  call.ok(wire::encode_body(body));
}

void ClientFamily::handle(Call call, const Request<wire::CheckClientConfig>& request) {
  auto body = wire::decode_body<wire::CheckClientBody>(request.command.body);
  if (!body) return call.refuse(body.error());
  if (!body->subscription) return call.ok();
  // Clients show code and remark to whoever starts them.
  const Status prepared = broker_.filters().prepare(*body->subscription);
  if (prepared) return call.ok();
  // compat: an expression type that is not served is a system error (upstream
  // ClientManageProcessor.checkClientConfig).
  if (prepared.error().code == Errc::kNotSupported)
    return call.refuse(wire::ResponseCode::kSystemError, prepared.error().message);
  call.refuse(prepared.error());
}

void ClientFamily::handle(Call call, const Request<wire::LockBatchQueues>& request) {
  const auto body = wire::decode_body<wire::QueueLockBody>(request.command.body);
  if (!body) return call.refuse(body.error());
  const std::vector<broker::QueueName> held =
      broker_.locks().lock(body->group, body->client_id, names_of(body->queues));
  // Clients compare queues by value, so they get back what they wrote.
  wire::LockedQueues answer;
  for (const wire::Queue& queue : body->queues) {
    const broker::QueueName name{.topic = queue.topic, .queue_id = queue.queue_id};
    if (std::find(held.begin(), held.end(), name) != held.end()) answer.queues.push_back(queue);
  }
  call.ok(wire::encode_body(answer));
}

void ClientFamily::handle(Call call, const Request<wire::UnlockBatchQueues>& request) {
  const auto body = wire::decode_body<wire::QueueLockBody>(request.command.body);
  if (!body) return call.refuse(body.error());
  broker_.locks().unlock(body->group, body->client_id, names_of(body->queues));
  call.ok();
}

void ClientFamily::handle(Call call, const Request<wire::QueryAssignment>& request) {
  const auto body = wire::decode_body<wire::QueryAssignmentBody>(request.command.body);
  if (!body) return call.refuse(body.error());
  const auto* topic = broker_.topics().find(body->topic);
  wire::QueueAssignments answer;
  if (topic == nullptr) return call.ok(wire::encode_body(answer));
  std::vector<wire::Queue> queues;
  for (std::int32_t id = 0; id < topic->read_queues(); ++id)
    queues.push_back({.broker_name = options_.name, .queue_id = id, .topic = body->topic});
  if (body->message_model == model::MessageModel::kClustering) {
    const std::vector<std::string> clients = broker_.clients().consumer_ids(body->group);
    const auto mine = std::find(clients.begin(), clients.end(), body->client_id);
    if (mine == clients.end()) return call.ok(wire::encode_body(answer));
    if (body->strategy != "AVG" && body->strategy != "AVG_BY_CIRCLE") {
      return call.refuse(wire::ResponseCode::kSystemError,
                         "no allocation strategy named " + body->strategy);
    }
    const auto index = static_cast<std::size_t>(mine - clients.begin());
    const bool by_circle = body->strategy == "AVG_BY_CIRCLE";
    const auto mode = broker_.request_modes().find(body->topic, body->group);
    if (mode.pop) {
      queues = pop_share_of(queues, clients.size(), index, by_circle, mode.share_queues);
      for (wire::Queue& queue : queues)
        answer.assignments.push_back({.queue = std::move(queue), .mode = wire::RequestMode::kPop});
      return call.ok(wire::encode_body(answer));
    }
    queues = share_of(queues, clients.size(), index, by_circle);
  }
  for (wire::Queue& queue : queues) answer.assignments.push_back({.queue = std::move(queue)});
  call.ok(wire::encode_body(answer));
}

}  // namespace oncemq::front
