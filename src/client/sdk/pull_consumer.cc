#include "oncemq/pull_consumer.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "client/sdk/failure.h"
#include "client/sdk/session.h"
#include "client/sdk/subscriptions.h"
#include "client/sdk/taken.h"
#include "model/topic.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/offsets.h"
#include "wire/remoting/schema/pull.h"

namespace oncemq::sdk {
namespace {

using wire::ResponseCode;

constexpr std::int32_t kMessagesMax = 1'024;
constexpr std::int64_t kSuspendMs = 15'000;  // that a broker may keep a pull
// compat: Apache's broker looks every 5 s whether it has kept a pull long enough (upstream
// PullRequestHoldService, 5.3.3).
constexpr std::int64_t kHeldMs = 10'000;
constexpr std::int64_t kAtOnceMs = 100;  // a broker that says "nothing" sooner does not wait
constexpr std::int64_t kPauseMs = 100;   // before it is asked again

Status check(const PullConsumerOptions& options) {
  if (const auto named = model::check_group_name(options.group); !named)
    return failure(Errc::kInvalidArgument, named.error().message);
  if (options.timeout.count() <= 0)
    return failure(Errc::kInvalidArgument, "timeout is not above 0");
  return {};
}

Status check(const Queue& queue, std::int64_t offset = 0) {
  if (const auto named = model::check_topic_name(queue.topic); !named)
    return failure(Errc::kInvalidArgument, named.error().message);
  if (queue.id < 0 || offset < 0)
    return failure(Errc::kInvalidArgument, "the queue's number or the offset is below 0");
  return {};
}

// What an answer to a pull says.
Result<Pulled> read_pulled(const client::Answer& answer, const Queue& queue,
                           const model::Subscription& subscription) {
  Pulled pulled;
  switch (static_cast<ResponseCode>(answer.code())) {
    case ResponseCode::kSuccess:
    case ResponseCode::kPullNotFound:
    case ResponseCode::kPullRetryImmediately:
      break;
    case ResponseCode::kPullOffsetMoved:
      pulled.kind = Pulled::Kind::kIllegal;
      break;
    default:  // any number may come
      return tl::unexpected(refusal(answer));
  }
  const auto reply = wire::decode_reply<wire::PullMessage>(answer.command());
  if (!reply) return failure(Errc::kInternal, reply.error().message);
  pulled.next = reply->next_begin_offset;
  pulled.first = reply->min_offset;
  pulled.end = reply->max_offset;
  if (answer.code() != wire::number(ResponseCode::kSuccess)) return pulled;
  auto taken = read_records(answer.body(), queue, subscription);
  if (!taken)
    return failure(Errc::kInternal, "a pull answer does not parse: " + taken.error().message);
  for (Taken& one : *taken) {
    if (one.readable) {
      pulled.messages.push_back(std::move(one.delivery));
      continue;
    }
    ++pulled.unreadable;
    log::warn("sdk", "{} queue {} of {}: the body at offset {} cannot be unpacked", queue.topic,
              queue.id, queue.broker, one.delivery.queue_offset);
  }
  if (!pulled.messages.empty()) pulled.kind = Pulled::Kind::kFound;
  return pulled;
}

}  // namespace

class PullConsumer::Core {
 public:
  static Result<std::unique_ptr<Core>> open(PullConsumerOptions options) {
    if (Status checked = check(options); !checked)
      return tl::unexpected(std::move(checked.error()));
    auto session =
        Session::open(options.name_servers, options.instance,
                      {.consume_type = model::ConsumeType::kActively, .name = options.group});
    if (!session) return tl::unexpected(std::move(session.error()));
    return std::unique_ptr<Core>(new Core(std::move(options), std::move(*session)));
  }

  Result<std::vector<Queue>> queues(const std::string& topic) {
    if (Status checked = check(Queue{.topic = topic}); !checked)
      return tl::unexpected(std::move(checked.error()));
    auto found = session_->wait_for<Routes::Found>([&](const Routes::OnRoute& on_route) {
      session_->routes().find(topic, session_->now_ms() + options_.timeout.count(), on_route);
    });
    if (!found) return tl::unexpected(std::move(found.error()));
    return (*found)->queues;
  }

