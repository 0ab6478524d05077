#include "front/remoting/name_routes.h"

#include "wire/remoting/body/route.h"

namespace oncemq::front {
namespace {

wire::BrokerData body_of(const route::BrokerData& broker) {
  wire::BrokerData body{.addresses = broker.addresses,
                        .name = broker.name,
                        .cluster = broker.cluster,
                        .enable_acting_master = broker.acting_master};
  if (!broker.zone.empty()) body.zone_name = broker.zone;
  return body;
}

std::string list_body(std::vector<std::string> topics) {
  return wire::encode_body(wire::TopicList{.topics = std::move(topics)});
}

}  // namespace

void NameRouteFamily::handle(Call call, const Request<wire::GetRouteInfoByTopic>& request) {
  auto route = names_.route(request.header.topic);
  if (!route) {
    // compat: a name server that is not ready answers 1 (upstream ClientRequestProcessor).
    if (route.error().code == Errc::kNotReady)
      return call.refuse(wire::ResponseCode::kSystemError, route.error().message);
    return call.refuse(route.error());
  }
  wire::TopicRoute body;
  for (const route::BrokerData& broker : route->brokers) body.brokers.push_back(body_of(broker));
  for (route::QueueData& queue : route->queues) {
    body.queues.push_back({.broker_name = std::move(queue.broker_name),
                           .perm = queue.perm,
                           .read_queues = queue.read_queues,
                           .topic_sys_flag = queue.sys_flag,
                           .write_queues = queue.write_queues});
  }
  body.order_topic_conf = std::move(route->order_conf);
  call.ok(wire::encode_body(body));
}

void NameRouteFamily::handle(Call call, const Request<wire::GetBrokerClusterInfo>&) {
  route::ClusterInfo info = names_.cluster_info();
  wire::ClusterInfo body{.clusters = std::move(info.clusters)};
  for (const auto& [name, broker] : info.brokers) body.brokers.emplace(name, body_of(broker));
  call.ok(wire::encode_body(body));
}

void NameRouteFamily::handle(Call call, const Request<wire::GetAllTopicListFromNameServer>&) {
  call.ok(list_body(names_.topics()));
}

void NameRouteFamily::handle(Call call, const Request<wire::GetTopicsByCluster>& request) {
  call.ok(list_body(names_.topics_of_cluster(request.header.cluster)));
}

void NameRouteFamily::handle(Call call, const Request<wire::GetSystemTopicListFromNameServer>&) {
  route::SystemTopics system = names_.system_topics();
  wire::TopicList body{.topics = std::move(system.topics)};
  if (!system.broker_address.empty()) body.broker_address = std::move(system.broker_address);
  call.ok(wire::encode_body(body));
}

void NameRouteFamily::handle(Call call, const Request<wire::GetUnitTopicList>&) {
  call.ok(list_body(names_.topics_of_unit(route::UnitFilter::kUnit)));
}
void NameRouteFamily::handle(Call call, const Request<wire::GetHasUnitSubTopicList>&) {
  call.ok(list_body(names_.topics_of_unit(route::UnitFilter::kUnitSubscribed)));
}
void NameRouteFamily::handle(Call call, const Request<wire::GetHasUnitSubUnunitTopicList>&) {
  call.ok(list_body(names_.topics_of_unit(route::UnitFilter::kUnitSubscribedNotUnit)));
}

void NameRouteFamily::handle(Call call, const Request<wire::DeleteTopicInNameServer>& request) {
  names_.delete_topic(request.header.topic, request.header.cluster_name);
  call.ok();
}

void NameRouteFamily::handle(Call call, const Request<wire::RegisterTopicInNameServer>& request) {
  const auto body = wire::decode_body<wire::TopicRoute>(request.command.body);
  if (!body) return call.refuse(body.error());
  std::vector<route::QueueData> queues;
  for (const wire::QueueData& queue : body->queues) {
    queues.push_back({.broker_name = queue.broker_name,
                      .read_queues = queue.read_queues,
                      .write_queues = queue.write_queues,
                      .perm = queue.perm,
                      .sys_flag = queue.topic_sys_flag});
  }
  if (const Status status = names_.register_topic(request.header.topic, queues); !status)
    return call.refuse(wire::ResponseCode::kSystemError, status.error().message);
  call.ok();
}

}  // namespace oncemq::front
