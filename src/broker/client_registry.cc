#include "broker/client_registry.h"

#include <algorithm>
#include <utility>

#include "base/heap_bytes.h"

namespace oncemq::broker {

namespace {

std::uint64_t number(ChannelId channel) {
  return static_cast<std::uint64_t>(channel);
}

void drop(std::vector<std::string>& names, std::string_view name) {
  std::erase_if(names, [name](const std::string& other) { return other == name; });
}

}  // namespace

struct ClientRegistry::Member {
  ClientInfo info;
  std::int64_t seen_ms = 0;  // monotonic
};

struct ClientRegistry::ConsumerGroup {
  model::ConsumeType type = model::ConsumeType::kPassively;
  model::MessageModel model = model::MessageModel::kClustering;
  std::string consume_from;
  std::optional<std::int32_t> fingerprint;
  Members members;
  // shared: pulls that are parked keep the version they were checked with
  std::map<std::string, std::shared_ptr<const model::Subscription>, std::less<>> subscriptions;
};

struct ClientRegistry::ProducerGroup {
  Members members;
};

ClientRegistry::ClientRegistry(const Options& options, const Switches& switches, GroupTable& groups,
                               os::Clock& clock)
    : options_(options), switches_(switches), groups_(groups), clock_(clock) {}

ClientRegistry::~ClientRegistry() = default;

std::size_t ClientRegistry::memory_bytes() const {
  // Client id and language of a member; the group's name with the channel.
  constexpr std::size_t kMember =
      kTreeNodeBytes<Members> + kNameHeapBytes + heap_bytes(sizeof(std::string)) + kNameHeapBytes;
  constexpr std::size_t kChannel = kHashNodeBytes<GroupsOf>;
  constexpr std::size_t kSubscription = kTreeNodeBytes<decltype(ConsumerGroup::subscriptions)> +
                                        heap_bytes(sizeof(model::Subscription) + kSharedBytes) +
                                        3 * kNameHeapBytes;
  ReadLock lock(mutex_);
  std::size_t bytes =
      pairs_ * kMember + (consumer_groups_of_.size() + producer_groups_of_.size()) * kChannel;
  for (const auto& [name, group] : consumers_)
    bytes += kHashNodeBytes<decltype(consumers_)> + kNameHeapBytes +
             heap_bytes(sizeof(ConsumerGroup)) + group->subscriptions.size() * kSubscription;
  return bytes + producers_.size() * (kHashNodeBytes<decltype(producers_)> + kNameHeapBytes +
                                      heap_bytes(sizeof(ProducerGroup)));
}

void ClientRegistry::set_events(Events events) {
  events_ = std::move(events);
}

bool ClientRegistry::update_consumer(ConsumerGroup& group, const Heartbeat& beat,
                                     const ConsumerBeat& consumer) {
  group.type = consumer.type;
  group.model = consumer.model;
  group.consume_from = consumer.consume_from;
  if (beat.without_subscriptions) return false;
  // Only the set of topics matters for rebalance; a newer expression of a known topic does not.
  bool changed = false;
  for (const model::Subscription& subscription : consumer.subscriptions) {
    auto [row, fresh] = group.subscriptions.try_emplace(subscription.topic);
    changed |= fresh;
    if (fresh || row->second->version < subscription.version)
      row->second = std::make_shared<const model::Subscription>(subscription);
  }
  changed |= 0 != std::erase_if(group.subscriptions, [&](const auto& row) {
               return std::none_of(consumer.subscriptions.begin(), consumer.subscriptions.end(),
                                   [&](const auto& other) { return other.topic == row.first; });
             });
  return changed;
}

Result<HeartbeatReply> ClientRegistry::heartbeat(const Heartbeat& beat) {
  HeartbeatReply reply;
  if (beat.fingerprint != 0) reply.subscriptions_changed = false;
  Member member{beat.client, clock_.monotonic_ms()};
  member.info.last_heartbeat_ms = clock_.wall_ms();

  // Groups are created outside the lock: that may create topics and tell listeners.
  std::vector<const ConsumerBeat*> consumers;
  for (const ConsumerBeat& consumer : beat.consumers)
    if (groups_.find_or_create(consumer.group).has_value()) consumers.push_back(&consumer);

  std::vector<Notice> notices;
  bool full = false;
  {
    WriteLock lock(mutex_);
    for (const ConsumerBeat* consumer : consumers) {
      auto found = consumers_.find(consumer->group);
      if (found == consumers_.end())
        found = consumers_.emplace(consumer->group, std::make_unique<ConsumerGroup>()).first;
      ConsumerGroup& group = *found->second;
      const Joined joined = join(group.members, consumer_groups_of_, consumer->group, member);
      if (joined == Joined::kFull) {
        full = true;
        if (group.members.empty()) consumers_.erase(found);
        continue;
      }
      const bool topics_changed = update_consumer(group, beat, *consumer);
      if (joined == Joined::kFresh || topics_changed) add_notice(consumer->group, group, notices);
      if (beat.fingerprint != 0 && group.fingerprint != beat.fingerprint) {
        reply.subscriptions_changed = true;
        if (!beat.without_subscriptions) group.fingerprint = beat.fingerprint;
      }
    }
    if (switches_.register_producer.load(std::memory_order_relaxed)) {
      for (const std::string& name : beat.producer_groups) {
        auto& group = producers_[name];
        if (group == nullptr) group = std::make_unique<ProducerGroup>();
        if (join(group->members, producer_groups_of_, name, member) != Joined::kFull) continue;
        full = true;
        if (group->members.empty()) producers_.erase(name);
      }
    }
  }
  tell(notices);
  if (full) return fail(Errc::kBusy, "too many clients");
  return reply;
}

ClientRegistry::Joined ClientRegistry::join(Members& members, GroupsOf& groups_of,
                                            const std::string& name, const Member& member) {
  const std::uint64_t channel = number(member.info.channel);
  auto row = members.find(channel);
  if (row != members.end()) {
    row->second = member;
    return Joined::kAgain;
  }
  if (pairs_ >= options_.channels_max) return Joined::kFull;
  ++pairs_;
  groups_of[channel].push_back(name);
  members.emplace(channel, member);
  return Joined::kFresh;
}

void ClientRegistry::add_notice(const std::string& name, const ConsumerGroup& group,
                                std::vector<Notice>& notices) const {
  if (group.model == model::MessageModel::kBroadcasting || group.members.empty()) return;
  if (!switches_.notify_consumer_ids.load(std::memory_order_relaxed)) return;
  Notice notice{name, {}};
  for (const auto& [channel, member] : group.members) notice.channels.push_back(ChannelId{channel});
  notices.push_back(std::move(notice));
}

void ClientRegistry::tell(const std::vector<Notice>& notices) const {
  if (events_.ids_changed == nullptr) return;
  for (const Notice& notice : notices) {
    const GroupEntry* group = groups_.find(notice.group);
    if (group == nullptr || group->notify_ids()) events_.ids_changed(notice.group, notice.channels);
  }
}

void ClientRegistry::leave_consumers(const std::string& name, std::uint64_t channel,
                                     std::vector<Notice>& notices) {
  auto found = consumers_.find(name);
  if (found == consumers_.end()) return;
  auto member = found->second->members.extract(channel);
  if (member.empty()) return;
  remember(channel, std::move(member.mapped().info.client_id));
  --pairs_;
  if (found->second->members.empty())
    consumers_.erase(found);
  else
    add_notice(name, *found->second, notices);
}

void ClientRegistry::remember(std::uint64_t channel, std::string client_id) {
  // A client leaves its groups one after another.
  if (!gone_.empty() && gone_.back().first == channel) return;
  if (gone_.size() == kGoneMax) gone_.pop_front();
  gone_.emplace_back(channel, std::move(client_id));
}

std::string ClientRegistry::consumer_of(ChannelId channel) const {
  ReadLock lock(mutex_);
  if (const auto row = consumer_groups_of_.find(number(channel));
      row != consumer_groups_of_.end() && !row->second.empty())
    return consumers_.find(row->second.front())->second->members.at(number(channel)).info.client_id;
  const auto gone = std::find_if(gone_.rbegin(), gone_.rend(),
                                 [&](const auto& one) { return one.first == number(channel); });
  return gone == gone_.rend() ? std::string() : gone->second;
}

void ClientRegistry::leave_producers(const std::string& name, std::uint64_t channel) {
  auto found = producers_.find(name);
  if (found == producers_.end() || found->second->members.erase(channel) == 0) return;
  --pairs_;
  if (found->second->members.empty()) producers_.erase(found);
}

void ClientRegistry::unregister(ChannelId channel, std::string_view client_id,
                                std::string_view producer_group, std::string_view consumer_group) {
  // A client may unregister over another connection than the one its heartbeats used; then its id
  // finds it.
  const auto channel_in = [&](const auto& members) -> std::uint64_t {
    if (members.contains(number(channel))) return number(channel);
    for (const auto& [id, member] : members)
      if (member.info.client_id == client_id) return id;
    return 0;
  };
  std::vector<Notice> notices;
  {
    WriteLock lock(mutex_);
    if (auto found = consumers_.find(consumer_group); found != consumers_.end()) {
      const std::string name = found->first;
      const std::uint64_t id = channel_in(found->second->members);
      leave_consumers(name, id, notices);
      if (auto row = consumer_groups_of_.find(id); row != consumer_groups_of_.end()) {
        drop(row->second, name);
        if (row->second.empty()) consumer_groups_of_.erase(row);
      }
    }
    if (auto found = producers_.find(producer_group); found != producers_.end()) {
      const std::string name = found->first;
      const std::uint64_t id = channel_in(found->second->members);
      leave_producers(name, id);
      if (auto row = producer_groups_of_.find(id); row != producer_groups_of_.end()) {
        drop(row->second, name);
        if (row->second.empty()) producer_groups_of_.erase(row);
      }
    }
  }
  tell(notices);
}

void ClientRegistry::leave_all(std::uint64_t channel, std::vector<Notice>& notices) {
  if (auto row = consumer_groups_of_.find(channel); row != consumer_groups_of_.end()) {
    for (const std::string& name : row->second) leave_consumers(name, channel, notices);
    consumer_groups_of_.erase(row);
  }
  if (auto row = producer_groups_of_.find(channel); row != producer_groups_of_.end()) {
    for (const std::string& name : row->second) leave_producers(name, channel);
    producer_groups_of_.erase(row);
  }
}

void ClientRegistry::connection_closed(ChannelId channel) {
  std::vector<Notice> notices;
  {
    WriteLock lock(mutex_);
    leave_all(number(channel), notices);
  }
  tell(notices);
}

// A channel is silent in one group only when its client has left that group without a word; then
// the group forgets it, and the channel lives on for the others.
void ClientRegistry::expire_consumers(std::int64_t limit_ms, std::vector<Notice>& notices,
                                      std::vector<std::uint64_t>& left) {
  for (auto& [channel, names] : consumer_groups_of_) {
    const std::size_t before = names.size();
    for (std::size_t i = names.size(); i-- > 0;) {
      if (consumers_.find(names[i])->second->members.at(channel).seen_ms > limit_ms) continue;
      leave_consumers(names[i], channel, notices);
      names.erase(names.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (names.size() < before) left.push_back(channel);
  }
}

void ClientRegistry::expire_producers(std::int64_t limit_ms, std::vector<std::uint64_t>& left) {
  for (auto& [channel, names] : producer_groups_of_) {
    const std::size_t before = names.size();
    for (std::size_t i = names.size(); i-- > 0;) {
      if (producers_.find(names[i])->second->members.at(channel).seen_ms > limit_ms) continue;
      leave_producers(names[i], channel);
      names.erase(names.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (names.size() < before) left.push_back(channel);
  }
}

void ClientRegistry::expire() {
  const std::int64_t limit = clock_.monotonic_ms() - options_.channel_expiry_ms;
  std::vector<Notice> notices;
  std::vector<std::uint64_t> left;
  std::vector<std::uint64_t> gone;
  {
    WriteLock lock(mutex_);
    expire_consumers(limit, notices, left);
    expire_producers(limit, left);
    std::sort(left.begin(), left.end());
    left.erase(std::unique(left.begin(), left.end()), left.end());
    for (std::uint64_t channel : left) {
      auto consumer = consumer_groups_of_.find(channel);
      auto producer = producer_groups_of_.find(channel);
      const bool consumes = consumer != consumer_groups_of_.end() && !consumer->second.empty();
      const bool produces = producer != producer_groups_of_.end() && !producer->second.empty();
      if (consumer != consumer_groups_of_.end() && !consumes) consumer_groups_of_.erase(consumer);
      if (producer != producer_groups_of_.end() && !produces) producer_groups_of_.erase(producer);
      if (!consumes && !produces) gone.push_back(channel);
    }
  }
  tell(notices);
  if (events_.expired == nullptr) return;
  for (std::uint64_t channel : gone) events_.expired(ChannelId{channel});
}

std::vector<std::string> ClientRegistry::consumer_ids(std::string_view group) const {
  std::vector<std::string> ids;
  ReadLock lock(mutex_);
  auto found = consumers_.find(group);
  if (found == consumers_.end()) return ids;
  for (const auto& [channel, member] : found->second->members) ids.push_back(member.info.client_id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

std::optional<ConsumerGroupView> ClientRegistry::consumer_group(std::string_view group) const {
  ReadLock lock(mutex_);
  auto found = consumers_.find(group);
  if (found == consumers_.end()) return std::nullopt;
  ConsumerGroupView view;
  view.type = found->second->type;
  view.model = found->second->model;
  view.consume_from = found->second->consume_from;
  for (const auto& [channel, member] : found->second->members) view.clients.push_back(member.info);
  for (const auto& [topic, subscription] : found->second->subscriptions)
    view.subscriptions.push_back(*subscription);
  std::sort(view.clients.begin(), view.clients.end(),
            [](const auto& a, const auto& b) { return a.client_id < b.client_id; });
  return view;
}

std::vector<std::string> ClientRegistry::consumer_groups() const {
  std::vector<std::string> names;
  {
    ReadLock lock(mutex_);
    for (const auto& [name, group] : consumers_) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<ClientInfo> ClientRegistry::producers(std::string_view group) const {
  std::vector<ClientInfo> clients;
  ReadLock lock(mutex_);
  auto found = producers_.find(group);
  if (found == producers_.end()) return clients;
  for (const auto& [channel, member] : found->second->members) clients.push_back(member.info);
  return clients;
}

std::map<std::string, std::vector<ClientInfo>> ClientRegistry::all_producers() const {
  std::map<std::string, std::vector<ClientInfo>> all;
  ReadLock lock(mutex_);
  for (const auto& [name, group] : producers_)
    for (const auto& [channel, member] : group->members) all[name].push_back(member.info);
  return all;
}

std::optional<ClientInfo> ClientRegistry::consumer(std::string_view group,
                                                   std::string_view client_id) const {
  ReadLock lock(mutex_);
  auto found = consumers_.find(group);
  if (found == consumers_.end()) return std::nullopt;
  for (const auto& [channel, member] : found->second->members)
    if (member.info.client_id == client_id) return member.info;
  return std::nullopt;
}

std::optional<ClientInfo> ClientRegistry::producer(std::string_view client_id) const {
  ReadLock lock(mutex_);
  for (const auto& [name, group] : producers_)
    for (const auto& [channel, member] : group->members)
      if (member.info.client_id == client_id) return member.info;
  return std::nullopt;
}

std::vector<std::string> ClientRegistry::groups_subscribing(std::string_view topic) const {
  std::vector<std::string> names;
  {
    ReadLock lock(mutex_);
    for (const auto& [name, group] : consumers_)
      if (group->subscriptions.contains(topic)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

ClientRegistry::PullView ClientRegistry::pull_view(std::string_view group,
                                                   std::string_view topic) const {
  PullView view;
  ReadLock lock(mutex_);
  auto found = consumers_.find(group);
  if (found == consumers_.end()) return view;
  view.online = true;
  view.model = found->second->model;
  auto subscription = found->second->subscriptions.find(topic);
  if (subscription != found->second->subscriptions.end()) view.subscription = subscription->second;
  return view;
}

}  // namespace oncemq::broker
