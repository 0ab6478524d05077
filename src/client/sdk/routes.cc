#include "client/sdk/routes.h"

#include <algorithm>
#include <utility>

#include "client/sdk/failure.h"
#include "model/topic.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/name_routes.h"

namespace oncemq::sdk {
namespace {

constexpr std::int64_t kMaster = 0;

constexpr std::int64_t kFreshMs = 30'000;
constexpr std::int64_t kNewFreshMs = 1'000;  // the topic will soon have a route of its own
constexpr std::int64_t kLookupMs = 3'000;
constexpr std::int64_t kPauseFirstMs = 100;
constexpr std::int64_t kPauseMaxMs = 2'000;

Result<Routes::Found> route_of(const std::string& topic, Routes::For use, bool is_new, Bytes body) {
  const bool sends = use == Routes::For::kSending;
  const std::int32_t needed = sends ? model::perm::kWrite : model::perm::kRead;
  const auto all = wire::decode_body<wire::TopicRoute>(body);
  if (!all) return failure(Errc::kInternal, "route of " + topic + ": " + all.error().message);
  auto route = std::make_shared<Route>();  // shared: see Found
  route->is_new = is_new;
  for (const wire::BrokerData& broker : all->brokers)
    if (const auto master = broker.addresses.find(kMaster); master != broker.addresses.end())
      route->masters.emplace(broker.name, master->second);
  for (const wire::QueueData& queues : all->queues) {
    if ((queues.perm & needed) == 0 || !route->masters.contains(queues.broker_name)) continue;
    const std::int32_t all_queues = sends ? queues.write_queues : queues.read_queues;
    const std::int32_t count = is_new ? std::min(all_queues, Routes::kNewQueues) : all_queues;
    for (std::int32_t id = 0; id < count; ++id)
      route->queues.push_back({.topic = topic, .broker = queues.broker_name, .id = id});
  }
  if (route->queues.empty())
    return failure(Errc::kTopicNotFound,
                   "no queue of " + topic + " can be " + (sends ? "written" : "read"));
  return route;
}

}  // namespace

void Routes::find(const std::string& topic, std::int64_t deadline_ms, const OnRoute& on_route) {
  if (closed_) {
    on_route(failure(Errc::kClosed, "the client is closed"));
    return;
  }
  if (entries_.size() >= kTopicsMax && !entries_.contains(topic)) {
    on_route(failure(Errc::kBusy, "too many topics"));
    return;
  }
  Entry& entry = entries_[topic];
  const Found known = entry.route;
  if (known == nullptr) entry.waiters.push_back({deadline_ms, on_route});
  if (entry.fresh_until_ms <= now_ms() && !entry.asking) {
    entry.asking = true;
    ask(topic, topic, 0);
  }
  if (known != nullptr) on_route(known);
}

void Routes::doubt(const std::string& topic) {
  if (const auto entry = entries_.find(topic); entry != entries_.end())
    entry->second.fresh_until_ms = 0;
}

std::optional<Error> Routes::trouble(const std::string& topic) const {
  const auto entry = entries_.find(topic);
  return entry == entries_.end() ? std::nullopt : entry->second.trouble;
}

void Routes::ask(const std::string& topic, const std::string& asked, std::size_t tried) {
  client_.call_async<wire::GetRouteInfoByTopic>(
      name_servers_[(preferred_ + tried) % name_servers_.size()],
      {.topic = asked, .accept_standard_json_only = true}, {}, kLookupMs,
      [this, topic, asked, tried](const oncemq::Result<client::Answer>& answer) {
        if (!closed_) take_answer(topic, asked, tried, answer);
      });
}

void Routes::take_answer(const std::string& topic, const std::string& asked, std::size_t tried,
                         const oncemq::Result<client::Answer>& answer) {
  const bool is_model = asked != topic;
  if (answer && answer->code() == wire::number(wire::ResponseCode::kSuccess)) {
    preferred_ = (preferred_ + tried) % name_servers_.size();
    settle(topic, route_of(topic, use_, is_model, answer->body()));
  } else if (answer && answer->code() == wire::number(wire::ResponseCode::kTopicNotExist)) {
    if (!is_model && use_ == For::kSending)
      ask(topic, std::string(kModel), tried);
    else
      settle(topic, failure(Errc::kTopicNotFound, "no route of " + topic));
  } else if (tried + 1 < name_servers_.size()) {
    ask(topic, asked, tried + 1);
  } else {
    settle(topic, failure(Errc::kUnreachable,
                          "no name server answered: " + (answer ? answer->status().error().message
                                                                : answer.error().message)));
  }
}

// An old route is better than none.
void Routes::settle(const std::string& topic, Result<Found> result) {
  Entry& entry = entries_[topic];
  entry.asking = false;
  if (result) {
    entry.route = *result;
    entry.fresh_until_ms = now_ms() + (entry.route->is_new ? kNewFreshMs : kFreshMs);
    entry.pause_ms = 0;
    entry.trouble.reset();
    if (on_new_) on_new_(*entry.route);
  } else {
    entry.trouble = result.error();
    entry.fresh_until_ms = entry.route != nullptr ? now_ms() + kNewFreshMs : 0;
  }
  std::vector<Waiter> done = std::move(entry.waiters);
  entry.waiters.clear();
  if (!result && result.error().code == Errc::kUnreachable) {
    const std::int64_t now = now_ms();
    const auto late = std::stable_partition(
        done.begin(), done.end(), [&](const Waiter& waiter) { return waiter.deadline_ms <= now; });
    std::move(late, done.end(), std::back_inserter(entry.waiters));
    done.erase(late, done.end());
    if (!entry.waiters.empty()) ask_later(topic, entry);
  }
  for (const Waiter& waiter : done) waiter.on_route(result);
}

void Routes::ask_later(const std::string& topic, Entry& entry) {
  entry.asking = true;
  entry.pause_ms = std::clamp(entry.pause_ms * 2, kPauseFirstMs, kPauseMaxMs);
  client_.loop().add_timer(client_.loop().now_ms() + entry.pause_ms, [this, topic] {
    if (!closed_) ask(topic, topic, 0);
  });
}

void Routes::close() {
  closed_ = true;
  for (auto& [topic, entry] : entries_)
    for (const Waiter& waiter : std::exchange(entry.waiters, {}))
      waiter.on_route(failure(Errc::kClosed, "the client is closed"));
}

}  // namespace oncemq::sdk
