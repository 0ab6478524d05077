#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "wire/remoting/body/body.h"

// Answers of the name service: routes, cluster, topic lists, key-value tables.
namespace oncemq::wire {

struct BrokerData {
  std::map<std::int64_t, std::string> addresses;  // broker id -> HOST:PORT
  std::string name;
  std::string cluster;
  bool enable_acting_master = false;
  std::optional<std::string> zone_name;

  static constexpr auto members = json_members(
      json_member("brokerAddrs", &BrokerData::addresses),
      json_member("brokerName", &BrokerData::name), json_member("cluster", &BrokerData::cluster),
      json_member("enableActingMaster", &BrokerData::enable_acting_master),
      json_member("zoneName", &BrokerData::zone_name));
};

struct QueueData {
  std::string broker_name;
  std::int32_t perm = 6;
  std::int32_t read_queues = 0;
  std::int32_t topic_sys_flag = 0;
  std::int32_t write_queues = 0;

  static constexpr auto members = json_members(
      json_member("brokerName", &QueueData::broker_name), json_member("perm", &QueueData::perm),
      json_member("readQueueNums", &QueueData::read_queues),
      json_member("topicSysFlag", &QueueData::topic_sys_flag),
      json_member("writeQueueNums", &QueueData::write_queues));
};

// Answer of GET_ROUTEINFO_BY_TOPIC (105), body of REGISTER_TOPIC_IN_NAMESRV (217).
struct TopicRoute {
  std::vector<BrokerData> brokers;
  std::map<std::string, std::vector<std::string>> filter_servers;
  std::optional<std::string> order_topic_conf;  // "broker:queues;broker:queues"
  std::vector<QueueData> queues;

  static constexpr auto members =
      json_members(json_member("brokerDatas", &TopicRoute::brokers),
                   json_member("filterServerTable", &TopicRoute::filter_servers),
                   json_member("orderTopicConf", &TopicRoute::order_topic_conf),
                   json_member("queueDatas", &TopicRoute::queues));
};

// Answer of GET_BROKER_CLUSTER_INFO (106).
struct ClusterInfo {
  std::map<std::string, BrokerData> brokers;
  std::map<std::string, std::set<std::string>> clusters;  // cluster -> broker names

  static constexpr auto members =
      json_members(json_member("brokerAddrTable", &ClusterInfo::brokers),
                   json_member("clusterAddrTable", &ClusterInfo::clusters));
};

// Answer of GET_BROKER_MEMBER_GROUP (901).
struct BrokerMembers {
  std::map<std::int64_t, std::string> addresses;
  std::string broker_name;
  std::string cluster;

  static constexpr auto members =
      json_members(json_member("brokerAddrs", &BrokerMembers::addresses),
                   json_member("brokerName", &BrokerMembers::broker_name),
                   json_member("cluster", &BrokerMembers::cluster));
};
struct BrokerMemberGroup {
  BrokerMembers group;

  static constexpr auto members =
      json_members(json_member("brokerMemberGroup", &BrokerMemberGroup::group));
};

// Answer of 206, 224, 304, 305, 311, 312, 313 and 343.
struct TopicList {
  std::optional<std::string> broker_address;
  std::vector<std::string> topics;

  static constexpr auto members =
      json_members(json_member("brokerAddr", &TopicList::broker_address),
                   json_member("topicList", &TopicList::topics));
};

// Answer of GET_KVLIST_BY_NAMESPACE (219), REGISTER_BROKER (103), GET_BROKER_RUNTIME_INFO (28).
struct KvTable {
  std::map<std::string, std::string> table;

  static constexpr auto members = json_members(json_member("table", &KvTable::table));
};

}  // namespace oncemq::wire
