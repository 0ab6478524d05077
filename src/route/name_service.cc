#include "route/name_service.h"

#include <algorithm>

namespace oncemq::route {
namespace {

using model::TopicConfig;
namespace perm = model::perm;

std::uint64_t mix(std::uint64_t hash) {
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdULL;
  hash ^= hash >> 33;
  return hash;
}

// Independent of the order of the topics, as registrations come from hash tables.
std::uint64_t content_hash(std::span<const TopicConfig> topics) {
  std::uint64_t sum = 0;
  for (const TopicConfig& topic : topics) {
    std::uint64_t hash = std::hash<std::string>{}(topic.name);
    for (const std::int32_t part :
         {topic.read_queues, topic.write_queues, topic.perm, topic.sys_flag}) {
      hash = mix(hash ^ static_cast<std::uint32_t>(part));
    }
    sum += hash;
  }
  return sum;
}

std::vector<QueueData>::iterator find_queue(std::vector<QueueData>& queues,
                                            std::string_view broker_name) {
  return std::find_if(queues.begin(), queues.end(),
                      [&](const QueueData& q) { return q.broker_name == broker_name; });
}

constexpr std::int32_t kUnitBit = 1;
constexpr std::int32_t kUnitSubscribedBit = 2;

}  // namespace

NameService::NameService(const model::LiveSettings& settings, const os::Clock& clock,
                         const KvConfig& kv)
    : settings_(settings), clock_(clock), kv_(kv), started_ms_(clock.monotonic_ms()) {}

Result<RegistrationAnswer> NameService::register_broker(const Registration& r) {
  const std::uint64_t content = content_hash(r.topics);
  const LiveKey key{r.cluster, r.address};
  WriteLock lock(mutex_);

  const auto known = brokers_.find(r.broker_name);
  const auto live = live_.find(key);
  if (live == live_.end() && r.topics.size() == 1) {
    return fail(Errc::kInvalidArgument,
                "the first registration of a broker carries all of its topics");
  }
  if (known != brokers_.end()) {
    const auto holder = known->second.addresses.find(r.broker_id);
    if (holder != known->second.addresses.end() && holder->second != r.address) {
      const auto holder_live = live_.find({r.cluster, holder->second});
      if (holder_live != live_.end() &&
          holder_live->second.version.state_version > r.version.state_version) {
        return fail(Errc::kInvalidArgument, "broker id " + std::to_string(r.broker_id) +
                                                " is held by " + holder->second +
                                                " with a newer state version");
      }
    }
  }

  clusters_[r.cluster].insert(r.broker_name);
  BrokerData& broker = brokers_[r.broker_name];
  broker.cluster = r.cluster;
  broker.name = r.broker_name;
  broker.acting_master = r.acting_master;
  broker.zone = r.zone;
  std::erase_if(broker.addresses, [&](const auto& entry) {
    return entry.second == r.address && entry.first != r.broker_id;
  });
  const bool first = broker.addresses.find(r.broker_id) == broker.addresses.end();
  broker.addresses[r.broker_id] = r.address;

  const bool acting =
      r.acting_master && r.broker_id != kMasterId && broker.addresses.begin()->first == r.broker_id;
  const bool changed = live == live_.end() || !(live->second.version == r.version) ||
                       live->second.content != content;
  if ((r.broker_id == kMasterId || acting) && (first || changed)) {
    if (settings_.get().delete_topic_with_registration) {
      std::set<std::string_view> named;
      for (const TopicConfig& topic : r.topics) named.insert(topic.name);
      for (auto topic = topics_.begin(); topic != topics_.end();) {
        if (!named.contains(topic->first)) {
          const auto queue = find_queue(topic->second, r.broker_name);
          if (queue != topic->second.end()) topic->second.erase(queue);
        }
        topic = topic->second.empty() ? topics_.erase(topic) : std::next(topic);
      }
    }
    for (const TopicConfig& topic : r.topics) put_queue(topic, r.broker_name, acting);
  }

  live_[key] = Live{.heard_ms = clock_.monotonic_ms(),
                    .timeout_ms = r.timeout_ms > 0 ? r.timeout_ms : kBrokerTimeoutMs,
                    .version = r.version,
                    .content = content,
                    .ha_address = r.ha_address,
                    .broker_name = r.broker_name,
                    .broker_id = r.broker_id,
                    .channel = r.channel};

  RegistrationAnswer answer;
  if (r.broker_id != kMasterId) {
    const auto master = broker.addresses.find(kMasterId);
    if (master != broker.addresses.end()) {
      answer.master_address = master->second;
      const auto master_live = live_.find({r.cluster, master->second});
      if (master_live != live_.end()) answer.ha_address = master_live->second.ha_address;
    }
  }
  return answer;
}

void NameService::update_topics(std::string_view cluster, std::string_view broker_name,
                                std::string_view address, const model::DataVersion& version,
                                std::span<const TopicConfig> topics) {
  WriteLock lock(mutex_);
  const auto live = live_.find({std::string(cluster), std::string(address)});
  if (live == live_.end() || live->second.broker_name != broker_name) return;
  for (const TopicConfig& topic : topics) put_queue(topic, live->second.broker_name, false);
  live->second.version = version;
  // The hash of the whole table is not known now; the next registration is compared as different.
  live->second.content = ~live->second.content;
}

void NameService::put_queue(const TopicConfig& topic, const std::string& broker_name,
                            bool read_only) {
  QueueData data{.broker_name = broker_name,
                 .read_queues = topic.read_queues,
                 .write_queues = topic.write_queues,
                 .perm = read_only ? topic.perm & ~perm::kWrite : topic.perm,
                 .sys_flag = topic.sys_flag};
  Queues& queues = topics_[topic.name];
  const auto queue = find_queue(queues, broker_name);
  if (queue == queues.end())
    queues.push_back(std::move(data));
  else
    *queue = std::move(data);
}

void NameService::remove_queues(std::string_view broker_name) {
  for (auto topic = topics_.begin(); topic != topics_.end();) {
    const auto queue = find_queue(topic->second, broker_name);
    if (queue != topic->second.end()) topic->second.erase(queue);
    topic = topic->second.empty() ? topics_.erase(topic) : std::next(topic);
  }
}

void NameService::remove_address(const LiveKey& key, const std::string& broker_name,
                                 std::int64_t broker_id) {
  live_.erase(key);
  const auto broker = brokers_.find(broker_name);
  if (broker == brokers_.end()) return;
  const auto address = broker->second.addresses.find(broker_id);
  // The id may have moved to another address meanwhile.
  if (address == broker->second.addresses.end() || address->second != key.second) return;
  broker->second.addresses.erase(address);
  if (!broker->second.addresses.empty()) {
    if (broker->second.acting_master && !broker->second.addresses.contains(kMasterId)) {
      for (auto& [name, queues] : topics_) {
        const auto queue = find_queue(queues, broker_name);
        if (queue != queues.end()) queue->perm &= ~perm::kWrite;
      }
    }
    return;
  }
  const std::string cluster = broker->second.cluster;
  remove_queues(broker_name);
  brokers_.erase(broker);
  const auto names = clusters_.find(cluster);
  if (names != clusters_.end()) {
    names->second.erase(broker_name);
    if (names->second.empty()) clusters_.erase(names);
  }
}

void NameService::unregister_broker(std::string_view cluster, std::string_view broker_name,
                                    std::string_view address, std::int64_t broker_id) {
  WriteLock lock(mutex_);
  remove_address({std::string(cluster), std::string(address)}, std::string(broker_name), broker_id);
}

void NameService::channel_closed(ChannelId channel) {
  if (channel == 0) return;
  {
    // Nearly every connection that closes is a client's.
    ReadLock lock(mutex_);
    if (std::none_of(live_.begin(), live_.end(),
                     [&](const auto& entry) { return entry.second.channel == channel; })) {
      return;
    }
  }
  WriteLock lock(mutex_);
  std::vector<std::pair<LiveKey, Live>> gone;
  for (const auto& entry : live_)
    if (entry.second.channel == channel) gone.push_back(entry);
  for (const auto& [key, live] : gone) remove_address(key, live.broker_name, live.broker_id);
}

void NameService::heartbeat(std::string_view cluster, std::string_view address, ChannelId channel) {
  WriteLock lock(mutex_);
  const auto live = live_.find({std::string(cluster), std::string(address)});
  if (live == live_.end()) return;
  live->second.heard_ms = clock_.monotonic_ms();
  live->second.channel = channel;
}

std::optional<model::DataVersion> NameService::compare_version(std::string_view cluster,
                                                               std::string_view address,
                                                               const model::DataVersion& version) {
  WriteLock lock(mutex_);
  const auto live = live_.find({std::string(cluster), std::string(address)});
  if (live == live_.end()) return std::nullopt;
  if (live->second.version == version) live->second.heard_ms = clock_.monotonic_ms();
  return live->second.version;
}

std::size_t NameService::expire() {
  const std::int64_t now_ms = clock_.monotonic_ms();
  WriteLock lock(mutex_);
  std::vector<std::pair<LiveKey, Live>> gone;
  for (const auto& entry : live_)
    if (now_ms - entry.second.heard_ms > entry.second.timeout_ms) gone.push_back(entry);
  for (const auto& [key, live] : gone) remove_address(key, live.broker_name, live.broker_id);
  return gone.size();
}

Result<BrokerData> NameService::broker_group(std::string_view broker_name) const {
  ReadLock lock(mutex_);
  const auto broker = brokers_.find(broker_name);
  if (broker == brokers_.end())
    return fail(Errc::kNotFound, "no broker named " + std::string(broker_name));
  return broker->second;
}

Result<std::int32_t> NameService::set_writable(std::string_view broker_name, bool writable) {
  WriteLock lock(mutex_);
  if (brokers_.find(broker_name) == brokers_.end())
    return fail(Errc::kNotFound, "no broker named " + std::string(broker_name));
  std::int32_t count = 0;
  for (auto& [name, queues] : topics_) {
    const auto queue = find_queue(queues, broker_name);
    if (queue == queues.end()) continue;
    queue->perm = writable ? queue->perm | perm::kRead | perm::kWrite : queue->perm & ~perm::kWrite;
    ++count;
  }
  return count;
}

// Clients look for id 0 only; without a master the smallest id takes its place for reading.
void NameService::present_acting_master(BrokerData& broker, const Queues& queues) {
  if (!broker.acting_master || broker.addresses.empty() || broker.addresses.contains(kMasterId)) {
    return;
  }
  const auto queue = std::find_if(queues.begin(), queues.end(),
                                  [&](const QueueData& q) { return q.broker_name == broker.name; });
  if (queue == queues.end() || (queue->perm & perm::kWrite) != 0) return;
  const std::string address = broker.addresses.begin()->second;
  broker.addresses.erase(broker.addresses.begin());
  broker.addresses[kMasterId] = address;
}

Result<TopicRoute> NameService::route(std::string_view topic) const {
  const model::Settings& settings = settings_.get();
  if (settings.need_wait_for_service &&
      clock_.monotonic_ms() - started_ms_ < std::int64_t{settings.wait_for_service_s} * 1000) {
    return fail(Errc::kNotReady, "name server not ready");
  }
  TopicRoute route;
  {
    ReadLock lock(mutex_);
    const auto queues = topics_.find(topic);
    if (queues != topics_.end()) {
      for (const QueueData& queue : queues->second) {
        const auto broker = brokers_.find(queue.broker_name);
        if (broker == brokers_.end()) continue;
        route.queues.push_back(queue);
        route.brokers.push_back(broker->second);
        if (settings.support_acting_master)
          present_acting_master(route.brokers.back(), queues->second);
      }
    }
  }
  if (route.queues.empty()) route = retry_route_to_come(topic);
  if (route.queues.empty()) {
    return fail(Errc::kTopicNotFound,
                "No topic route info in name server for the topic: " + std::string(topic));
  }
  if (settings.order_message) route.order_conf = kv_.get(kOrderTopicNamespace, topic);
  return route;
}

// A client asks for the route of its group's retry topic before its first heartbeat makes the
// broker create group and topic, and asks again only 30 s later: until then the first failed
// message of a new group waited. With one broker the route is known beforehand.
TopicRoute NameService::retry_route_to_come(std::string_view topic) const {
  TopicRoute route;
  if (!model::topic::is_retry(topic) || !settings_.get().auto_create_group) return route;
  ReadLock lock(mutex_);
  if (brokers_.size() != 1 || !brokers_.begin()->second.addresses.contains(kMasterId)) return route;
  const BrokerData& broker = brokers_.begin()->second;
  route.brokers.push_back(broker);
  route.queues.push_back({.broker_name = broker.name,
                          .read_queues = 1,
                          .write_queues = 1,
                          .perm = perm::kRead | perm::kWrite});
  return route;
}

void NameService::delete_topic(std::string_view topic, std::string_view cluster) {
  WriteLock lock(mutex_);
  const auto queues = topics_.find(topic);
  if (queues == topics_.end()) return;
  if (cluster.empty()) {
    topics_.erase(queues);
    return;
  }
  const auto names = clusters_.find(cluster);
  if (names == clusters_.end()) return;
  std::erase_if(queues->second,
                [&](const QueueData& q) { return names->second.contains(q.broker_name); });
  if (queues->second.empty()) topics_.erase(queues);
}

Status NameService::register_topic(std::string_view topic, std::span<const QueueData> queues) {
  if (queues.empty()) return {};
  WriteLock lock(mutex_);
  for (const QueueData& queue : queues) {
    if (brokers_.find(queue.broker_name) == brokers_.end())
      return fail(Errc::kNotFound, "no broker named " + queue.broker_name);
  }
  Queues& known = topics_[std::string(topic)];
  for (const QueueData& queue : queues) {
    const auto old = find_queue(known, queue.broker_name);
    if (old == known.end())
      known.push_back(queue);
    else
      *old = queue;
  }
  return {};
}

std::vector<std::string> NameService::topics() const {
  ReadLock lock(mutex_);
  std::vector<std::string> names;
  names.reserve(topics_.size());
  for (const auto& [name, queues] : topics_) names.push_back(name);
  return names;
}

std::vector<std::string> NameService::topics_of_cluster(std::string_view cluster) const {
  ReadLock lock(mutex_);
  std::vector<std::string> names;
  const auto brokers = clusters_.find(cluster);
  if (brokers == clusters_.end()) return names;
  for (const auto& [name, queues] : topics_) {
    if (std::any_of(queues.begin(), queues.end(),
                    [&](const QueueData& q) { return brokers->second.contains(q.broker_name); })) {
      names.push_back(name);
    }
  }
  return names;
}

std::vector<std::string> NameService::topics_of_unit(UnitFilter filter) const {
  ReadLock lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, queues] : topics_) {
    const std::int32_t flag = queues.front().sys_flag;
    const bool unit = (flag & kUnitBit) != 0;
    const bool subscribed = (flag & kUnitSubscribedBit) != 0;
    const bool wanted = filter == UnitFilter::kUnit             ? unit
                        : filter == UnitFilter::kUnitSubscribed ? subscribed
                                                                : subscribed && !unit;
    if (wanted) names.push_back(name);
  }
  return names;
}

SystemTopics NameService::system_topics() const {
  ReadLock lock(mutex_);
  SystemTopics result;
  for (const auto& [cluster, brokers] : clusters_) {
    result.topics.push_back(cluster);
    result.topics.insert(result.topics.end(), brokers.begin(), brokers.end());
  }
  if (!brokers_.empty() && !brokers_.begin()->second.addresses.empty())
    result.broker_address = brokers_.begin()->second.addresses.begin()->second;
  return result;
}

ClusterInfo NameService::cluster_info() const {
  ReadLock lock(mutex_);
  ClusterInfo info;
  for (const auto& [name, broker] : brokers_) info.brokers.emplace(name, broker);
  for (const auto& [name, brokers] : clusters_) info.clusters.emplace(name, brokers);
  return info;
}

}  // namespace oncemq::route
