#include "broker/deliveries.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/json.h"

namespace oncemq::broker {

std::size_t Deliveries::shard_of(const store::ConsumeQueue* queue) {
  return (reinterpret_cast<std::uintptr_t>(queue) >> 6) % kShards;
}

std::optional<std::int64_t> Deliveries::reached(const store::ConsumeQueue& queue,
                                                std::string_view group) const {
  const Shard& shard = shards_[shard_of(&queue)];
  MutexLock lock(shard.mutex);
  const auto groups = shard.queues.find(&queue);
  if (groups == shard.queues.end()) return std::nullopt;
  const auto row = groups->second.find(group);
  if (row == groups->second.end()) return std::nullopt;
  return row->second.high;
}

Cause Deliveries::cause_of(const Row& row, ChannelId channel) {
  if (row.restored) return Cause::kBrokerRestart;
  if (row.reset) return Cause::kOffsetBack;
  return row.channel == channel ? Cause::kOffsetBack : Cause::kQueueMoved;
}

void Deliveries::given(const Given& given) {
  std::uint64_t again = 0;
  Cause cause = Cause::kOffsetBack;
  const std::int64_t end = given.queue->max().value;
  {
    Shard& shard = shards_[shard_of(given.queue)];
    MutexLock lock(shard.mutex);
    Groups& groups = shard.queues[given.queue];
    auto found = groups.find(given.group);
    if (found == groups.end()) {
      if (rows_.load(std::memory_order_relaxed) >= options_.offsets_max) return;
      rows_.fetch_add(1, std::memory_order_relaxed);
      Row fresh;
      fresh.high = fresh.next = given.from;
      found = groups.emplace(std::string(given.group), fresh).first;
    }
    Row& row = found->second;
    // The topic was deleted and made again: its offsets name other messages now.
    if (row.high > end) row.high = row.next = given.from;
    // Whoever goes on where the last answer ended is still in the same stretch.
    if (given.from != row.next || row.restored) row.cause = cause_of(row, given.channel);
    if (given.from < row.high) {
      again = std::min(given.messages,
                       static_cast<std::uint64_t>(std::min(given.next, row.high) - given.from));
      cause = row.cause;
    }
    row.high = std::max(row.high, given.next);
    row.next = given.next;
    row.channel = given.channel;
    row.restored = row.reset = false;
  }
  // Written when it changes only: all loops come by here.
  if (!dirty_.load(std::memory_order_relaxed)) dirty_.store(true, std::memory_order_relaxed);
  if (again == 0) return;
  // Consumers of a broadcasting group read a queue side by side.
  if (clients_.pull_view(given.group, given.queue->topic()).model ==
      model::MessageModel::kBroadcasting)
    return;
  causes_.count({.cause = cause,
                 .group = given.group,
                 .topic = given.queue->topic(),
                 .queue_id = given.queue->queue_id(),
                 .offset = given.from,
                 .messages = again});
}

void Deliveries::reset(const store::ConsumeQueue& queue, std::string_view group) {
  Shard& shard = shards_[shard_of(&queue)];
  MutexLock lock(shard.mutex);
  const auto groups = shard.queues.find(&queue);
  if (groups == shard.queues.end()) return;
  const auto row = groups->second.find(group);
  if (row == groups->second.end()) return;
  row->second.reset = true;
  row->second.restored = false;
}

// {"version": 1, "queues": {"TOPIC@QUEUE": {"GROUP": OFFSET}}}
std::string Deliveries::dump() const {
  Json queues = Json::object();
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    for (const auto& [queue, groups] : shard.queues) {
      Json table = Json::object();
      for (const auto& [group, row] : groups) table.members().emplace_back(group, Json(row.high));
      queues.members().emplace_back(queue->topic() + "@" + std::to_string(queue->queue_id()),
                                    std::move(table));
    }
  }
  Json all = Json::object();
  all.set("version", std::int64_t{1});
  all.set("queues", std::move(queues));
  return all.dump();
}

Status Deliveries::load(std::string_view json, const TopicTable& topics) {
  if (json.empty()) return {};
  auto parsed = Json::parse(json);
  if (!parsed)
    return fail(Errc::kCorrupt, "once-deliveries.json: " + std::move(parsed.error().message));
  for (const auto& [name, groups] : (*parsed)["queues"].members()) {
    const std::size_t at = name.rfind('@');
    std::int32_t queue_id = -1;
    if (at == std::string::npos) continue;
    std::from_chars(name.data() + at + 1, name.data() + name.size(), queue_id);
    const TopicEntry* topic = topics.find(std::string_view(name).substr(0, at));
    const store::ConsumeQueue* queue = topic == nullptr ? nullptr : topic->queue(queue_id);
    if (queue == nullptr) continue;
    Shard& shard = shards_[shard_of(queue)];
    MutexLock lock(shard.mutex);
    for (const auto& [group, high] : groups.members()) {
      if (rows_.load(std::memory_order_relaxed) >= options_.offsets_max) return {};
      Row row;
      row.high = row.next = high.as_int();
      row.restored = true;
      if (shard.queues[queue].insert_or_assign(group, row).second) rows_.fetch_add(1);
    }
  }
  return {};
}

}  // namespace oncemq::broker
