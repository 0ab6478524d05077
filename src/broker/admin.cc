#include "broker/admin.h"

#include <algorithm>
#include <utility>

#include "model/properties.h"
#include "model/record_codec.h"

namespace oncemq::broker {

Admin::Admin(TopicTable& topics, GroupTable& groups, ConsumerOffsets& offsets,
             ClientRegistry& clients, QueueLocks& locks, ParkedPulls& parked, Popper& popper,
             DeadLetters& dead_letters, store::MessageStore& store, BrokerStats& stats)
    : topics_(topics),
      groups_(groups),
      offsets_(offsets),
      clients_(clients),
      locks_(locks),
      parked_(parked),
      popper_(popper),
      dead_letters_(dead_letters),
      store_(store),
      stats_(stats) {}

Status Admin::delete_topic(std::string_view topic) {
  ONCE_TRY(topics_.remove(topic));
  popper_.forget_topic(topic);
  if (model::topic::is_dlq(topic))
    dead_letters_.forget_queue(topic.substr(model::topic::kDlqPrefix.size()));
  offsets_.remove_topic(topic);
  return {};
}

Status Admin::delete_group(std::string_view group, bool clean_offsets) {
  ONCE_TRY(groups_.remove(group));
  locks_.remove_group(group);
  popper_.forget_group(group);
  if (clean_offsets) offsets_.remove_group(group);
  return {};
}

Result<const TopicEntry*> Admin::topic_of(std::string_view topic) const {
  const TopicEntry* entry = topics_.find(topic);
  if (entry == nullptr)
    return fail(Errc::kTopicNotFound, "topic " + std::string(topic) + " does not exist");
  return entry;
}

Result<TopicStats> Admin::topic_stats(std::string_view topic) const {
  auto entry = topic_of(topic);
  if (!entry.has_value()) return fail(std::move(entry.error()));
  TopicStats stats;
  const std::int32_t queues = std::max((*entry)->read_queues(), (*entry)->write_queues());
  for (std::int32_t queue_id = 0; queue_id < queues; ++queue_id) {
    TopicStats::Row row;
    row.queue = {std::string(topic), queue_id};
    // A queue without a single message needs no handle to be counted.
    if (store::ConsumeQueue* queue = store_.find_queue(topic, queue_id); queue != nullptr) {
      row.min = queue->min();
      row.max = queue->max();
      if (row.max > row.min)
        row.last_update_ms = std::max<std::int64_t>(
            0, store_.store_time(*queue, model::QueueOffset{row.max.value - 1}));
    }
    stats.rows.push_back(std::move(row));
  }
  stats.put_tps = stats_.topic_put_tps(topic);
  return stats;
}

void Admin::add_consume_rows(std::string_view group, std::string_view topic,
                             ConsumeStats& stats) const {
  const TopicEntry* entry = topics_.find(topic);
  if (entry == nullptr) return;
  const ConsumerOffsets::Table offsets = offsets_.queues(group, topic);
  for (std::int32_t queue_id = 0; queue_id < entry->read_queues(); ++queue_id) {
    ConsumeStats::Row row;
    row.queue = {std::string(topic), queue_id};
    store::ConsumeQueue* queue = store_.find_queue(topic, queue_id);
    if (queue != nullptr) row.broker_offset = queue->max();
    if (auto found = offsets.find(queue_id); found != offsets.end())
      row.consumer_offset = model::ConsumeOffset{std::max<std::int64_t>(0, found->second.value)};
    row.pull_offset = row.consumer_offset;
    // What a popping group holds lies between the two.
    if (const auto pop = popper_.position(group, topic, queue_id); pop.has_value())
      row.pull_offset.value = std::max(row.pull_offset.value, pop->next.value);
    if (queue != nullptr && row.consumer_offset.value > 0)
      row.last_timestamp_ms = std::max<std::int64_t>(
          0, store_.store_time(*queue, model::QueueOffset{row.consumer_offset.value - 1}));
    stats.rows.push_back(std::move(row));
  }
  stats.consume_tps += stats_.group_get_tps(topic, group);
}

ConsumeStats Admin::consume_stats(std::string_view group,
                                  const std::vector<std::string>& topics) const {
  ConsumeStats stats;
  const auto online = clients_.consumer_group(group);
  for (const std::string& topic : topics.empty() ? offsets_.topics_of(group) : topics) {
    // What the group consumed once and no longer subscribes is not its backlog.
    if (online.has_value() && !online->subscriptions.empty() &&
        std::none_of(online->subscriptions.begin(), online->subscriptions.end(),
                     [&](const auto& subscription) { return subscription.topic == topic; }))
      continue;
    add_consume_rows(group, topic, stats);
  }
  return stats;
}

std::vector<std::pair<std::string, std::vector<ConsumeStats>>> Admin::all_consume_stats(
    bool order) const {
  std::vector<std::pair<std::string, std::vector<ConsumeStats>>> all;
  for (const model::GroupConfig& group : groups_.snapshot().groups) {
    std::vector<ConsumeStats> topics;
    for (const std::string& topic : offsets_.topics_of(group.name)) {
      const auto config = topics_.config(topic);
      if (!config.has_value() || config->order != order) continue;
      ConsumeStats stats;
      add_consume_rows(group.name, topic, stats);
      if (!stats.rows.empty()) topics.push_back(std::move(stats));
    }
    if (!topics.empty()) all.emplace_back(group.name, std::move(topics));
  }
  return all;
}

Result<std::vector<ConsumeTimeSpan>> Admin::consume_time_span(std::string_view topic,
                                                              std::string_view group) const {
  auto entry = topic_of(topic);
  if (!entry.has_value()) return fail(std::move(entry.error()));
  std::vector<ConsumeTimeSpan> spans;
  const ConsumerOffsets::Table offsets = offsets_.queues(group, topic);
  for (std::int32_t queue_id = 0; queue_id < (*entry)->write_queues(); ++queue_id) {
    ConsumeTimeSpan span;
    span.queue = {std::string(topic), queue_id};
    store::ConsumeQueue* queue = store_.find_queue(topic, queue_id);
    if (queue != nullptr && queue->max() > queue->min()) {
      span.min_ms = store_.store_time(*queue, queue->min());
      span.max_ms = store_.store_time(*queue, model::QueueOffset{queue->max().value - 1});
      auto found = offsets.find(queue_id);
      const std::int64_t at = found == offsets.end() ? 0 : found->second.value;
      span.consume_ms =
          at > 0 ? store_.store_time(*queue, model::QueueOffset{at - 1}) : span.min_ms;
      if (span.consume_ms > 0 && queue->max().value > at)
        span.delay_ms = std::max<std::int64_t>(0, span.max_ms - span.consume_ms);
    }
    spans.push_back(std::move(span));
  }
  return spans;
}

Result<ConsumerGroupView> Admin::consumer_connection(std::string_view group) const {
  auto view = clients_.consumer_group(group);
  if (!view.has_value())
    return fail(Errc::kConsumerOffline, "group " + std::string(group) + " has no clients");
  return std::move(*view);
}

std::vector<std::string> Admin::groups_of_topic(std::string_view topic) const {
  std::vector<std::string> groups = clients_.groups_subscribing(topic);
  for (std::string& group : offsets_.groups_of(topic)) groups.push_back(std::move(group));
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

std::vector<std::string> Admin::topics_of_group(std::string_view group) const {
  std::vector<std::string> topics = offsets_.topics_of(group);
  if (const auto view = clients_.consumer_group(group); view.has_value())
    for (const auto& subscription : view->subscriptions) topics.push_back(subscription.topic);
  std::sort(topics.begin(), topics.end());
  topics.erase(std::unique(topics.begin(), topics.end()), topics.end());
  return topics;
}

std::optional<model::Subscription> Admin::subscription(std::string_view group,
                                                       std::string_view topic) const {
  const ClientRegistry::PullView view = clients_.pull_view(group, topic);
  if (view.subscription == nullptr) return std::nullopt;
  return *view.subscription;
}

Result<std::map<std::int32_t, model::ConsumeOffset>> Admin::preview_reset(
    const ResetOffset& request) const {
  auto entry = topic_of(request.topic);
  if (!entry.has_value()) return fail(std::move(entry.error()));
  if (groups_.find(request.group) == nullptr)
    return fail(Errc::kGroupNotFound, "no consumer group " + std::string(request.group));
  if (request.queue_id >= (*entry)->read_queues())
    return fail(Errc::kInvalidArgument, "there is no such queue");
  const std::int32_t first = std::max(request.queue_id, 0);
  const std::int32_t last = request.queue_id >= 0 ? request.queue_id + 1 : (*entry)->read_queues();

  std::map<std::int32_t, model::ConsumeOffset> wanted;
  for (std::int32_t queue_id = first; queue_id < last; ++queue_id) {
    store::ConsumeQueue* queue = (*entry)->queue(queue_id);
    const std::int64_t min = queue->min().value;
    const std::int64_t max = queue->max().value;
    std::int64_t offset = max;
    if (request.offset.has_value()) {
      offset = *request.offset;
      if (offset < min || offset > max + 1)
        return fail(Errc::kInvalidArgument, "the offset must be between " + std::to_string(min) +
                                                " and " + std::to_string(max + 1));
      offset = std::min(offset, max);
    } else if (request.timestamp_ms >= 0) {
      offset = std::clamp(
          store_.offset_by_time(*queue, request.timestamp_ms, store::Boundary::kLower).value, min,
          max);
    }
    const auto now = offsets_.query(request.group, request.topic, queue_id);
    // compat: without force a group only goes back (upstream AdminBrokerProcessor, 5.3.3).
    if (!request.force && now.has_value() && now->value < offset) offset = now->value;
    wanted.emplace(queue_id, model::ConsumeOffset{offset});
  }
  return wanted;
}

Result<std::map<std::int32_t, model::ConsumeOffset>> Admin::reset_offset(
    const ResetOffset& request) {
  auto entry = topic_of(request.topic);
  if (!entry.has_value()) return fail(std::move(entry.error()));
  // Everything is judged before anything is changed.
  auto wanted = preview_reset(request);
  if (!wanted.has_value()) return fail(std::move(wanted.error()));
  for (const auto& [queue_id, offset] : *wanted) {
    ONCE_TRY(offsets_.assign_reset(request.group, request.topic, queue_id, offset));
    parked_.disturb(*(*entry)->queue(queue_id));
  }
  popper_.reset(request.group, request.topic);
  return wanted;
}

Status Admin::clone_offsets(std::string_view from_group, std::string_view to_group,
                            std::string_view topic) {
  if (!topic.empty()) return offsets_.clone(from_group, to_group, topic);
  for (const std::string& name : offsets_.topics_of(from_group)) {
    // The retry messages belong to the old group alone.
    if (model::topic::is_retry(name)) continue;
    ONCE_TRY(offsets_.clone(from_group, to_group, name));
  }
  return {};
}

std::map<std::int32_t, model::ConsumeOffset> Admin::correction_offsets(
    std::string_view topic, std::string_view compare_group,
    const std::vector<std::string>& filter_groups) const {
  std::map<std::int32_t, model::ConsumeOffset> smallest;
  const ConsumerOffsets::Table compare = offsets_.queues(compare_group, topic);
  for (const std::string& group : offsets_.groups_of(topic)) {
    if (std::find(filter_groups.begin(), filter_groups.end(), group) != filter_groups.end())
      continue;
    for (const auto& [queue_id, offset] : offsets_.queues(group, topic)) {
      // Only groups that are behind the one compared with say something.
      auto reference = compare.find(queue_id);
      if (reference == compare.end() || offset > reference->second) continue;
      auto [row, fresh] = smallest.try_emplace(queue_id, offset);
      if (!fresh && offset < row->second) row->second = offset;
    }
  }
  return smallest;
}

void Admin::clean_unused_topics() {
  // Queues of topics that no longer exist: their files only take space.
  std::vector<std::string> unused;
  store_.for_each_queue([&](store::ConsumeQueue& queue) { unused.push_back(queue.topic()); });
  std::sort(unused.begin(), unused.end());
  unused.erase(std::unique(unused.begin(), unused.end()), unused.end());
  for (const std::string& topic : unused)
    if (topics_.find(topic) == nullptr && !topics_.is_system(topic))
      (void)store_.delete_topic(topic);  // tried again with the next order
}

void Admin::delete_expired_log() {
  store_.clean_now();
}

}  // namespace oncemq::broker
