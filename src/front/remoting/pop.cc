#include "front/remoting/pop.h"

#include <algorithm>
#include <string>
#include <utility>

#include "front/remoting/channel.h"
#include "front/remoting/loop_edge.h"
#include "wire/remoting/body/pop_info.h"

namespace oncemq::front {
namespace {

// compat: a pop that is older than its polling time by so much is not looked at (upstream
// PopMessageProcessor, 5.3.3).
constexpr std::int64_t kLateMs = 500;
constexpr std::int64_t kPollMaxMs = 600'000;
// Clients know ordered handles by this number (upstream KeyBuilder.POP_ORDER_REVIVE_QUEUE).
constexpr std::int32_t kOrderReviveQueue = 999;
// Tries before a pop that is told "there is something" and gets nothing is answered.
constexpr int kAgainMax = 3;

std::string topic_of(const wire::BatchAckEntry& entry) {
  if (entry.source == 0) return entry.topic;
  return broker::pop_retry_topic(static_cast<broker::PopSource>(entry.source), entry.group,
                                 entry.topic);
}

PopLane::Found found_of(const broker::PopResult& result) {
  wire::PopInfoWriter infos;
  for (const auto& part : result.parts) {
    const auto source = static_cast<std::int32_t>(part.source);
    infos.begin_queue(source, part.queue_id, part.messages.front().offset.value);
    for (const auto& message : part.messages) infos.message(message.offset.value);
  }
  PopLane::Found found;
  found.numbers.pop_time = result.pop_time;
  found.numbers.rest = result.rest;
  found.start_offsets = infos.start_offsets();
  found.message_offsets = infos.message_offsets();
  found.spans = result.spans;
  return found;
}

std::string order_counts(const broker::PopResult& result) {
  wire::PopInfoWriter infos;
  for (const auto& part : result.parts)
    for (const auto& message : part.messages)
      if (message.deliveries > 1)
        infos.order_count(static_cast<std::int32_t>(part.source), part.queue_id,
                          message.offset.value, message.deliveries - 1);
  return infos.order_counts();
}

void refuse_handle(Call& call, const Error& error, bool stale = false) {
  if (stale) return call.refuse(wire::ResponseCode::kReceiptHandleInvalid, error.message);
  // compat: an offset that the queue does not have (upstream AckMessageProcessor, 5.3.3).
  if (error.code == Errc::kMessageNotFound)
    return call.refuse(wire::ResponseCode::kNoMessage, error.message);
  if (error.code == Errc::kInvalidArgument)
    return call.refuse(wire::ResponseCode::kMessageIllegal, error.message);
  call.refuse(error);
}

}  // namespace

Result<broker::PopHandle> handle_of(std::string_view group, std::string_view topic,
                                    std::int32_t queue_id, std::int64_t offset,
                                    std::string_view extra_info, broker::ChannelId channel) {
  const auto handle = wire::parse_receipt_handle(extra_info);
  if (!handle) return fail(handle.error());
  if (handle->queue_id != queue_id || handle->offset != offset)
    return fail(Errc::kInvalidArgument, "the receipt handle belongs to another message");
  return broker::PopHandle{.group = group,
                           .topic = topic,
                           .queue_id = queue_id,
                           .offset = model::QueueOffset{offset},
                           .token = handle->pop_time,
                           .channel = channel};
}

// A pop or a notification with its own copy of what it asked.
struct PopFamily::Parked {
  Parked(Call token, const broker::PopRequest& original, std::int64_t until, bool just_tell)
      : call(std::move(token)),
        group(original.group),
        topic(original.topic),
        expression(original.expression),
        expression_type(original.expression_type),
        attempt_id(original.attempt_id),
        request(original),
        until_ms(until),
        tell(just_tell) {
    request.group = group;
    request.topic = topic;
    request.expression = expression;
    request.expression_type = expression_type;
    request.attempt_id = attempt_id;
  }

