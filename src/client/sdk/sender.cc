#include "client/sdk/sender.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "client/sdk/failure.h"
#include "client/sdk/worth_another.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::sdk {
namespace {

using wire::ResponseCode;

constexpr std::int64_t kPauseMs = 50;    // before another attempt on the same broker
constexpr std::int64_t kLateMs = 1'000;  // that a broker may answer after the send has ended

std::optional<Stored> stored_of(std::int32_t code) {
  switch (static_cast<ResponseCode>(code)) {
    case ResponseCode::kSuccess:
      return Stored::kSafe;
    case ResponseCode::kFlushDiskTimeout:
      return Stored::kFlushLate;
    case ResponseCode::kFlushSlaveTimeout:
      return Stored::kReplicaLate;
    case ResponseCode::kSlaveNotAvailable:
      return Stored::kReplicaGone;
    default:  // any number may come
      return std::nullopt;
  }
}

Error closed() {
  return {.code = Errc::kClosed, .message = "the producer is closed"};
}

}  // namespace

Sending* Sender::find(Id id) {
  const auto found = sends_.find(id);
  return found == sends_.end() ? nullptr : found->second.get();
}

void Sender::start(std::unique_ptr<Sending> sending) {
  const Id id = next_id_++;
  sending->timer = client_.loop().add_timer(sending->deadline_ms, [this, id] { time_over(id); });
  sends_.emplace(id, std::move(sending));
  if (closed_)
    give_up(id, closed());
  else
    next_attempt(id);
}

void Sender::next_attempt(Id id) {
  const Sending* const sending = find(id);
  if (sending == nullptr) return;  // its time was over
  routes_.find(sending->what.topic, sending->deadline_ms,
               [this, id](const Result<Routes::Found>& found) { take_route(id, found); });
}

void Sender::take_route(Id id, const Result<Routes::Found>& found) {
  Sending* const sending = find(id);
  if (sending == nullptr) return;
  if (!found) {
    give_up(id, found.error());
    return;
  }
  const auto queue = choose(*sending, **found);
  if (!queue)
    give_up(id, queue.error());
  else
    send(id, *sending, *found, **queue);
}

// In turn, and not where the last attempt failed if there is another broker.
Result<const Queue*> Sender::choose(Sending& sending, const Route& route) {
  if (sending.selector) {
    const std::size_t chosen = sending.selector(route.queues);
    if (chosen >= route.queues.size())
      return failure(Errc::kInvalidArgument, "the selector chose no queue");
    return &route.queues[chosen];
  }
  const std::size_t turn = routes_.turn(sending.what.topic);
  for (std::size_t i = 0; i < route.queues.size(); ++i) {
    const Queue& queue = route.queues[(turn + i) % route.queues.size()];
    if (queue.broker != sending.broker) return &queue;
  }
  return &route.queues[turn % route.queues.size()];
}

void Sender::send(Id id, Sending& sending, const Routes::Found& route, const Queue& queue) {
  if (sending.what.batch)
    send_as<wire::SendBatchMessage>(id, sending, route, queue);
  else
    send_as<wire::SendMessageV2>(id, sending, route, queue);
}

template <class Request>
void Sender::send_as(Id id, Sending& sending, const Routes::Found& route, const Queue& queue) {
  const os::Clock& clock = client_.loop().clock();
  const wire::SendHeader header{.producer_group = group_,
                                .topic = sending.what.topic,
                                .default_topic = Routes::kModel,
                                .default_topic_queue_nums = Routes::kNewQueues,
                                .queue_id = queue.id,
                                .born_timestamp = clock.wall_ms(),
                                .properties = sending.what.properties,
                                .batch = sending.what.batch,
                                .broker_name = queue.broker};
  const std::string& address = route->masters.at(queue.broker);
  const Bytes body = as_bytes(sending.what.body);
  if (!sending.callback) {
    (void)client_.call_oneway<Request>(address, header, body);
    finish(id, Receipt{});
    return;
  }
  sending.broker = queue.broker;
  sending.out = true;
  const std::int32_t attempt = ++sending.attempt;
  // The send's own time is over first, always.
  const std::int64_t left_ms =
      std::max<std::int64_t>(0, sending.deadline_ms - clock.monotonic_ms()) + kLateMs;
  client_.call_async<Request>(
      address, header, body, left_ms,
      [this, id, attempt, queue](const oncemq::Result<client::Answer>& answer) {
        if (const Sending* const waiting = find(id); waiting != nullptr)
          if (waiting->attempt == attempt) take_answer(id, queue, answer);
      });
}

void Sender::take_answer(Id id, const Queue& queue, const oncemq::Result<client::Answer>& answer) {
  Sending& sending = *find(id);
  sending.out = false;
  if (!answer) {
    sending.maybe_stored = true;
    try_again(id, sending, {.code = Errc::kUnreachable, .message = answer.error().message});
    return;
  }
  const std::int32_t code = answer->code();
  if (const std::optional<Stored> stored = stored_of(code)) {
    const auto reply = wire::decode_reply<wire::SendMessageV2>(answer->command());
    if (!reply) {
      sending.maybe_stored = true;
      give_up(id, {.code = Errc::kInternal, .message = reply.error().message});
      return;
    }
    finish(id, Receipt{.stored = *stored,
                       .message_id = sending.what.ids,
                       .offset_id = std::string(reply->message_id),
                       .queue = {queue.topic, queue.broker, reply->queue_id},
                       .queue_offset = reply->queue_offset});
    return;
  }
  Error why{
      .code = Errc::kRefused, .message = answer->status().error().message, .response_code = code};
  if (worth_another(code))
    try_again(id, sending, std::move(why));
  else
    give_up(id, std::move(why));
}

void Sender::try_again(Id id, Sending& sending, Error why) {
  routes_.doubt(sending.what.topic);
  if (sending.selector || sending.attempt >= sending.attempts) {
    give_up(id, std::move(why));
    return;
  }
  sending.last = std::move(why);
  client_.loop().add_timer(client_.loop().now_ms() + kPauseMs, [this, id] { next_attempt(id); });
}

void Sender::time_over(Id id) {
  Sending* const sending = find(id);
  if (sending == nullptr) return;
  sending->timer = {};
  if (sending->out) sending->maybe_stored = true;
  Error why{.code = Errc::kTimeout, .message = "the time of the send is over"};
  if (sending->attempt == 0) {
    if (const auto trouble = routes_.trouble(sending->what.topic)) why = *trouble;
  } else if (!sending->last.message.empty()) {
    why.message += ", after: " + sending->last.message;
    why.response_code = sending->last.response_code;
  }
  give_up(id, std::move(why));
}

void Sender::give_up(Id id, Error why) {
  why.maybe_stored = find(id)->maybe_stored;
  finish(id, tl::unexpected(std::move(why)));
}

void Sender::finish(Id id, Result<Receipt> result) {
  const auto found = sends_.find(id);
  const std::unique_ptr<Sending> sending = std::move(found->second);
  sends_.erase(found);
  client_.loop().cancel(sending->timer);
  pending_.fetch_sub(1, std::memory_order_relaxed);
  if (sending->callback) sending->callback(std::move(result));
}

void Sender::close() {
  closed_ = true;
  while (!sends_.empty()) {
    const auto& [id, sending] = *sends_.begin();
    if (sending->out) sending->maybe_stored = true;
    give_up(id, closed());
  }
}

}  // namespace oncemq::sdk
