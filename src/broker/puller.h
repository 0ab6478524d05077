#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/broker_stats.h"
#include "broker/client_registry.h"
#include "broker/consumer_offsets.h"
#include "broker/deliveries.h"
#include "broker/group_table.h"
#include "broker/ids.h"
#include "broker/options.h"
#include "broker/parked_pulls.h"
#include "broker/sql_filters.h"
#include "broker/topic_table.h"
#include "model/subscription.h"
#include "store/message_store.h"

namespace oncemq::broker {

// A pull as the protocol edge understood it; views valid during the call.
struct PullRequest {
  std::string_view group;
  std::string_view topic;
  std::int32_t queue_id = 0;
  model::QueueOffset offset;
  std::int32_t max_messages = 32;
  std::optional<std::int32_t> max_bytes;
  std::optional<model::ConsumeOffset> commit_offset;  // when sysFlag said it is valid
  bool suspend = false;                               // long polling allowed
  std::int64_t suspend_timeout_ms = 0;
  bool has_subscription = false;  // expression travels in the request
  std::string_view expression;
  std::string_view expression_type;  // empty: TAG
  std::int64_t subscription_version = 0;
  bool lite = false;
  ChannelId channel{};  // whose answer it will be
};

enum class PullStatus : std::uint8_t {
  kFound,        // messages
  kNothing,      // no new message; may be parked
  kRetry,        // nothing matched or records are gone: ask again at `next`
  kOffsetMoved,  // the offset is outside the queue, or was reset: go on at `next`
};

// Why a pull was refused with kNoPermission, for the clients that look at it.
enum class Forbidden : std::uint8_t {
  kNone = 0,
  kBroker = 1,
  kGroup = 2,
  kTopic = 3,
  kBroadcast = 4,
  kSubscription = 5,
};

struct PullResult {
  PullStatus status = PullStatus::kNothing;
  bool reset = false;      // kOffsetMoved by a server-side reset
  store::ReadResult read;  // next, min, max, spans; read.status for the remark
  std::int64_t suggested_broker_id = 0;
  std::int32_t topic_sys_flag = 0;
  std::int32_t group_sys_flag = 0;
};

struct PullRefusal {
  Error error;
  Forbidden forbidden = Forbidden::kNone;
};

// Where a group goes on in a queue, as a consumer said; views valid during the call.
struct PassedOffset {
  std::string_view group;
  std::string_view topic;
  std::int32_t queue_id = 0;
  model::ConsumeOffset offset;
  ChannelId channel{};
};

// Checks, subscription, read (remoting.md §8). Thread rule: monitor.
class Puller {
 public:
  Puller(const Switches& switches, TopicTable& topics, GroupTable& groups, ConsumerOffsets& offsets,
         ClientRegistry& clients, SqlFilters& filters, ParkedPulls& parked,
         store::MessageStore& store, BrokerStats& stats, Deliveries& deliveries);

  // kNotReady, kNoPermission, kGroupNotFound, kTopicNotFound, kInvalidArgument (queue id),
  // kSubscriptionBroken, kSubscriptionMissing (also when the group is offline),
  // kSubscriptionStale, kNotSupported (type of expression).
  tl::expected<PullResult, PullRefusal> pull(const PullRequest& request);

  // Stores it. kBusy.
  Status commit(const PassedOffset& passed);

  // After pull() said kNothing and the request allows suspension: keeps `waiter` until a matching
  // message is committed, the deadline passes, or the channel closes. The edge then pulls again
  // with suspend = false and no commit offset. kArrived and kFull leave `waiter` with the caller:
  // pull again at once, or answer kNothing.
  ParkOutcome park(const PullRequest& request, ChannelId channel,
                   std::unique_ptr<PullWaiter>& waiter);

 private:
  struct Subscribed {
    // shared with the registry, see ParkRequest; null: everything
    std::shared_ptr<const model::Subscription> filter;
  };
  struct Checked {
    const TopicEntry* topic = nullptr;
    const GroupEntry* group = nullptr;
    std::shared_ptr<const model::Subscription> filter;  // as in Subscribed
  };

  tl::expected<Checked, PullRefusal> check(const PullRequest& request);
  tl::expected<Subscribed, PullRefusal> subscription(const PullRequest& request,
                                                     const GroupEntry& group) const;

  const Switches& switches_;
  TopicTable& topics_;
  GroupTable& groups_;
  ConsumerOffsets& offsets_;
  ClientRegistry& clients_;
  SqlFilters& filters_;
  ParkedPulls& parked_;
  store::MessageStore& store_;
  BrokerStats& stats_;
  Deliveries& deliveries_;
};

}  // namespace oncemq::broker
