#include "broker/popper.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "broker/pop_rewrite.h"
#include "model/pop_retry_topic.h"

namespace oncemq::broker {

namespace {

// How often a pop reads one queue again because others were faster or nothing matched.
constexpr int kTries = 4;
// A client names the messages of one queue by their distance from the first (batch ack).
constexpr std::int64_t kSpanMax = 65'536;

}  // namespace

std::string pop_retry_topic(PopSource source, std::string_view group, std::string_view topic) {
  return model::topic::pop_retry_topic(source == PopSource::kRetryV1 ? 1 : 2, group, topic);
}

Popper::Popper(const Options& options, const Switches& switches, TopicTable& topics,
               GroupTable& groups, ConsumerOffsets& offsets, SqlFilters& filters, Sender& sender,
               SendBack& send_back, store::MessageStore& store, BrokerStats& stats,
               os::Clock& clock)
    : options_(options),
      switches_(switches),
      topics_(topics),
      groups_(groups),
      offsets_(offsets),
      filters_(filters),
      sender_(sender),
      send_back_(send_back),
      store_(store),
      stats_(stats),
      clock_(clock),
      log_(options, store, clock),
      parked_(options, clock) {}

std::int32_t Popper::deliveries_max(const GroupEntry* group) {
  if (group == nullptr || group->retry_queues() <= 0)
    return std::numeric_limits<std::int32_t>::max();
  return std::max(group->retry_max_times(), 0) + 1;
}

Result<Popper::Scope> Popper::check(const PopRequest& request) {
  if (!switches_.readable())
    return fail(Errc::kNoPermission, "the broker gives out no messages at the moment");
  if (request.max_messages < 1 || request.max_messages > kMessagesMax)
    return fail(Errc::kInvalidArgument, "maxMsgNums must be between 1 and 32");
  if (request.invisible_ms < 1 || request.invisible_ms > kInvisibleMaxMs)
    return fail(Errc::kInvalidArgument, "the invisible time must be between 1 ms and 3 days");
  if (request.attempt_id.size() > kAttemptMax)
    return fail(Errc::kInvalidArgument, "the attemptId is too long");
  auto group = groups_.find_or_create(request.group);
  if (!group.has_value()) return fail(std::move(group.error()));
  if (!(*group)->consume_enable())
    return fail(Errc::kNoPermission, "group " + std::string(request.group) + " may not consume");
  const TopicEntry* topic = topics_.find(request.topic);
  if (topic == nullptr)
    return fail(Errc::kTopicNotFound, "topic " + std::string(request.topic) + " does not exist");
  if (!topic->readable())
    return fail(Errc::kNoPermission, "topic " + std::string(request.topic) + " may not be read");
  if (request.queue_id >= topic->read_queues())
    return fail(Errc::kInvalidArgument, "topic " + std::string(request.topic) + " has no queue " +
                                            std::to_string(request.queue_id));
  Scope scope;
  scope.deliveries_max = deliveries_max(*group);
  const bool tag = request.expression_type.empty() || request.expression_type == "TAG";
  if (!tag || !(request.expression.empty() || request.expression == "*")) {
    auto made = filters_.subscription(request.topic, request.expression_type, request.expression);
    if (!made.has_value()) return fail(std::move(made.error()));
    scope.filter = std::move(*made);
  }
  auto party = slots_.party(request.group, request.topic,
                            [&] { return (*group)->alive() && topic->alive(); });
  if (!party.has_value()) return fail(std::move(party.error()));
  scope.party = std::move(*party);
  // What Apache's broker had not delivered again. Ordered groups have no retry topics.
  if (!request.order && switches_.pop_retry_v1.load(std::memory_order_relaxed))
    ONCE_TRY(add_retry(**group, PopSource::kRetryV1, scope));
  if (!request.order && switches_.pop_retry_v2.load(std::memory_order_relaxed))
    ONCE_TRY(add_retry(**group, PopSource::kRetryV2, scope));
  if (request.queue_id >= 0) {
    ONCE_TRY(add(scope.party, topic->queue(request.queue_id), PopSource::kTopic, scope));
    return scope;
  }
  const std::int32_t queues = topic->read_queues();
  const std::uint32_t turn = scope.party->turn.fetch_add(1, std::memory_order_relaxed);
  for (std::int32_t i = 0; i < queues; ++i) {
    const auto id = static_cast<std::int32_t>((turn + static_cast<std::uint32_t>(i)) %
                                              static_cast<std::uint32_t>(queues));
    ONCE_TRY(add(scope.party, topic->queue(id), PopSource::kTopic, scope));
  }
  return scope;
}

Status Popper::add(const PopSlots::PartyRef& party, store::ConsumeQueue* queue, PopSource source,
                   Scope& scope) {
  if (queue == nullptr) return {};
  auto slot = slots_.slot(party, *queue, last_token_.load(std::memory_order_relaxed));
  if (!slot.has_value()) return fail(std::move(slot.error()));
  scope.targets.push_back({std::move(*slot), source});
  return {};
}

Status Popper::add_retry(const GroupEntry& group, PopSource source, Scope& scope) {
  const TopicEntry* retry = topics_.find(pop_retry_topic(source, group.name(), scope.party->topic));
  if (retry == nullptr) return {};
  auto party =
      slots_.party(group.name(), retry->name(), [&] { return group.alive() && retry->alive(); });
  if (!party.has_value()) return fail(std::move(party.error()));
  (*party)->wakes.store(scope.party->id, std::memory_order_relaxed);
  for (std::int32_t id = 0; id < retry->read_queues(); ++id)
    if (store::ConsumeQueue* queue = retry->queue(id); queue != nullptr && queue->max().value > 0)
      ONCE_TRY(add(*party, queue, source, scope));
  return {};
}

// ---- tokens and offsets

// Never smaller than an earlier one, also while the wall clock is behind (it was set back). No row
// is given out under its own token again: whoever meets one asks for a greater (`at_least`).
std::int64_t Popper::new_token(std::int64_t at_least) {
  std::int64_t last = last_token_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t token = std::max({clock_.wall_ms(), last, at_least});
    if (token == last || last_token_.compare_exchange_weak(last, token, std::memory_order_relaxed))
      return token;
  }
}

