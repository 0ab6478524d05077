#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/group_table.h"
#include "broker/ids.h"
#include "broker/options.h"
#include "model/group.h"
#include "model/subscription.h"
#include "os/clock.h"

namespace oncemq::broker {

// A connected client as it introduced itself. `language` and `version` are the edge's numbers,
// kept for the admin answers.
struct ClientInfo {
  ChannelId channel{};
  std::string client_id;
  std::string address;  // "10.0.0.1:51234"
  std::int32_t language = 0;
  std::int32_t version = 0;
  std::int64_t last_heartbeat_ms = 0;  // wall clock
};

// One consumer group inside a heartbeat.
struct ConsumerBeat {
  std::string group;
  model::ConsumeType type = model::ConsumeType::kPassively;
  model::MessageModel model = model::MessageModel::kClustering;
  std::string consume_from;  // "CONSUME_FROM_LAST_OFFSET", kept verbatim
  bool unit_mode = false;
  std::vector<model::Subscription> subscriptions;
};

struct Heartbeat {
  ClientInfo client;
  std::vector<std::string> producer_groups;
  std::vector<ConsumerBeat> consumers;
  std::int32_t fingerprint = 0;  // V2 when not 0
  bool without_subscriptions = false;
};

struct HeartbeatReply {
  bool subscriptions_changed = true;  // V2: send the full form next
};

// A consumer group that has clients now.
struct ConsumerGroupView {
  model::ConsumeType type = model::ConsumeType::kPassively;
  model::MessageModel model = model::MessageModel::kClustering;
  std::string consume_from;
  std::vector<ClientInfo> clients;                 // sorted by client id
  std::vector<model::Subscription> subscriptions;  // sorted by topic
};

// Who is connected: producers and consumers by group, with what they subscribe. Thread rule:
// monitor.
class ClientRegistry {
 public:
  // Events are given on the thread that caused them, no lock held; the receiver only posts.
  struct Events {
    // The set of clients or topics of a group changed: tell these channels (request 40).
    std::function<void(const std::string& group, std::span<const ChannelId>)> ids_changed;
    // No heartbeat for too long: the edge closes the channel and reports it closed.
    std::function<void(ChannelId)> expired;
  };

  ClientRegistry(const Options& options, const Switches& switches, GroupTable& groups,
                 os::Clock& clock);
  ~ClientRegistry();
  void set_events(Events events);

  // kBusy at the bound. Groups that may not be created are skipped, as upstream does.
  Result<HeartbeatReply> heartbeat(const Heartbeat& beat);
  // Empty group: not of that kind.
  void unregister(ChannelId channel, std::string_view client_id, std::string_view producer_group,
                  std::string_view consumer_group);
  void connection_closed(ChannelId channel);
  // Drops what sent no heartbeat; service thread.
  void expire();

  // Sorted; empty when the group has no clients.
  std::vector<std::string> consumer_ids(std::string_view group) const;
  std::optional<ConsumerGroupView> consumer_group(std::string_view group) const;
  std::vector<std::string> consumer_groups() const;  // online, sorted
  // Clients of a producer group; all groups.
  std::vector<ClientInfo> producers(std::string_view group) const;
  std::map<std::string, std::vector<ClientInfo>> all_producers() const;
  // A client of the group by id, to be asked something (requests 307, 309, 220, 221).
  std::optional<ClientInfo> consumer(std::string_view group, std::string_view client_id) const;
  // Id of the consumer that has, or had until lately, this channel; empty when not known.
  std::string consumer_of(ChannelId channel) const;
  // The producer with that client id, any group (replies).
  std::optional<ClientInfo> producer(std::string_view client_id) const;
  // Groups whose clients subscribe the topic now; sorted.
  std::vector<std::string> groups_subscribing(std::string_view topic) const;

  // What a pull needs to know. `subscription` is shared, because parked pulls outlive a change.
  struct PullView {
    bool online = false;
    model::MessageModel model = model::MessageModel::kClustering;
    std::shared_ptr<const model::Subscription> subscription;  // null: topic is not subscribed
  };
  PullView pull_view(std::string_view group, std::string_view topic) const;
  std::size_t memory_bytes() const;

 private:
  struct ConsumerGroup;
  struct ProducerGroup;
  struct Member;
  using Members = std::map<std::uint64_t, Member>;                               // by channel
  using GroupsOf = std::unordered_map<std::uint64_t, std::vector<std::string>>;  // by channel
  struct Notice {
    std::string group;
    std::vector<ChannelId> channels;
  };

  // True when the set of topics changed.
  bool update_consumer(ConsumerGroup& group, const Heartbeat& beat, const ConsumerBeat& consumer)
      ONCE_REQUIRES(mutex_);
  enum class Joined : std::uint8_t { kFresh, kAgain, kFull };
  // Puts the channel into a group, or its new heartbeat.
  Joined join(Members& members, GroupsOf& groups_of, const std::string& name, const Member& member)
      ONCE_REQUIRES(mutex_);
  // Leaves the groups that the channels have been silent in; channels that left one go to `left`.
  void expire_consumers(std::int64_t limit_ms, std::vector<Notice>& notices,
                        std::vector<std::uint64_t>& left) ONCE_REQUIRES(mutex_);
  void expire_producers(std::int64_t limit_ms, std::vector<std::uint64_t>& left)
      ONCE_REQUIRES(mutex_);
  void add_notice(const std::string& name, const ConsumerGroup& group,
                  std::vector<Notice>& notices) const ONCE_REQUIRES_SHARED(mutex_);
  void tell(const std::vector<Notice>& notices) const ONCE_EXCLUDES(mutex_);
  void leave_consumers(const std::string& name, std::uint64_t channel, std::vector<Notice>& notices)
      ONCE_REQUIRES(mutex_);
  void leave_producers(const std::string& name, std::uint64_t channel) ONCE_REQUIRES(mutex_);
  void remember(std::uint64_t channel, std::string client_id) ONCE_REQUIRES(mutex_);
  void leave_all(std::uint64_t channel, std::vector<Notice>& notices) ONCE_REQUIRES(mutex_);

  const Options& options_;
  const Switches& switches_;
  GroupTable& groups_;
  os::Clock& clock_;
  Events events_;

  mutable SharedMutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<ConsumerGroup>, TextHash, std::equal_to<>>
      consumers_ ONCE_GUARDED_BY(mutex_);
  std::unordered_map<std::string, std::unique_ptr<ProducerGroup>, TextHash, std::equal_to<>>
      producers_ ONCE_GUARDED_BY(mutex_);
  // Groups per channel, so that a closed connection need not be looked for everywhere.
  GroupsOf consumer_groups_of_ ONCE_GUARDED_BY(mutex_);
  GroupsOf producer_groups_of_ ONCE_GUARDED_BY(mutex_);
  std::size_t pairs_ ONCE_GUARDED_BY(mutex_) = 0;
  // Consumers that have gone, the latest kGoneMax (about 100 bytes each).
  static constexpr std::size_t kGoneMax = 4'096;
  std::deque<std::pair<std::uint64_t, std::string>> gone_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
