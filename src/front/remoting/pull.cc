#include "front/remoting/pull.h"

#include <string>
#include <utility>

#include "front/remoting/answer_code.h"
#include "front/remoting/channel.h"
#include "front/remoting/loop_edge.h"

namespace oncemq::front {
namespace {

wire::ResponseCode code_of(broker::PullStatus status) {
  switch (status) {
    case broker::PullStatus::kFound:
      return wire::ResponseCode::kSuccess;
    case broker::PullStatus::kNothing:
      return wire::ResponseCode::kPullNotFound;
    case broker::PullStatus::kRetry:
      return wire::ResponseCode::kPullRetryImmediately;
    case broker::PullStatus::kOffsetMoved:
      return wire::ResponseCode::kPullOffsetMoved;
  }
  return wire::ResponseCode::kSystemError;
}

// Names that clients print.
std::string_view remark_of(const broker::PullResult& result) {
  if (result.reset) return "OFFSET_RESET";
  switch (result.read.status) {
    case store::ReadStatus::kFound:
      return "FOUND";
    case store::ReadStatus::kNoMatched:
      return "NO_MATCHED_MESSAGE";
    case store::ReadStatus::kRemoved:
      return "MESSAGE_WAS_REMOVING";
    case store::ReadStatus::kQueueMissing:
      return "NO_MATCHED_LOGIC_QUEUE";
    case store::ReadStatus::kQueueEmpty:
      return "NO_MESSAGE_IN_QUEUE";
    case store::ReadStatus::kOffsetTooSmall:
      return "OFFSET_TOO_SMALL";
    case store::ReadStatus::kOffsetAtEnd:
      return "OFFSET_OVERFLOW_ONE";
    case store::ReadStatus::kOffsetPastEnd:
      return "OFFSET_OVERFLOW_BADLY";
    case store::ReadStatus::kEntryMissing:
      return "OFFSET_FOUND_NULL";
  }
  return {};
}

}  // namespace

// A pull that waits, with its own copy of what it asked.
struct PullFamily::Parked {
  Parked(Call token, const broker::PullRequest& original)
      : call(std::move(token)),
        group(original.group),
        topic(original.topic),
        expression(original.expression),
        expression_type(original.expression_type),
        request(original) {
    request.group = group;
    request.topic = topic;
    request.expression = expression;
    request.expression_type = expression_type;
    // The second pull neither waits nor commits.
    request.suspend = false;
    request.commit_offset.reset();
  }

  Call call;
  const std::string group;
  const std::string topic;
  const std::string expression;
  const std::string expression_type;
  broker::PullRequest request;
};

class PullFamily::Waiter final : public broker::PullWaiter {
 public:
  Waiter(PullFamily& family, std::unique_ptr<Parked> parked)
      : family_(family), parked_(std::move(parked)) {}

  void wake(broker::WakeReason reason) override {
    net::EventLoop& loop = parked_->call.edge().loop();
    loop.post([&family = family_, reason, parked = std::move(parked_)]() mutable {
      if (reason == broker::WakeReason::kClosed)
        parked->call.abandon();
      else
        family.again(std::move(parked));
    });
  }
  std::unique_ptr<Parked> take() { return std::move(parked_); }

 private:
  PullFamily& family_;
  std::unique_ptr<Parked> parked_;
};

void PullFamily::handle(Call call, const Request<wire::PullMessage>& request) {
  pull(std::move(call), request.header, false);
}
void PullFamily::handle(Call call, const Request<wire::LitePullMessage>& request) {
  pull(std::move(call), request.header, true);
}

void PullFamily::pull(Call call, const wire::PullHeader& header, bool lite) {
  broker::PullRequest request{
      .group = header.consumer_group,
      .topic = header.topic,
      .queue_id = header.queue_id,
      .offset = model::QueueOffset{header.queue_offset},
      .max_messages = header.max_messages,
      .max_bytes = header.max_bytes,
      .suspend = (header.sys_flag & wire::pullflag::kSuspend) != 0 && !call.oneway(),
      .suspend_timeout_ms = header.suspend_timeout_ms,
      .has_subscription = (header.sys_flag & wire::pullflag::kSubscription) != 0,
      .expression = header.subscription,
      .expression_type = header.expression_type,
      .subscription_version = header.sub_version,
      .lite = lite,
      .channel = channel_id(call.connection()),
  };
  broker::Faults* const faults = broker_.faults();
  if ((header.sys_flag & wire::pullflag::kCommitOffset) != 0 &&
      (faults == nullptr ||
       !faults->strikes(broker::FaultKind::kLoseAck, header.topic, header.consumer_group)))
    request.commit_offset = model::ConsumeOffset{header.commit_offset};

  auto result = broker_.puller().pull(request);
  if (!result) return refuse(call, result.error());
  if (result->status != broker::PullStatus::kNothing || !request.suspend)
    return answer(call, request, *result);

  const broker::ChannelId channel = request.channel;
  auto parked = std::make_unique<Parked>(std::move(call), request);
  // The copy made for later does not wait; park() wants the one that does.
  parked->call.park();
  auto owned = std::make_unique<Waiter>(*this, std::move(parked));
  Waiter* mine = owned.get();
  std::unique_ptr<broker::PullWaiter> waiter = std::move(owned);
  switch (broker_.puller().park(request, channel, waiter)) {
    case broker::ParkOutcome::kParked:
      return;
    case broker::ParkOutcome::kArrived:
      return again(mine->take());
    case broker::ParkOutcome::kFull:
      return answer(mine->take()->call, request, *result);
  }
}

void PullFamily::again(std::unique_ptr<Parked> parked) {
  auto result = broker_.puller().pull(parked->request);
  if (!result) return refuse(parked->call, result.error());
  answer(parked->call, parked->request, *result);
}

void PullFamily::answer(Call& call, const broker::PullRequest& request,
                        broker::PullResult& result) {
  wire::PullReply reply{.suggested_broker_id = result.suggested_broker_id,
                        .next_begin_offset = result.read.next.value,
                        .min_offset = result.read.min.value,
                        .max_offset = result.read.max.value,
                        .topic_sys_flag = result.topic_sys_flag,
                        .group_sys_flag = result.group_sys_flag};
  const wire::ResponseCode code = code_of(result.status);
  broker::Faults* const faults = broker_.faults();
  // The client goes on with the page that it has.
  if (faults != nullptr && result.status == broker::PullStatus::kFound &&
      faults->repeats(request.topic, request.group, request.queue_id, request.offset.value,
                      result.read.next.value))
    reply.next_begin_offset = request.offset.value;
  if (result.status == broker::PullStatus::kFound)
    call.records(code, remark_of(result), reply, result.read.spans);
  else
    call.respond(code, remark_of(result), reply, {});
}

void PullFamily::refuse(Call& call, const broker::PullRefusal& refusal) {
  // compat: an expression type that is not served is a system error (upstream PullMessageProcessor,
  // enablePropertyFilter=false).
  const wire::ResponseCode code = refusal.error.code == Errc::kNotSupported
                                      ? wire::ResponseCode::kSystemError
                                      : answer_code(refusal.error.code);
  if (refusal.forbidden == broker::Forbidden::kNone)
    return call.refuse(code, refusal.error.message);
  call.respond(code, refusal.error.message,
               wire::PullReply{.forbidden_type = static_cast<std::int32_t>(refusal.forbidden)}, {});
}

}  // namespace oncemq::front