model::QueueOffset Popper::first_offset(const PopSlot& slot, const PopRequest& request,
                                        bool retry) const {
  store::ConsumeQueue& queue = slot.messages;
  const auto stored = offsets_.query(slot.party->group, slot.party->topic, queue.queue_id());
  if (stored.has_value()) return model::QueueOffset{std::max<std::int64_t>(0, stored->value)};
  if (retry || !request.from_max || queue.max() == queue.min()) return queue.min();
  // compat: a new group at a young queue begins at its first message, otherwise with the last one
  // (upstream PopMessageProcessor, initPopOffsetByCheckMsgInMem, 5.3.3).
  if (queue.min().value == 0) {
    const store::ReadResult first =
        store_.read({.queue = &queue, .offset = {0}, .max_messages = 1});
    const std::int64_t behind = store_.marks().committed().value - first.last_log_offset.value;
    if (first.status == store::ReadStatus::kFound && behind <= options_.warm_log_bytes) return {0};
  }
  return {queue.max().value - 1};
}

std::uint64_t Popper::stage(PopSlot& slot, PopOperation& operation) {
  operation.group = slot.party->group;
  operation.topic = slot.party->topic;
  operation.queue_id = slot.messages.queue_id();
  return log_.stage(operation);
}

// Follows what somebody else did to the group's offset, and what happened to the queue.
void Popper::adopt(PopSlot& slot, model::QueueOffset first) {
  PopQueue& queue = slot.queue;
  const std::int32_t id = slot.messages.queue_id();
  const auto reset = offsets_.take_reset(slot.party->group, slot.party->topic, id);
  PopOperation set{.kind = PopOperation::Kind::kSet};
  if (reset.has_value() || !slot.live.load(std::memory_order_relaxed)) {
    queue.set(reset.has_value() ? model::QueueOffset{reset->value} : first);
    slot.live.store(true, std::memory_order_release);
    slot.written = -1;
    set.next = queue.next();
    stage(slot, set);
  } else if (const auto stored = offsets_.query(slot.party->group, slot.party->topic, id);
             stored.has_value() && stored->value != slot.written) {
    if (stored->value >= slot.written) {
      // The same group pulled: what is below is consumed.
      PopOperation done{.kind = PopOperation::Kind::kDead};
      done.rows = queue.skip_to(model::QueueOffset{stored->value});
      if (!done.rows.empty()) stage(slot, done);
      PopOperation moved{.kind = PopOperation::Kind::kHold, .next = queue.next()};
      stage(slot, moved);
    } else {
      queue.set(model::QueueOffset{stored->value});
      set.next = queue.next();
      stage(slot, set);
    }
    slot.written = stored->value;
  }
  PopOperation gone{.kind = PopOperation::Kind::kDead};
  gone.rows = queue.cut(slot.messages.min(), slot.messages.max());
  if (!gone.rows.empty()) stage(slot, gone);
}