  Result<Pulled> pull(const PullOrder& order) {
    if (Status checked = check(order.queue, order.offset); !checked)
      return tl::unexpected(std::move(checked.error()));
    if (order.max < 1 || order.max > kMessagesMax || order.wait.count() < 0)
      return failure(Errc::kInvalidArgument, "max is not within 1...1024, or wait is below 0");
    const auto subscription = subscription_of(
        {.topic = order.queue.topic, .expression = order.expression, .kind = order.kind},
        opened_ms_);
    if (!subscription) return tl::unexpected(subscription.error());
    const std::int64_t until_ms = session_->now_ms() + order.wait.count();
    // Brokers look through a part of the queue, and keep a pull for a part of the time. When that
    // is over a last look, for which no broker waits, says what is there.
    for (std::int64_t offset = order.offset;;) {
      const std::int64_t asked_ms = session_->now_ms();
      const std::int64_t left_ms = until_ms - asked_ms;
      const std::int64_t suspend_ms = std::clamp<std::int64_t>(left_ms, 0, kSuspendMs);
      const auto answer = ask_for_messages(
          order, *subscription, offset, suspend_ms,
          left_ms > 0 ? std::min(left_ms, suspend_ms + kHeldMs) : options_.timeout.count());
      if (!answer && left_ms > 0 &&
          (answer.error().code == Errc::kTimeout || answer.error().code == Errc::kUnreachable))
        continue;
      if (!answer) return tl::unexpected(answer.error());
      auto pulled = read_pulled(*answer, order.queue, *subscription);
      if (!pulled || pulled->kind != Pulled::Kind::kNone || pulled->unreadable > 0) return pulled;
      const std::int64_t now_ms = session_->now_ms();
      if (now_ms >= until_ms) return pulled;
      if (pulled->next == offset && now_ms - asked_ms < std::min(suspend_ms, kAtOnceMs))
        session_->pause(std::min(kPauseMs, until_ms - now_ms));
      offset = pulled->next;
    }
  }

  template <class Request>
  Result<std::int64_t> offset(const Queue& queue, const typename Request::Header& header) {
    const auto answer = ask<Request>(queue, header);
    if (!answer) return tl::unexpected(answer.error());
    return offset_in<Request>(*answer);
  }

  Result<std::optional<std::int64_t>> committed(const Queue& queue) {
    // Otherwise a queue that begins at 0 has an offset that nobody has committed.
    const auto answer = ask<wire::QueryConsumerOffset>(queue, {.consumer_group = options_.group,
                                                               .topic = queue.topic,
                                                               .queue_id = queue.id,
                                                               .set_zero_if_not_found = false});
    if (!answer) return tl::unexpected(answer.error());
    if (answer->code() == wire::number(ResponseCode::kQueryNotFound)) return std::nullopt;
    return offset_in<wire::QueryConsumerOffset>(*answer);
  }

  Status commit(const Queue& queue, std::int64_t offset) {
    if (Status checked = check(queue, offset); !checked) return checked;
    return status_of(ask<wire::UpdateConsumerOffset>(queue, {.consumer_group = options_.group,
                                                             .topic = queue.topic,
                                                             .queue_id = queue.id,
                                                             .commit_offset = offset}));
  }

  void close() { session_->close(); }

 private:
  Core(PullConsumerOptions options, std::unique_ptr<Session> session)
      : options_(std::move(options)),
        session_(std::move(session)),
        opened_ms_(session_->clock().wall_ms()) {}

  Calls::Call call_to(const Queue& queue, std::int64_t time_ms) const {
    return {
        .topic = queue.topic, .broker = queue.broker, .deadline_ms = session_->now_ms() + time_ms};
  }

