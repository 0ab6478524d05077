#include "broker/puller.h"

#include <algorithm>
#include <string>
#include <utility>

namespace oncemq::broker {

namespace {

constexpr std::int64_t kSuspendMaxMs = 600'000;

tl::unexpected<PullRefusal> refuse(Errc code, std::string message,
                                   Forbidden forbidden = Forbidden::kNone) {
  return tl::unexpected<PullRefusal>(PullRefusal{{code, std::move(message)}, forbidden});
}

tl::unexpected<PullRefusal> refuse(Error error) {
  return tl::unexpected<PullRefusal>(PullRefusal{std::move(error), Forbidden::kNone});
}

std::string quoted(std::string_view what, std::string_view name, std::string_view rest = {}) {
  std::string text(what);
  text.append(name).append(rest);
  return text;
}

PullStatus status_of(const store::ReadResult& read, model::QueueOffset asked) {
  using store::ReadStatus;
  switch (read.status) {
    case ReadStatus::kFound:
      return PullStatus::kFound;
    case ReadStatus::kNoMatched:
    case ReadStatus::kRemoved:
      return PullStatus::kRetry;
    case ReadStatus::kQueueMissing:
    case ReadStatus::kQueueEmpty:
      return asked.value == 0 ? PullStatus::kNothing : PullStatus::kOffsetMoved;
    case ReadStatus::kEntryMissing:
    case ReadStatus::kOffsetAtEnd:
      return PullStatus::kNothing;
    case ReadStatus::kOffsetPastEnd:
    case ReadStatus::kOffsetTooSmall:
      return PullStatus::kOffsetMoved;
  }
  return PullStatus::kNothing;
}

}  // namespace

Puller::Puller(const Switches& switches, TopicTable& topics, GroupTable& groups,
               ConsumerOffsets& offsets, ClientRegistry& clients, SqlFilters& filters,
               ParkedPulls& parked, store::MessageStore& store, BrokerStats& stats,
               Deliveries& deliveries)
    : switches_(switches),
      topics_(topics),
      groups_(groups),
      offsets_(offsets),
      clients_(clients),
      filters_(filters),
      parked_(parked),
      store_(store),
      stats_(stats),
      deliveries_(deliveries) {}

tl::expected<Puller::Subscribed, PullRefusal> Puller::subscription(const PullRequest& request,
                                                                   const GroupEntry& group) const {
  const bool tag = request.expression_type.empty() || request.expression_type == "TAG";
  if (request.has_subscription) {
    if (tag && (request.expression.empty() || request.expression == "*")) return Subscribed{};
    auto made = filters_.subscription(request.topic, request.expression_type, request.expression);
    if (!made.has_value()) return refuse(std::move(made.error()));
    return Subscribed{std::move(*made)};
  }
  ClientRegistry::PullView view = clients_.pull_view(request.group, request.topic);
  if (!view.online)
    return refuse(Errc::kSubscriptionMissing, quoted("group ", request.group, " has no clients"));
  if (!group.broadcast_enable() && view.model == model::MessageModel::kBroadcasting)
    return refuse(Errc::kNoPermission, quoted("group ", request.group, " may not broadcast"),
                  Forbidden::kBroadcast);
  if (!groups_.readable(request.group, request.topic))
    return refuse(Errc::kNoPermission,
                  quoted("group ", request.group, quoted(" may not read ", request.topic)),
                  Forbidden::kSubscription);
  if (view.subscription == nullptr)
    return refuse(Errc::kSubscriptionMissing,
                  quoted("group ", request.group, quoted(" does not subscribe ", request.topic)));
  if (view.subscription->version < request.subscription_version) {
    // The client knows a newer subscription than its last heartbeat told, and would stand still
    // until the next one. What it has subscribed by tag it compares again itself, so it can be
    // given everything; a filter that only the broker knows would have to wait.
    if (!tag)
      return refuse(Errc::kSubscriptionStale, "the subscription is older than the client's");
    return Subscribed{};
  }
  if (view.subscription->matches_all()) return Subscribed{};
  // Compiled with the heartbeat, unless it is broken or the broker learned it while SQL92 was
  // switched off.
  if (!view.subscription->is_tag() &&
      (view.subscription->sql == nullptr ||
       !switches_.property_filter.load(std::memory_order_relaxed))) {
    auto made = filters_.subscription(request.topic, view.subscription->expression_type,
                                      view.subscription->expression);
    if (!made.has_value()) return refuse(std::move(made.error()));
    return Subscribed{std::move(*made)};
  }
  return Subscribed{std::move(view.subscription)};
}

tl::expected<Puller::Checked, PullRefusal> Puller::check(const PullRequest& request) {
  if (!switches_.readable())
    return refuse(Errc::kNoPermission, "the broker gives out no messages at the moment",
                  Forbidden::kBroker);
  if (request.lite && !switches_.lite_pull.load(std::memory_order_relaxed))
    return refuse(Errc::kNoPermission, "lite pull is switched off");
  auto group = groups_.find_or_create(request.group);
  if (!group.has_value()) return refuse(std::move(group.error()));
  if (!(*group)->consume_enable())
    return refuse(Errc::kNoPermission, quoted("group ", request.group, " may not consume"),
                  Forbidden::kGroup);
  const TopicEntry* topic = topics_.find(request.topic);
  if (topic == nullptr)
    return refuse(Errc::kTopicNotFound, quoted("topic ", request.topic, " does not exist"));
  if (!topic->readable())
    return refuse(Errc::kNoPermission, quoted("topic ", request.topic, " may not be read"),
                  Forbidden::kTopic);
  if (request.queue_id < 0 || request.queue_id >= topic->read_queues())
    return refuse(
        Errc::kInvalidArgument,
        quoted("topic ", request.topic, " has no queue " + std::to_string(request.queue_id)));
  auto subscribed = subscription(request, **group);
  if (!subscribed.has_value()) return tl::unexpected<PullRefusal>(std::move(subscribed.error()));
  return Checked{topic, *group, std::move(subscribed->filter)};
}

tl::expected<PullResult, PullRefusal> Puller::pull(const PullRequest& request) {
  auto checked = check(request);
  if (!checked.has_value()) return tl::unexpected<PullRefusal>(std::move(checked.error()));
  PullResult result;
  result.topic_sys_flag = checked->topic->sys_flag();
  result.group_sys_flag = checked->group->sys_flag();
  store::ConsumeQueue* queue = checked->topic->queue(request.queue_id);

  // A client that asks for the very place was reset before it started; "moved" would only make it
  // drop the queue and wait for its next rebalance.
  const auto reset = offsets_.take_reset(request.group, request.topic, request.queue_id);
  if (reset.has_value()) deliveries_.reset(*queue, request.group);
  if (reset.has_value() && reset->value != request.offset.value) {
    result.status = PullStatus::kOffsetMoved;
    result.reset = true;
    result.read.next = model::QueueOffset{reset->value};
    result.read.min = queue->min();
    result.read.max = queue->max();
    return result;
  }

  const model::Filter filter =
      checked->filter == nullptr ? model::Filter() : model::Filter(*checked->filter);
  store::ReadRequest read;
  read.queue = queue;
  read.offset = request.offset;
  read.filter = checked->filter == nullptr ? nullptr : &filter;
  read.max_messages = std::clamp(
      request.max_messages, 1,
      std::max(1, std::min(switches_.pull_batch_max.load(std::memory_order_relaxed),
                           switches_.transfer_count_max.load(std::memory_order_relaxed))));
  const std::int32_t bytes = switches_.transfer_bytes_max.load(std::memory_order_relaxed);
  read.max_bytes = std::max(1, std::min(bytes, request.max_bytes.value_or(bytes)));
  result.read = store_.read(read);
  if (result.read.filter.over > 0)
    stats_.filter_over(request.topic, request.group, checked->filter->expression,
                       result.read.filter.over);
  result.status = status_of(result.read, request.offset);
  if (result.status == PullStatus::kFound) {
    stats_.get(request.topic, request.group, static_cast<std::uint64_t>(result.read.messages),
               result.read.bytes);
    deliveries_.given({.queue = queue,
                       .group = request.group,
                       .channel = request.channel,
                       .from = request.offset.value,
                       .next = result.read.next.value,
                       .messages = static_cast<std::uint64_t>(result.read.messages)});
    stats_.ledger().add(
        {.queue = DeliveryLedger::queue_key(request.topic, request.queue_id),
         .group = DeliveryLedger::group_key(request.group),
         .from = request.offset.value,
         .channel = request.channel,
         .range = static_cast<std::uint32_t>(result.read.next.value - request.offset.value),
         .messages = static_cast<std::uint32_t>(result.read.messages)});
  } else {
    stats_.get_missed();
  }
  // A full table costs the group its progress on a restart, not this pull.
  if (request.commit_offset.has_value())
    (void)commit({.group = request.group,
                  .topic = request.topic,
                  .queue_id = request.queue_id,
                  .offset = *request.commit_offset,
                  .channel = request.channel});
  return result;
}

Status Puller::commit(const PassedOffset& passed) {
  const auto before = offsets_.commit(passed.group, passed.topic, passed.queue_id, passed.offset);
  if (!before.has_value()) return fail(before.error());
  const std::int64_t from = before->value;
  if (passed.offset.value > from)
    stats_.ledger().add({.queue = DeliveryLedger::queue_key(passed.topic, passed.queue_id),
                         .group = DeliveryLedger::group_key(passed.group),
                         .from = from,
                         .channel = passed.channel,
                         .range = static_cast<std::uint32_t>(
                             std::min<std::int64_t>(passed.offset.value - from, UINT32_MAX)),
                         .step = DeliveryStep::kPassed});
  return {};
}

ParkOutcome Puller::park(const PullRequest& request, ChannelId channel,
                         std::unique_ptr<PullWaiter>& waiter) {
  auto checked = check(request);
  // Something changed since pull(): let it say what.
  if (!checked.has_value()) return ParkOutcome::kArrived;
  ParkRequest parked;
  parked.queue = checked->topic->queue(request.queue_id);
  parked.offset = request.offset;
  parked.subscription = std::move(checked->filter);
  parked.timeout_ms = switches_.long_polling.load(std::memory_order_relaxed)
                          ? std::clamp<std::int64_t>(request.suspend_timeout_ms, 0, kSuspendMaxMs)
                          : switches_.short_polling_ms.load(std::memory_order_relaxed);
  parked.channel = channel;
  return parked_.park(parked, waiter);
}

}  // namespace oncemq::broker