// After every change of the rows: the group's offset, the sums, the next look of the service.
void Popper::changed(PopSlot& slot) {
  const std::int64_t low = slot.queue.low().value;
  if (low != slot.written) {
    // A full table costs the group its progress on a restart without our log, not this request.
    (void)offsets_.commit(slot.party->group, slot.party->topic, slot.messages.queue_id(),
                          model::ConsumeOffset{low});
    slot.written = low;
  }
  const std::size_t rows = slot.queue.rows();
  if (rows != slot.counted) {
    count(slot, rows, slot.queue.memory_bytes());
    if (rows == 0) slot.restored = false;
  }
  if (const auto due = slot.queue.next_due(); due.has_value()) slots_.look_at(slot, *due);
}

void Popper::count(PopSlot& slot, std::size_t rows, std::size_t bytes) {
  rows_.fetch_add(rows - slot.counted, std::memory_order_relaxed);
  slot.counted = rows;
  bytes_.fetch_add(bytes - slot.bytes, std::memory_order_relaxed);
  slot.bytes = bytes;
}

// ---- popping

Result<PopResult> Popper::pop(const PopRequest& request) {
  auto scope = check(request);
  if (!scope.has_value()) return fail(std::move(scope.error()));
  if (!log_.accepting())
    return fail(Errc::kNotWritable,
                "the store takes nothing at the moment, so nothing is given out");
  PopResult result;
  PopQueue::Taking taking{.invisible_ms = request.invisible_ms,
                          .deliveries_max = scope->deliveries_max,
                          .order = request.order,
                          .attempt_id = request.attempt_id};
  // Twice only when something of what is there was given out in this very millisecond before.
  std::int64_t passed = 0;
  for (int round = 0; round < 2 && result.messages == 0; ++round) {
    if (round > 0 && passed == 0) break;
    taking.ripe_ms = clock_.monotonic_ms();  // these three in this order
    taking.token = result.pop_time = new_token(passed + 1);
    taking.now_ms = begin_ms();
    result.rest = 0;
    for (const Scope::Target& target : scope->targets) {
      taking.whole = round == 0 && result.messages == 0;
      if (result.messages < static_cast<std::size_t>(request.max_messages))
        passed =
            std::max(passed, take(*target.slot, target.source, request, *scope, taking, result));
      result.rest += left(*target.slot, taking);
    }
  }
  if (result.filter.over > 0)
    stats_.filter_over(request.topic, request.group, request.expression, result.filter.over);
  if (result.messages > 0) {
    std::size_t bytes = 0;
    for (const store::LogSpan& span : result.spans) bytes += span.bytes.size();
    stats_.get(request.topic, request.group, result.messages, bytes);
    tell(request, result);
    if (result.rest > 0) pass_on(request);
  } else {
    stats_.get_missed();
  }
  return result;
}

