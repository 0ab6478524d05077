#pragma once

#include <map>
#include <string>
#include <vector>

#include "wire/remoting/body/heartbeat.h"

// GET_CONSUMER_CONNECTION_LIST (203), GET_PRODUCER_CONNECTION_LIST (204), GET_ALL_PRODUCER_INFO
// (328).
namespace oncemq::wire {

struct ClientConnection {
  std::string address;
  std::string client_id;
  std::string language;  // language_name()
  std::int32_t version = 0;

  static constexpr auto members =
      json_members(json_member("clientAddr", &ClientConnection::address),
                   json_member("clientId", &ClientConnection::client_id),
                   json_member("language", &ClientConnection::language),
                   json_member("version", &ClientConnection::version));
};

struct ConsumerConnections {
  std::vector<ClientConnection> connections;
  ConsumeFrom consume_from = ConsumeFrom::kLastOffset;
  model::ConsumeType consume_type = model::ConsumeType::kPassively;
  model::MessageModel message_model = model::MessageModel::kClustering;
  std::map<std::string, model::Subscription> subscriptions;  // by topic

  static constexpr auto members =
      json_members(json_member("connectionSet", &ConsumerConnections::connections),
                   json_member("consumeFromWhere", &ConsumerConnections::consume_from),
                   json_member("consumeType", &ConsumerConnections::consume_type),
                   json_member("messageModel", &ConsumerConnections::message_model),
                   json_member("subscriptionTable", &ConsumerConnections::subscriptions));
};

struct ProducerConnections {
  std::vector<ClientConnection> connections;

  static constexpr auto members =
      json_members(json_member("connectionSet", &ProducerConnections::connections));
};

struct ProducerInfo {
  std::string client_id;
  std::string language;
  std::int64_t last_update_timestamp = 0;
  std::string remote_ip;
  std::int32_t version = 0;

  static constexpr auto members =
      json_members(json_member("clientId", &ProducerInfo::client_id),
                   json_member("language", &ProducerInfo::language),
                   json_member("lastUpdateTimestamp", &ProducerInfo::last_update_timestamp),
                   json_member("remoteIP", &ProducerInfo::remote_ip),
                   json_member("version", &ProducerInfo::version));
};
struct ProducerTable {
  std::map<std::string, std::vector<ProducerInfo>> groups;

  static constexpr auto members = json_members(json_member("data", &ProducerTable::groups));
};

}  // namespace oncemq::wire