  // `header`: its views last until this returns.
  template <class Request>
  Result<client::Answer> ask(const Queue& queue, const typename Request::Header& header) {
    if (Status checked = check(queue); !checked) return tl::unexpected(std::move(checked.error()));
    Calls::Call call = call_to(queue, options_.timeout.count());
    call.ask = [this, &header](const std::string& address, std::int64_t, std::int64_t timeout_ms,
                               client::OnAnswer on_answer) {
      session_->client().call_async<Request>(address, header, {}, timeout_ms, std::move(on_answer));
    };
    return session_->call(std::move(call));
  }

  Result<client::Answer> ask_for_messages(const PullOrder& order,
                                          const model::Subscription& subscription,
                                          std::int64_t offset, std::int64_t suspend_ms,
                                          std::int64_t time_ms) {
    Calls::Call call = call_to(order.queue, time_ms);
    call.ask = [this, &order, &subscription, offset, suspend_ms](
                   const std::string& address, std::int64_t left_ms, std::int64_t timeout_ms,
                   client::OnAnswer on_answer) {
      const std::int64_t keep_ms = std::min(left_ms, suspend_ms);
      session_->client().call_async<wire::PullMessage>(
          address,
          {.consumer_group = options_.group,
           .topic = order.queue.topic,
           .queue_id = order.queue.id,
           .queue_offset = offset,
           .max_messages = order.max,
           .sys_flag = wire::pullflag::kSubscription | (keep_ms > 0 ? wire::pullflag::kSuspend : 0),
           .suspend_timeout_ms = keep_ms,
           .subscription = subscription.expression,
           .sub_version = subscription.version,
           .expression_type = subscription.expression_type},
          {}, timeout_ms, std::move(on_answer));
    };
    return session_->call(std::move(call));
  }

  template <class Request>
  static Result<std::int64_t> offset_in(const client::Answer& answer) {
    if (!answer.status()) return tl::unexpected(refusal(answer));
    const auto reply = answer.fields<Request>();
    if (!reply) return failure(Errc::kInternal, reply.error().message);
    return reply->offset;
  }

  const PullConsumerOptions options_;
  const std::unique_ptr<Session> session_;
  const std::int64_t opened_ms_;  // wall clock: the version of what is subscribed to
};

Result<PullConsumer> PullConsumer::open(PullConsumerOptions options) {
  auto core = Core::open(std::move(options));
  if (!core) return tl::unexpected(std::move(core.error()));
  return PullConsumer(std::move(*core));
}

PullConsumer::PullConsumer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
PullConsumer::~PullConsumer() = default;
PullConsumer::PullConsumer(PullConsumer&&) noexcept = default;
PullConsumer& PullConsumer::operator=(PullConsumer&&) noexcept = default;

Result<std::vector<Queue>> PullConsumer::queues(const std::string& topic) {
  return core_->queues(topic);
}
Result<Pulled> PullConsumer::pull(const PullOrder& order) {
  return core_->pull(order);
}

Result<std::int64_t> PullConsumer::first_offset(const Queue& queue) {
  return core_->offset<wire::GetMinOffset>(queue, {.topic = queue.topic, .queue_id = queue.id});
}
Result<std::int64_t> PullConsumer::end_offset(const Queue& queue) {
  return core_->offset<wire::GetMaxOffset>(queue, {.topic = queue.topic, .queue_id = queue.id});
}
Result<std::int64_t> PullConsumer::offset_at(const Queue& queue, std::int64_t time_ms) {
  return core_->offset<wire::SearchOffsetByTimestamp>(
      queue, {.topic = queue.topic, .queue_id = queue.id, .timestamp = time_ms});
}

Result<std::optional<std::int64_t>> PullConsumer::committed(const Queue& queue) {
  return core_->committed(queue);
}
Status PullConsumer::commit(const Queue& queue, std::int64_t offset) {
  return core_->commit(queue, offset);
}

void PullConsumer::close() {
  core_->close();
}

}  // namespace oncemq::sdk
