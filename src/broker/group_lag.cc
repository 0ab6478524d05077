#include "broker/group_lag.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace oncemq::broker {
namespace {

// First message that is there and not consumed.
std::int64_t position(const store::ConsumeQueue& queue, model::ConsumeOffset offset) {
  return std::max(offset.value, queue.min().value);
}

}  // namespace

void GroupLags::count(GroupLag& lag, const ConsumerOffsets::Table& table) const {
  for (const auto& [queue_id, offset] : table) {
    const store::ConsumeQueue* queue = store_.find_queue(lag.topic, queue_id);
    if (queue == nullptr) continue;
    const std::int64_t at = position(*queue, offset);
    const std::int64_t behind = std::max<std::int64_t>(0, queue->max().value - at);
    lag.messages += behind;
    if (const auto popped = popper_.position(lag.group, lag.topic, queue_id))
      lag.in_flight += static_cast<std::int64_t>(popped->in_flight);
    else if (const auto reached = deliveries_.reached(*queue, lag.group))
      lag.in_flight += std::clamp<std::int64_t>(*reached - at, 0, behind);
  }
}

std::int64_t GroupLags::age_ms(const std::string& topic,
                               const ConsumerOffsets::Table& table) const {
  const std::int64_t now_ms = clock_.wall_ms();
  std::int64_t oldest = 0;
  for (const auto& [queue_id, offset] : table) {
    store::ConsumeQueue* queue = store_.find_queue(topic, queue_id);
    if (queue == nullptr) continue;
    const std::int64_t at = position(*queue, offset);
    if (at >= queue->max().value) continue;
    const std::int64_t stored_ms = store_.store_time(*queue, model::QueueOffset{at});
    if (stored_ms >= 0) oldest = std::max(oldest, now_ms - stored_ms);
  }
  return oldest;
}

std::vector<GroupLag> GroupLags::all(std::size_t ages) const {
  struct Source {
    GroupLag lag;
    ConsumerOffsets::Table table;
  };
  std::vector<Source> sources;
  offsets_.for_each(
      [&](const std::string& topic, const std::string& group, const ConsumerOffsets::Table& table) {
        sources.push_back({{.topic = topic, .group = group}, table});
      });
  std::unordered_map<std::string, std::optional<ConsumerGroupView>> online;
  std::erase_if(sources, [&](Source& source) {
    if (topics_.find(source.lag.topic) == nullptr) return true;
    const auto [view, fresh] = online.try_emplace(source.lag.group);
    if (fresh) view->second = clients_.consumer_group(source.lag.group);
    if (view->second.has_value() && !view->second->subscriptions.empty() &&
        std::ranges::none_of(view->second->subscriptions,
                             [&](const auto& s) { return s.topic == source.lag.topic; }))
      return true;
    count(source.lag, source.table);
    return false;
  });
  std::ranges::sort(sources, [](const Source& a, const Source& b) {
    if (a.lag.messages != b.lag.messages) return a.lag.messages > b.lag.messages;
    return std::tie(a.lag.topic, a.lag.group) < std::tie(b.lag.topic, b.lag.group);
  });
  std::vector<GroupLag> lags;
  lags.reserve(sources.size());
  for (Source& source : sources) {
    if (lags.size() < ages) source.lag.age_ms = age_ms(source.lag.topic, source.table);
    lags.push_back(std::move(source.lag));
  }
  return lags;
}

std::vector<GroupLag> GroupLags::of_group(const std::string& group) const {
  std::vector<GroupLag> lags;
  for (const std::string& topic : offsets_.topics_of(group)) {
    if (topics_.find(topic) == nullptr) continue;
    const ConsumerOffsets::Table table = offsets_.queues(group, topic);
    GroupLag& lag = lags.emplace_back();
    lag.topic = topic;
    lag.group = group;
    lag.age_ms = age_ms(topic, table);
    count(lag, table);
  }
  return lags;
}

}  // namespace oncemq::broker
