#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/remoting/remoting_client.h"
#include "model/group.h"
#include "model/topic.h"

// What an administrator asks of a cluster, on top of the remoting calls.
namespace oncemq::client {

struct BrokerInfo {
  std::string cluster;
  std::string name;
  std::int64_t id = 0;  // 0: master
  std::string address;
  // Empty when the broker did not answer.
  std::string version;
  std::string put_tps;  // messages per second, of the last seconds
  std::string get_tps;
};

struct TopicQueueInfo {
  std::string broker;
  std::int32_t queue_id = 0;
  std::int64_t min_offset = 0;
  std::int64_t max_offset = 0;
  std::int64_t last_ms = 0;  // store time of the last message; 0 when empty
};

struct GroupQueueInfo {
  std::string topic;
  std::string broker;
  std::int32_t queue_id = 0;
  std::int64_t broker_offset = 0;
  std::int64_t consumer_offset = 0;
  std::int64_t last_ms = 0;  // store time of the last consumed message
  std::int64_t behind() const { return broker_offset - consumer_offset; }
};

// Thread rule: monitor (as the RemotingClient below it).
class Admin {
 public:
  // The client outlives it. `broker`: name or address of the only one that is asked.
  Admin(RemotingClient& client, std::string name_server, std::string broker = {})
      : client_(client), name_server_(std::move(name_server)), broker_(std::move(broker)) {}

  struct Master {
    std::string name;
    std::string address;
  };
  // kNotFound: there is none, or not the one that was named.
  Result<std::vector<Master>> masters();
  RemotingClient& client() { return client_; }
  const std::string& name_server() const { return name_server_; }

  // By cluster, name and id.
  Result<std::vector<BrokerInfo>> brokers();

  Result<std::vector<std::string>> topics();  // by name
  // On every master.
  Status create_topic(const model::TopicConfig& topic);
  Status delete_topic(std::string_view name);
  // Of every master that has the topic. kTopicNotFound.
  Result<std::vector<TopicQueueInfo>> topic_queues(std::string_view name);

  Result<std::vector<std::string>> groups();  // by name
  Status create_group(const model::GroupConfig& group);
  Status delete_group(std::string_view name);
  // Where the group has committed offsets. kGroupNotFound.
  Result<std::vector<GroupQueueInfo>> group_progress(std::string_view name);

 private:
  RemotingClient& client_;
  const std::string name_server_;
  const std::string broker_;
};

}  // namespace oncemq::client
