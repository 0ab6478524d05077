#include "client/sdk/member.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"
#include "model/topic.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/clients.h"

namespace oncemq::sdk {
namespace {

constexpr std::int64_t kLookMs = 20'000;
constexpr std::int64_t kLookSoonMs = 1'000;  // when something was missing
constexpr std::int64_t kLookupMs = 3'000;
constexpr std::int64_t kCommitMs = 5'000;

std::map<std::string, model::Subscription> by_topic(std::vector<model::Subscription> all) {
  std::map<std::string, model::Subscription> map;
  for (model::Subscription& one : all) map.emplace(one.topic, std::move(one));
  return map;
}

wire::ConsumeFrom consume_from(StartAt start_at) {
  switch (start_at) {
    case StartAt::kLast:
      return wire::ConsumeFrom::kLastOffset;
    case StartAt::kFirst:
      return wire::ConsumeFrom::kFirstOffset;
    case StartAt::kTime:
      return wire::ConsumeFrom::kTimestamp;
  }
  return wire::ConsumeFrom::kLastOffset;
}

wire::ConsumerGroup group_of(const PushConsumerOptions& options,
                             const std::map<std::string, model::Subscription>& subscriptions) {
  wire::ConsumerGroup group{.consume_from = consume_from(options.start_at),
                            .name = options.group,
                            .message_model = options.broadcast ? model::MessageModel::kBroadcasting
                                                               : model::MessageModel::kClustering};
  for (const auto& [topic, subscription] : subscriptions)
    group.subscriptions.push_back(subscription);
  return group;
}

// No exception goes further than this.
Outcomes call(const Handler& handler, std::span<const Delivery> batch) {
  std::string why;
  try {
    return handler(batch);
  } catch (const std::exception& error) {
    why = error.what();
  } catch (...) {
    why = "something that is no std::exception";
  }
  log::warn("sdk", "a handler threw, its {} messages come again: {}", batch.size(), why);
  return Outcome::again();
}

}  // namespace

Member::Member(client::RemotingClient& client, Routes& routes, Workers& workers,
               const PushConsumerOptions& options, std::string client_id,
               std::vector<model::Subscription> subscriptions, const Handler& handler)
    : client_(client),
      routes_(routes),
      workers_(workers),
      options_(options),
      client_id_(std::move(client_id)),
      subscriptions_(by_topic(std::move(subscriptions))),
      handler_(handler),
      started_ms_(client.loop().clock().wall_ms()),
      heart_(client, Heart::consumer(client_id_, group_of(options, subscriptions_)),
             [this] { look_again(kLookSoonMs); }) {}

void Member::start() {
  heart_.start();
  commit_later();
  look();
}

std::optional<std::string> Member::address_of(const Queue& queue) const {
  const auto route = found_.find(queue.topic);
  if (route == found_.end()) return std::nullopt;
  const auto master = route->second->masters.find(queue.broker);
  if (master == route->second->masters.end()) return std::nullopt;
  return master->second;
}

// ---- which queues

// The earliest of all that was asked for counts.
void Member::look_again(std::int64_t pause_ms) {
  if (phase_ != Phase::kRunning) return;
  const std::int64_t at_ms = client_.loop().now_ms() + pause_ms;
  if (look_timer_ && look_at_ms_ <= at_ms) return;
  if (look_timer_) client_.loop().cancel(look_timer_);
  look_at_ms_ = at_ms;
  look_timer_ = client_.loop().add_timer(at_ms, [this] {
    look_timer_ = {};
    look();
  });
}

void Member::look() {
  if (phase_ != Phase::kRunning) return;
  look_again(kLookMs);
  const std::int64_t deadline_ms = client_.loop().clock().monotonic_ms() + kLookupMs;
  for (const auto& [topic, subscription] : subscriptions_)
    routes_.find(topic, deadline_ms, [this, name = topic](const Result<Routes::Found>& found) {
      if (phase_ == Phase::kRunning) take_route(name, found);
    });
}

void Member::take_route(const std::string& topic, const Result<Routes::Found>& found) {
  if (!found) {
    // A retry topic is made by the first heartbeat.
    if (!model::topic::is_retry(topic) && missing_.insert(topic).second)
      log::warn("sdk", "group {}: {}", options_.group, found.error().message);
    look_again(kLookSoonMs);
    return;
  }
  missing_.erase(topic);
  found_.insert_or_assign(topic, *found);
  const std::map<std::string, std::string>& masters = (*found)->masters;
  for (const auto& [broker, address] : masters) heart_.meet(address);
  if (options_.broadcast) {
    add_queues((*found)->queues);
    return;
  }
  // Every broker knows all members.
  auto chosen = masters.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(routes_.turn(topic) % masters.size()));
  client_.call_async<wire::GetConsumerListByGroup>(
      chosen->second, {.consumer_group = options_.group}, {}, kLookupMs,
      [this, topic, address = chosen->second](const oncemq::Result<client::Answer>& answer) {
        if (phase_ == Phase::kRunning) take_members(topic, address, answer);
      });
}

