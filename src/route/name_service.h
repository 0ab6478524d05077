#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "model/live_settings.h"
#include "model/topic.h"
#include "os/clock.h"
#include "route/kv_config.h"

// Who serves which topic. Nothing of it is persisted: brokers tell it anew every 30 s.
namespace oncemq::route {

// Names a broker's connection, 0 for the broker in this process.
using ChannelId = std::uint64_t;

inline constexpr std::int64_t kMasterId = 0;
inline constexpr std::string_view kOrderTopicNamespace = "ORDER_TOPIC_CONFIG";
inline constexpr std::int64_t kBrokerTimeoutMs = 120'000;

struct Registration {
  std::string cluster;
  std::string broker_name;
  std::string address;
  std::int64_t broker_id = kMasterId;
  std::string ha_address;
  std::string zone;
  std::int64_t timeout_ms = kBrokerTimeoutMs;
  bool acting_master = false;  // enableActingMaster
  model::DataVersion version;
  std::vector<model::TopicConfig> topics;
  ChannelId channel = 0;
};

struct RegistrationAnswer {
  std::string master_address;  // empty for masters
  std::string ha_address;      // of the master
};

struct QueueData {
  std::string broker_name;
  std::int32_t read_queues = 0;
  std::int32_t write_queues = 0;
  std::int32_t perm = 0;
  std::int32_t sys_flag = 0;

  bool operator==(const QueueData&) const = default;
};

struct BrokerData {
  std::string cluster;
  std::string name;
  std::map<std::int64_t, std::string> addresses;  // by broker id
  bool acting_master = false;
  std::string zone;

  bool operator==(const BrokerData&) const = default;
};

struct TopicRoute {
  std::vector<BrokerData> brokers;
  std::vector<QueueData> queues;
  std::optional<std::string> order_conf;
};

struct ClusterInfo {
  std::map<std::string, BrokerData> brokers;              // by name
  std::map<std::string, std::set<std::string>> clusters;  // names of their brokers
};

struct SystemTopics {
  std::vector<std::string> topics;
  std::string broker_address;  // of any broker
};

// Which topics a list is wanted of (upstream's "unit" is a site of a multi-site set-up).
enum class UnitFilter : std::uint8_t { kUnit, kUnitSubscribed, kUnitSubscribedNotUnit };

// Thread rule: monitor.
class NameService {
 public:
  // `settings`, `clock` and `kv` outlive the service.
  NameService(const model::LiveSettings& settings, const os::Clock& clock, const KvConfig& kv);

  // ---- brokers
  // Queues are taken from the master (or, with acting master, from the smallest id). They replace
  // what is known when the data version *or the content* differs from the broker's last
  // registration: two changes that carry one version are both seen. kInvalidArgument: a first
  // registration with exactly one topic, or a state version below the one of the address that holds
  // the id.
  Result<RegistrationAnswer> register_broker(const Registration& registration);
  // Some topics of a registered master changed; at once, without its whole table. Unknown brokers
  // are ignored: their registration will tell.
  void update_topics(std::string_view cluster, std::string_view broker_name,
                     std::string_view address, const model::DataVersion& version,
                     std::span<const model::TopicConfig> topics);
  void unregister_broker(std::string_view cluster, std::string_view broker_name,
                         std::string_view address, std::int64_t broker_id);
  // Every broker that registered through this connection is gone.
  void channel_closed(ChannelId channel);
  // Refreshes liveness only.
  void heartbeat(std::string_view cluster, std::string_view address, ChannelId channel);
  // The stored version, or nothing when the broker is not known. An equal one counts as heartbeat.
  std::optional<model::DataVersion> compare_version(std::string_view cluster,
                                                    std::string_view address,
                                                    const model::DataVersion& version);
  // Forgets brokers whose time is over. Returns how many.
  std::size_t expire();
  // kNotFound.
  Result<BrokerData> broker_group(std::string_view broker_name) const;
  // Takes (gives) the write permission of all queues of the broker; how many topics that are.
  // kNotFound.
  Result<std::int32_t> set_writable(std::string_view broker_name, bool writable);

  // ---- topics
  // With one broker and autoCreateSubscriptionGroup, a retry topic that is not there yet has the
  // route it is going to have. kTopicNotFound | kNotReady (needWaitForService).
  Result<TopicRoute> route(std::string_view topic) const;
  // In one cluster, or everywhere when `cluster` is empty.
  void delete_topic(std::string_view topic, std::string_view cluster);
  // kNotFound: a broker is not known. Nothing is changed then.
  Status register_topic(std::string_view topic, std::span<const QueueData> queues);
  std::vector<std::string> topics() const;
  std::vector<std::string> topics_of_cluster(std::string_view cluster) const;
  std::vector<std::string> topics_of_unit(UnitFilter filter) const;
  SystemTopics system_topics() const;
  ClusterInfo cluster_info() const;

 private:
  struct Live {
    std::int64_t heard_ms = 0;  // monotonic
    std::int64_t timeout_ms = kBrokerTimeoutMs;
    model::DataVersion version;
    std::uint64_t content = 0;  // hash of the registered topics
    std::string ha_address;
    std::string broker_name;
    std::int64_t broker_id = 0;
    ChannelId channel = 0;
  };
  using LiveKey = std::pair<std::string, std::string>;  // cluster, address
  using Queues = std::vector<QueueData>;                // one per broker name

  void put_queue(const model::TopicConfig& topic, const std::string& broker_name, bool read_only)
      ONCE_REQUIRES(mutex_);
  void remove_address(const LiveKey& key, const std::string& broker_name, std::int64_t broker_id)
      ONCE_REQUIRES(mutex_);
  void remove_queues(std::string_view broker_name) ONCE_REQUIRES(mutex_);
  TopicRoute retry_route_to_come(std::string_view topic) const ONCE_EXCLUDES(mutex_);
  static void present_acting_master(BrokerData& broker, const Queues& queues);

  const model::LiveSettings& settings_;
  const os::Clock& clock_;
  const KvConfig& kv_;
  const std::int64_t started_ms_;

  mutable SharedMutex mutex_;
  std::map<std::string, std::set<std::string>, std::less<>> clusters_ ONCE_GUARDED_BY(mutex_);
  std::map<std::string, BrokerData, std::less<>> brokers_ ONCE_GUARDED_BY(mutex_);
  std::map<std::string, Queues, std::less<>> topics_ ONCE_GUARDED_BY(mutex_);
  std::map<LiveKey, Live> live_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::route