  Call call;
  const std::string group;
  const std::string topic;
  const std::string expression;
  const std::string expression_type;
  const std::string attempt_id;
  broker::PopRequest request;
  std::int64_t until_ms = 0;  // of the loop's clock
  bool tell = false;          // a notification
  bool parked = false;
  int again = 0;
};

class PopFamily::Waiter final : public broker::PullWaiter {
 public:
  Waiter(PopFamily& family, std::unique_ptr<Parked> parked)
      : family_(family), parked_(std::move(parked)) {}

  void wake(broker::WakeReason reason) override {
    net::EventLoop& loop = parked_->call.edge().loop();
    loop.post([&family = family_, reason, parked = std::move(parked_)]() mutable {
      if (reason == broker::WakeReason::kClosed) return parked->call.abandon();
      parked->again = 0;
      family.run(std::move(parked), reason == broker::WakeReason::kArrived);
    });
  }
  std::unique_ptr<Parked> take() { return std::move(parked_); }

 private:
  PopFamily& family_;
  std::unique_ptr<Parked> parked_;
};

bool PopFamily::too_late(std::int64_t born_ms, std::int64_t poll_ms) const {
  return born_ms > 0 && clock_.wall_ms() - born_ms - std::max<std::int64_t>(0, poll_ms) > kLateMs;
}

void PopFamily::handle(Call call, const Request<wire::PopMessage>& request) {
  const auto& header = request.header;
  if (call.oneway()) return call.abandon();  // nobody would get what it takes
  if (too_late(header.born_time, header.poll_time)) {
    return call.respond(wire::ResponseCode::kPollingTimeout, "the request came too late",
                        wire::PopReply{}, {});
  }
  const broker::PopRequest pop{.group = header.consumer_group,
                               .topic = header.topic,
                               .queue_id = header.queue_id,
                               .max_messages = header.max_messages,
                               .invisible_ms = header.invisible_time,
                               .from_max = header.init_mode == 1,
                               .order = header.order,
                               .attempt_id = header.attempt_id,
                               .expression = header.expression,
                               .expression_type = header.expression_type,
                               .channel = channel_id(call.connection())};
  const std::int64_t poll = std::clamp<std::int64_t>(header.poll_time, 0, kPollMaxMs);
  const std::int64_t until = call.edge().loop().now_ms() + poll;
  run(std::make_unique<Parked>(std::move(call), pop, until, false), poll > 0);
}

void PopFamily::handle(Call call, const Request<wire::Notification>& request) {
  const auto& header = request.header;
  if (call.oneway()) return call.abandon();
  const broker::PopRequest pop{.group = header.consumer_group,
                               .topic = header.topic,
                               .queue_id = header.queue_id,
                               .order = header.order,
                               .attempt_id = header.attempt_id};
  const std::int64_t poll = std::clamp<std::int64_t>(header.poll_time, 0, kPollMaxMs);
  const std::int64_t until = call.edge().loop().now_ms() + poll;
  run(std::make_unique<Parked>(std::move(call), pop, until, true), poll > 0);
}

void PopFamily::run(std::unique_ptr<Parked> parked, bool may_wait) {
  Call& call = parked->call;
  // Who has gone must take nothing; the message is for the next one.
  if (call.edge().find(call.connection()) == nullptr) {
    broker_.popper().pass_on(parked->request);
    return call.abandon();
  }
  bool exhausted = false;
  if (parked->tell) {
    const auto there = broker_.popper().visible(parked->request);
    if (!there) return call.refuse(there.error());
    if (*there) return call.reply(wire::Notification::Reply{.has_message = true});
  } else {
    auto result = broker_.popper().pop(parked->request);
    if (!result) {
      // compat: bad numbers are "invalid parameter", an expression type that is not served is a
      // system error (upstream PopMessageProcessor).
      if (result.error().code == Errc::kNotSupported)
        return call.refuse(wire::ResponseCode::kSystemError, result.error().message);
      return call.refuse(result.error());
    }
    if (result->messages > 0) return answer(*parked, *result);
    // Something was found out on the way (messages are gone): it is in the log with the next tick.
    if (result->operation != 0) broker_.popper().flush();
    // It would go on at once instead of waiting: the client's next pop does, and others come first.
    exhausted = result->exhausted();
  }
  const bool time_left = call.edge().loop().now_ms() < parked->until_ms;
  if (!may_wait || !time_left || exhausted)
    return nothing(*parked, wire::ResponseCode::kPollingTimeout);
  wait(std::move(parked));
}

void PopFamily::wait(std::unique_ptr<Parked> parked) {
  const broker::ChannelId channel = channel_id(parked->call.connection());
  const std::int64_t timeout = parked->until_ms - parked->call.edge().loop().now_ms();
  if (!std::exchange(parked->parked, true)) parked->call.park();
  const broker::PopRequest& request = parked->request;
  const int again = ++parked->again;
  auto owned = std::make_unique<Waiter>(*this, std::move(parked));
  Waiter* mine = owned.get();
  std::unique_ptr<broker::PullWaiter> waiter = std::move(owned);
  switch (broker_.popper().park(request, timeout, channel, waiter)) {
    case broker::ParkOutcome::kParked:
      return;
    case broker::ParkOutcome::kArrived:
      return run(mine->take(), again < kAgainMax);
    case broker::ParkOutcome::kFull:
      return nothing(*mine->take(), wire::ResponseCode::kPollingFull);
  }
}

void PopFamily::answer(Parked& parked, broker::PopResult& result) {
  if (broker_.faults() != nullptr) repeat(parked, result);
  PopLane::Found found = found_of(result);
  found.numbers.invisible_time = parked.request.invisible_ms;
  if (parked.request.order) {
    found.numbers.revive_queue = kOrderReviveQueue;
    found.order_counts = order_counts(result);
  }
  lane_.hold(std::move(parked.call), result.operation, std::move(found));
}

// The first delivery is over as soon as it is made: the message is there for the next pop.
void PopFamily::repeat(const Parked& parked, broker::PopResult& result) {
  const broker::PopRequest& request = parked.request;
  for (const auto& part : result.parts) {
    const std::string topic =
        part.source == broker::PopSource::kTopic
            ? std::string(request.topic)
            : broker::pop_retry_topic(part.source, request.group, request.topic);
    for (const auto& message : part.messages) {
      if (message.deliveries != 1 || !broker_.faults()->strikes(broker::FaultKind::kDeliverTwice,
                                                                request.topic, request.group))
        continue;
      const auto changed = broker_.popper().change({.group = request.group,
                                                    .topic = topic,
                                                    .queue_id = part.queue_id,
                                                    .offset = message.offset,
                                                    .token = result.pop_time},
                                                   0);
      if (changed) result.operation = std::max(result.operation, changed->operation);
    }
  }
}

bool PopFamily::lost(std::string_view group, std::string_view topic) {
  broker::Faults* const faults = broker_.faults();
  return faults != nullptr && faults->strikes(broker::FaultKind::kLoseAck, topic, group);
}

// What comes with the handle is then refused as stale.
void PopFamily::expire(const broker::PopHandle& handle) {
  broker::Faults* const faults = broker_.faults();
  if (faults == nullptr ||
      !faults->strikes(broker::FaultKind::kExpireHandle, handle.topic, handle.group))
    return;
  if (broker_.popper().change(handle, 0)) broker_.popper().flush();
}

void PopFamily::nothing(Parked& parked, wire::ResponseCode code) {
  if (parked.tell) {
    return parked.call.reply(wire::Notification::Reply{
        .has_message = false, .polling_full = code == wire::ResponseCode::kPollingFull});
  }
  parked.call.respond(code, "no new message",
                      wire::PopReply{.invisible_time = parked.request.invisible_ms}, {});
}

void PopFamily::handle(Call call, const Request<wire::PeekMessage>& request) {
  const auto& header = request.header;
  const auto result = broker_.popper().peek({.group = header.consumer_group,
                                             .topic = header.topic,
                                             .queue_id = header.queue_id,
                                             .max_messages = header.max_messages});
  if (!result) return call.refuse(result.error());
  const wire::PopReply reply{.rest = result->rest};
  if (result->messages == 0)
    return call.respond(wire::ResponseCode::kPullNotFound, "no new message", reply, {});
  call.records(wire::ResponseCode::kSuccess, "FOUND", reply, result->spans);
}

void PopFamily::handle(Call call, const Request<wire::AckMessage>& request) {
  const auto& header = request.header;
  const auto handle = handle_of(header.consumer_group, header.topic, header.queue_id, header.offset,
                                header.extra_info, channel_id(call.connection()));
  if (!handle) return refuse_handle(call, handle.error());
  if (lost(handle->group, handle->topic)) return call.abandon();
  expire(*handle);
  const auto operation = broker_.popper().ack(*handle);
  if (!operation) return refuse_handle(call, operation.error().error, operation.error().stale);
  lane_.hold(std::move(call), *operation, PopLane::Acked{});
}

void PopFamily::handle(Call call, const Request<wire::ChangeInvisibleTime>& request) {
  const auto& header = request.header;
  const auto handle = handle_of(header.consumer_group, header.topic, header.queue_id, header.offset,
                                header.extra_info, channel_id(call.connection()));
  if (!handle) return refuse_handle(call, handle.error());
  expire(*handle);
  const auto changed = broker_.popper().change(*handle, header.invisible_time);
  if (!changed) return refuse_handle(call, changed.error().error, changed.error().stale);
  const std::int32_t revive = wire::parse_receipt_handle(header.extra_info)->revive_queue;
  lane_.hold(std::move(call), changed->operation,
             wire::ChangeInvisibleTime::Reply{.pop_time = changed->pop_time,
                                              .invisible_time = header.invisible_time,
                                              .revive_queue = revive});
}

void PopFamily::handle(Call call, const Request<wire::BatchAckMessage>& request) {
  const auto entries = wire::decode_batch_ack(request.command.body);
  if (!entries) return refuse_handle(call, entries.error());
  std::uint64_t operation = 0;
  std::size_t messages = 0;
  std::size_t refused = 0;
  broker::PopRefusal first;
  for (const wire::BatchAckEntry& entry : *entries)
    if (lost(entry.group, topic_of(entry))) return call.abandon();
  for (const wire::BatchAckEntry& entry : *entries) {
    const std::string topic = topic_of(entry);
    for (std::int64_t offset : entry.offsets) {
      ++messages;
      const broker::PopHandle handle{.group = entry.group,
                                     .topic = topic,
                                     .queue_id = entry.queue_id,
                                     .offset = model::QueueOffset{offset},
                                     .token = entry.pop_time,
                                     .channel = channel_id(call.connection())};
      expire(handle);
      const auto done = broker_.popper().ack(handle);
      if (done) {
        operation = std::max(operation, *done);
      } else if (refused++ == 0) {
        first = done.error();
      }
    }
  }
  if (refused == 0) return lane_.hold(std::move(call), operation, PopLane::Acked{});
  // The others are acked; which ones were not, a client finds out when they come again.
  broker_.popper().flush();
  refuse_handle(
      call,
      Error{first.error.code, std::to_string(refused) + " of " + std::to_string(messages) +
                                  " refused: " + first.error.message},
      first.stale);
}

void PopFamily::handle(Call call, const Request<wire::PollingInfo>& request) {
  const auto& header = request.header;
  if (broker_.topics().find(header.topic) == nullptr) {
    return call.refuse(Error{Errc::kTopicNotFound, "no topic named " + std::string(header.topic)});
  }
  call.reply(wire::PollingInfo::Reply{.polling = static_cast<std::int32_t>(broker_.popper().parked(
                                          header.consumer_group, header.topic, header.queue_id))});
}

}  // namespace oncemq::front