void Member::take_members(const std::string& topic, const std::string& address,
                          const oncemq::Result<client::Answer>& answer) {
  if (answer && answer->status()) {
    const auto list = wire::decode_body<wire::ConsumerIdList>(answer->body());
    if (list && std::find(list->ids.begin(), list->ids.end(), client_id_) != list->ids.end()) {
      take_queues(topic, allocate(found_.at(topic)->queues, list->ids, client_id_));
      return;
    }
  }
  // Nobody can say who has what: everything stays as it is until the broker knows us.
  heart_.forget(address);
  if (!answer) routes_.doubt(topic);
  look_again(kLookSoonMs);
}

void Member::take_queues(const std::string& topic, const std::vector<Queue>& mine) {
  std::vector<std::shared_ptr<QueuePuller>> others;  // retiring changes queues_
  for (const auto& [queue, puller] : queues_)
    if (queue.topic == topic && std::find(mine.begin(), mine.end(), queue) == mine.end())
      others.push_back(puller);
  for (const auto& puller : others) puller->retire(std::nullopt);
  add_queues(mine);
}

// A broadcast gives no queue up: nobody else knows how far it came.
void Member::add_queues(const std::vector<Queue>& mine) {
  for (const Queue& queue : mine)
    if (!queues_.contains(queue)) add_queue(queue, std::nullopt);
}

void Member::add_queue(const Queue& queue, std::optional<std::int64_t> start) {
  auto puller = std::make_shared<QueuePuller>(*this, queue, subscriptions_.at(queue.topic), start);
  queues_.emplace(queue, puller);
  puller->begin();
}

void Member::on_retired(const Queue& queue, std::optional<std::int64_t> start) {
  queues_.erase(queue);
  if (phase_ != Phase::kRunning) return;
  if (start)
    add_queue(queue, start);
  else
    look_again(kLookSoonMs);  // it may be ours again by now
}

void Member::on_lost(const Queue& queue) {
  if (const auto address = address_of(queue)) heart_.forget(*address);
  routes_.doubt(queue.topic);
  look_again(kLookSoonMs);
}

// ---- handlers

void Member::on_waiting(QueuePuller& puller) {
  line_up(puller);
  hand_out();
}

void Member::line_up(QueuePuller& puller) {
  if (puller.has_waiting() && puller.step_in()) line_.push_back(puller.shared_from_this());
}

// As many batches as there are threads: what waits here can still be given up.
void Member::hand_out() {
  while (phase_ == Phase::kRunning && handling_ < options_.threads && !line_.empty()) {
    std::shared_ptr<QueuePuller> puller = std::move(line_.front());
    line_.pop_front();
    puller->step_out();
    if (!puller->has_waiting()) continue;
    std::vector<Delivery> batch = puller->take(options_.batch_max);
    line_up(*puller);
    ++handling_;
    workers_.run([this, puller = std::move(puller), batch = std::move(batch)]() mutable {
      Outcomes outcomes = call(handler_, batch);
      client_.loop().post([this, puller = std::move(puller), batch = std::move(batch),
                           outcomes = std::move(outcomes)]() mutable {
        finish(*puller, std::move(batch), outcomes);
      });
    });
  }
}

void Member::finish(QueuePuller& puller, std::vector<Delivery> batch, const Outcomes& outcomes) {
  --handling_;
  puller.finish(std::move(batch), outcomes);
  hand_out();
  end_when_quiet();
}

void Member::commit_later() {
  client_.loop().add_timer(client_.loop().now_ms() + kCommitMs, [this] {
    if (phase_ != Phase::kRunning) return;
    for (const auto& [queue, puller] : queues_) puller->commit([] {});
    commit_later();
  });
}

// ---- the end

void Member::close(std::function<void()> on_closed) {
  if (phase_ == Phase::kClosed) {
    on_closed();
    return;
  }
  on_closed_.push_back(std::move(on_closed));
  if (phase_ != Phase::kRunning) return;
  phase_ = Phase::kEnding;
  client_.loop().cancel(look_timer_);
  line_.clear();
  for (const auto& [queue, puller] : queues_) puller->stop();
  client_.loop().add_timer(client_.loop().now_ms() + options_.close_timeout.count(), [this] {
    if (phase_ == Phase::kEnding) leave();
  });
  end_when_quiet();
}

void Member::end_when_quiet() {
  if (phase_ != Phase::kEnding || handling_ > 0) return;
  for (const auto& [queue, puller] : queues_)
    if (puller->returning() > 0) return;
  leave();
}

void Member::leave() {
  phase_ = Phase::kLeaving;
  // One more than there are, so that the last one is this function.
  committing_ = queues_.size() + 1;
  const auto committed = [this] {
    if (--committing_ == 0) heart_.leave([this] { closed(); });
  };
  for (const auto& [queue, puller] : queues_)
    puller->commit([kept = puller, committed] {
      kept->unlock();
      committed();
    });
  committed();
}

void Member::closed() {
  phase_ = Phase::kClosed;
  for (const auto& [queue, puller] : queues_) puller->drop();
  queues_.clear();
  for (const auto& on_closed : std::exchange(on_closed_, {})) on_closed();
}

}  // namespace oncemq::sdk