// One entry for messages that follow each other and came as often.
void Popper::tell(const PopRequest& request, const PopResult& result) const {
  for (const PopResult::Part& part : result.parts) {
    const std::string_view topic = request.topic;
    DeliveryEntry entry{
        .queue = part.source == PopSource::kTopic
                     ? DeliveryLedger::queue_key(topic, part.queue_id)
                     : DeliveryLedger::queue_key(pop_retry_topic(part.source, request.group, topic),
                                                 part.queue_id),
        .group = DeliveryLedger::group_key(request.group),
        .token = result.pop_time,
        .channel = request.channel,
        .range = 0,
        .messages = 0,
        .step = DeliveryStep::kPopped};
    for (const PopResult::Message& message : part.messages) {
      if (entry.range > 0 && (message.deliveries != entry.attempt ||
                              message.offset.value != entry.from + std::int64_t{entry.range})) {
        stats_.ledger().add(entry);
        entry.range = entry.messages = 0;
      }
      if (entry.range == 0) {
        entry.from = message.offset.value;
        entry.attempt = message.deliveries;
      }
      ++entry.range;
      ++entry.messages;
    }
    stats_.ledger().add(entry);
  }
}

std::uint64_t Popper::stage_hold(PopSlot& slot, const PopQueue::Taking& taking,
                                 const std::vector<PopOperation::Row>& rows) {
  PopOperation hold{.kind = PopOperation::Kind::kHold,
                    .next = slot.queue.next(),
                    .token = taking.token,
                    .invisible_ms = taking.invisible_ms,
                    .attempt_id = taking.attempt_id,
                    .rows = rows};
  return stage(slot, hold);
}

bool Popper::may_read(const PopSlot& slot, const PopQueue::Taking& taking) const {
  return slot.queue.rows() <
             static_cast<std::size_t>(switches_.pop_rows_max.load(std::memory_order_relaxed)) &&
         rows_.load(std::memory_order_relaxed) < kRowsMax &&
         !(taking.order && slot.queue.blocked());
}

std::int64_t Popper::take(PopSlot& slot, PopSource source, const PopRequest& request,
                          const Scope& scope, const PopQueue::Taking& taking, PopResult& result) {
  model::QueueOffset first;
  if (!slot.live.load(std::memory_order_acquire))
    first = first_offset(slot, request, source != PopSource::kTopic);
  PopQueue::Taken taken;
  std::optional<model::QueueOffset> next;  // where to read on
  {
    MutexLock lock(slot.mutex);
    if (slot.removed) return 0;
    adopt(slot, first);
    slot.queue.ripen(taking.ripe_ms);
    taken = slot.queue.take_ready(taking,
                                  static_cast<std::size_t>(request.max_messages) - result.messages);
    if (!taken.rows.empty())
      result.operation = std::max(result.operation, stage_hold(slot, taking, taken.rows));
    changed(slot);
    if (taking.whole && taken.token_passed != 0) return taken.token_passed;
    if (may_read(slot, taking)) next = slot.queue.next();
  }
  PopResult::Part part{source, slot.messages.queue_id(), {}};
  if (!taken.rows.empty()) {
    read_rows(slot, source, request, taken.rows, result);
    if (!taken.rows.empty()) {
      stats_.causes().count({.cause = Cause::kInvisibleTimePassed,
                             .group = request.group,
                             .topic = slot.messages.topic(),
                             .queue_id = slot.messages.queue_id(),
                             .offset = taken.rows.front().offset.value,
                             .messages = taken.rows.size()});
    }
    for (const PopOperation::Row& row : taken.rows)
      part.messages.push_back({row.offset, row.deliveries});
  }
  std::int64_t passed = taken.token_passed;
  if (next.has_value())
    passed = std::max(passed, take_new(slot, *next, request, scope, taking, part, result));
  if (part.messages.empty()) return passed;
  result.messages += part.messages.size();
  result.parts.push_back(std::move(part));
  return passed;
}

