#include "front/remoting/name_brokers.h"

#include "base/json.h"
#include "front/remoting/channel.h"
#include "front/remoting/loop_edge.h"
#include "model/config_json.h"
#include "wire/remoting/body/register_broker.h"
#include "wire/remoting/body/route.h"

namespace oncemq::front {

NameBrokerFamily::NameBrokerFamily(const EdgeParts& parts)
    : parts_(parts), names_(*parts.names), kv_(*parts.kv) {}

void NameBrokerFamily::handle(Call call, const Request<wire::RegisterBroker>& request) {
  const auto& header = request.header;
  const Bytes bytes = request.command.body;
  if (header.body_crc32 != 0 && header.body_crc32 != wire::register_body_crc(bytes))
    return call.refuse(wire::ResponseCode::kSystemError, "crc32 not match");

  route::Registration registration{
      .cluster = std::string(header.cluster_name),
      .broker_name = std::string(header.broker_name),
      .address = std::string(header.broker_address),
      .broker_id = header.broker_id,
      .ha_address = std::string(header.ha_address),
      .zone = std::string(header.zone_name),
      .timeout_ms = header.heartbeat_timeout_ms.value_or(route::kBrokerTimeoutMs),
      .acting_master = header.enable_acting_master.value_or(false),
      .channel = channel_number(call.connection()),
  };
  if (!bytes.empty()) {
    auto body = wire::decode_register_body(bytes, header.compressed, request.command.version);
    if (!body) return call.refuse(body.error());
    registration.version = body->version;
    registration.topics.reserve(body->topics.size());
    for (auto& [name, topic] : body->topics) registration.topics.push_back(std::move(topic));
  }
  const auto answer = names_.register_broker(registration);
  if (!answer) return call.refuse(wire::ResponseCode::kSystemError, answer.error().message);

  std::string order_topics;
  if (parts_.settings.get().return_order_topic_config) {
    wire::KvTable table;
    if (const auto order = kv_.list(route::kOrderTopicNamespace))
      table.table.insert(order->begin(), order->end());
    order_topics = wire::encode_body(table);
  }
  call.reply(wire::RegisterBroker::Reply{.ha_address = answer->ha_address,
                                         .master_address = answer->master_address},
             order_topics);
}

void NameBrokerFamily::handle(Call call, const Request<wire::UnregisterBroker>& request) {
  const auto& header = request.header;
  names_.unregister_broker(header.cluster_name, header.broker_name, header.broker_address,
                           header.broker_id);
  call.ok();
}

void NameBrokerFamily::handle(Call call, const Request<wire::BrokerHeartbeat>& request) {
  names_.heartbeat(request.header.cluster_name, request.header.broker_address,
                   channel_number(call.connection()));
  call.ok();
}

void NameBrokerFamily::handle(Call call, const Request<wire::QueryDataVersion>& request) {
  const auto& header = request.header;
  const auto json = Json::parse(as_text(request.command.body));
  if (!json) return call.refuse(json.error());
  const auto version = model::data_version_from_json(*json);
  if (!version) return call.refuse(version.error());
  const auto stored = names_.compare_version(header.cluster_name, header.broker_address, *version);
  call.reply(wire::QueryDataVersion::Reply{.changed = !stored || !(*stored == *version)},
             stored ? model::to_json(*stored).dump() : std::string());
}

void NameBrokerFamily::handle(Call call, const Request<wire::GetBrokerMemberGroup>& request) {
  const auto& header = request.header;
  wire::BrokerMemberGroup body;
  body.group.broker_name = header.broker_name;
  body.group.cluster = header.cluster_name;
  // compat: an unknown broker is a group without members (upstream DefaultRequestProcessor).
  if (auto group = names_.broker_group(header.broker_name))
    body.group.addresses = std::move(group->addresses);
  call.ok(wire::encode_body(body));
}

void NameBrokerFamily::handle(Call call, const Request<wire::WipeWritePermOfBroker>& request) {
  const auto topics = names_.set_writable(request.header.broker_name, false);
  call.reply(wire::WipeWritePermOfBroker::Reply{.topics = topics.value_or(0)});
}

void NameBrokerFamily::handle(Call call, const Request<wire::AddWritePermOfBroker>& request) {
  const auto topics = names_.set_writable(request.header.broker_name, true);
  call.reply(wire::AddWritePermOfBroker::Reply{.topics = topics.value_or(0)});
}

}  // namespace oncemq::front