std::int64_t Popper::take_new(PopSlot& slot, model::QueueOffset next, const PopRequest& request,
                              const Scope& scope, const PopQueue::Taking& taking,
                              PopResult::Part& part, PopResult& result) {
  const std::size_t want = static_cast<std::size_t>(request.max_messages) - result.messages;
  std::optional<model::Filter> filter;
  if (scope.filter != nullptr && part.source == PopSource::kTopic) filter.emplace(*scope.filter);
  for (int i = 0; i < kTries && part.messages.size() < want; ++i) {
    if (!part.messages.empty() && next.value - part.messages.front().offset.value > kSpanMax) break;
    if (filter.has_value() && result.exhausted()) break;
    // Without the lock: what was read counts only if nobody else has taken it meanwhile.
    store::ReadResult read = store_.read(
        {.queue = &slot.messages,
         .offset = next,
         .max_messages = static_cast<std::int32_t>(want - part.messages.size()),
         .max_bytes = std::max(1, switches_.transfer_bytes_max.load(std::memory_order_relaxed)),
         .filter = filter.has_value() ? &*filter : nullptr,
         .filter_work = store::kFilterWorkMax - result.filter.work});
    result.filter.work += read.filter.work;
    result.filter.over += read.filter.over;
    if (read.next <= next) break;
    const std::vector<model::QueueOffset> offsets = pop_offsets(read);
    PopQueue::Taken taken;
    bool more = false;
    {
      MutexLock lock(slot.mutex);
      if (slot.removed) break;
      more = may_read(slot, taking);
      if (slot.queue.next() != next) {
        next = slot.queue.next();
        if (!more) break;
        continue;
      }
      if (!more) break;
      taken = slot.queue.take_new(taking, offsets, read.next);
      if (taken.token_passed != 0) return taken.token_passed;
      result.operation = std::max(result.operation, stage_hold(slot, taking, taken.rows));
      changed(slot);
      next = slot.queue.next();
      more = may_read(slot, taking);
    }
    for (const PopOperation::Row& row : taken.rows) part.messages.push_back({row.offset, 1});
    for (store::LogSpan& span : read.spans) {
      if (part.source == PopSource::kTopic)
        result.spans.push_back(std::move(span));
      else
        rewrite_pop_records(span, request.topic, part.source, taking.token, taking.invisible_ms,
                            options_.name, result.spans);
    }
    if (!more) break;
  }
  return 0;
}

// Messages that are given out again, each read by its own offset. What is no longer there is
// dropped, never replaced by the next one.
void Popper::read_rows(PopSlot& slot, PopSource source, const PopRequest& request,
                       std::vector<PopOperation::Row>& rows, PopResult& result) {
  PopOperation gone{.kind = PopOperation::Kind::kDead};
  for (const PopOperation::Row& row : rows) {
    const store::ReadResult read =
        store_.read({.queue = &slot.messages, .offset = row.offset, .max_messages = 1});
    const auto offsets = pop_offsets(read);
    if (offsets.size() != 1 || offsets.front() != row.offset) {
      gone.rows.push_back({row.offset, 0});
      continue;
    }
    if (source == PopSource::kTopic) {
      result.spans.push_back(rewrite_delivery(read.spans.front(), row.deliveries));
    } else {
      rewrite_pop_records(read.spans.front(), request.topic, source, result.pop_time,
                          request.invisible_ms, options_.name, result.spans, row.deliveries);
    }
  }
  if (gone.rows.empty()) return;
  std::erase_if(rows, [&](const PopOperation::Row& row) {
    return std::any_of(gone.rows.begin(), gone.rows.end(),
                       [&](const PopOperation::Row& g) { return g.offset == row.offset; });
  });
  MutexLock lock(slot.mutex);
  if (slot.removed) return;
  for (const PopOperation::Row& row : gone.rows) slot.queue.remove(row.offset);
  result.operation = std::max(result.operation, stage(slot, gone));
  changed(slot);
}

}  // namespace oncemq::broker
