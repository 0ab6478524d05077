#include "client/sdk/queue_puller.h"

#include <utility>

#include "base/log.h"
#include "model/topic.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/offsets.h"
#include "wire/remoting/schema/pull.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::sdk {
namespace {

using client::Answer;
using wire::ResponseCode;

constexpr std::int64_t kSpanMax = 2'000;     // from the oldest unfinished message to the newest
constexpr std::int64_t kSuspendMs = 15'000;  // that a broker may keep a pull
constexpr std::int64_t kPullMs = 30'000;     // after which a pull is given up
constexpr std::int64_t kCallMs = 3'000;      // of everything else
constexpr std::int64_t kPauseMs = 1'000;     // after a failure
constexpr std::int64_t kAgainMs = 5'000;     // for what the broker did not take back
// A broker that answers "nothing new" sooner than that does not keep pulls: it is not to be asked
// without a pause.
constexpr std::int64_t kAtOnceMs = 100;

bool is(const oncemq::Result<Answer>& answer, ResponseCode code) {
  return answer && answer->code() == wire::number(code);
}

}  // namespace

QueuePuller::QueuePuller(PullerOwner& owner, Queue queue, const model::Subscription& subscription,
                         std::optional<std::int64_t> start)
    : owner_(owner), queue_(std::move(queue)), subscription_(subscription), start_(start) {}

template <class Request>
void QueuePuller::ask(const typename Request::Header& header, std::int64_t timeout_ms,
                      void (QueuePuller::*on_answer)(const oncemq::Result<Answer>&)) {
  const auto address = owner_.address_of(queue_);
  if (!address) {
    (this->*on_answer)(fail(oncemq::Errc::kNotFound, "no address of broker " + queue_.broker));
    return;
  }
  owner_.client().call_async<Request>(
      *address, header, {}, timeout_ms,
      [self = shared_from_this(), on_answer](const oncemq::Result<Answer>& answer) {
        if (!self->stopped_) ((*self).*on_answer)(answer);
      });
}

void QueuePuller::later(std::int64_t pause_ms, void (QueuePuller::*what)()) {
  net::EventLoop& loop = owner_.client().loop();
  loop.add_timer(loop.now_ms() + pause_ms, [self = shared_from_this(), what] {
    if (!self->stopped_) ((*self).*what)();
  });
}

// Each trouble is logged once, however often it is met.
void QueuePuller::trouble(const std::string& what, const oncemq::Result<Answer>& answer) {
  const std::string why =
      what + ": " +
      (answer ? "code " + std::to_string(answer->code()) + " " + std::string(answer->remark())
              : answer.error().message);
  if (why != last_trouble_)
    log::warn("sdk", "{} queue {} of {}: {}", queue_.topic, queue_.id, queue_.broker, why);
  last_trouble_ = why;
  owner_.on_lost(queue_);
}

// ---- where to begin

void QueuePuller::begin() {
  if (start_) {
    declare();
    return;
  }
  ask<wire::QueryConsumerOffset>(
      {.consumer_group = owner_.options().group, .topic = queue_.topic, .queue_id = queue_.id},
      kCallMs, &QueuePuller::take_committed);
}

void QueuePuller::take_committed(const oncemq::Result<Answer>& answer) {
  if (is(answer, ResponseCode::kSuccess)) {
    if (const auto reply = answer->fields<wire::QueryConsumerOffset>()) {
      committed_ = reply->offset;
      messages_.emplace(reply->offset);
      pull();
      return;
    }
  }
  if (is(answer, ResponseCode::kQueryNotFound)) {
    find_start();
    return;
  }
  trouble("no offset of the group", answer);
  later(kPauseMs, &QueuePuller::begin);
}

void QueuePuller::find_start() {
  const PushConsumerOptions& options = owner_.options();
  if (options.start_at == StartAt::kFirst || model::topic::is_retry(queue_.topic))
    ask<wire::GetMinOffset>({.topic = queue_.topic, .queue_id = queue_.id}, kCallMs,
                            &QueuePuller::take_start);
  else if (options.start_at == StartAt::kLast)
    ask<wire::GetMaxOffset>({.topic = queue_.topic, .queue_id = queue_.id}, kCallMs,
                            &QueuePuller::take_start);
  else
    ask<wire::SearchOffsetByTimestamp>(
        {.topic = queue_.topic, .queue_id = queue_.id, .timestamp = options.start_time_ms}, kCallMs,
        &QueuePuller::take_start);
}

void QueuePuller::take_start(const oncemq::Result<Answer>& answer) {
  // The three answers have the same field.
  if (is(answer, ResponseCode::kSuccess)) {
    if (const auto reply = answer->fields<wire::GetMaxOffset>()) {
      start_ = reply->offset;
      declare();
      return;
    }
  }
  trouble("no offset to begin at", answer);
  later(kPauseMs, &QueuePuller::begin);
}

// Before the first pull, so that whoever begins after us begins here at the latest.
void QueuePuller::declare() {
  ask<wire::UpdateConsumerOffset>({.consumer_group = owner_.options().group,
                                   .topic = queue_.topic,
                                   .queue_id = queue_.id,
                                   .commit_offset = *start_},
                                  kCallMs, &QueuePuller::take_declared);
}

void QueuePuller::take_declared(const oncemq::Result<Answer>& answer) {
  if (!is(answer, ResponseCode::kSuccess)) {
    trouble("the beginning cannot be committed", answer);
    later(kPauseMs, &QueuePuller::begin);
    return;
  }
  committed_ = *start_;
  messages_.emplace(*start_);
  pull();
}

// ---- pulling

bool QueuePuller::is_full() const {
  const PushConsumerOptions& options = owner_.options();
  return messages_->count() >= options.queue_messages_max ||
         messages_->bytes() >= options.queue_bytes_max || messages_->span() >= kSpanMax;
}

void QueuePuller::pull() {
  pulling_ = !is_full();
  if (!pulling_) return;  // finish() goes on
  asked_at_ms_ = owner_.client().loop().now_ms();
  // With the subscription: a broker that has just started serves it at once.
  ask<wire::PullMessage>({.consumer_group = owner_.options().group,
                          .topic = queue_.topic,
                          .queue_id = queue_.id,
                          .queue_offset = messages_->next(),
                          .max_messages = owner_.options().pull_batch,
                          .sys_flag = wire::pullflag::kSuspend | wire::pullflag::kSubscription,
                          .suspend_timeout_ms = kSuspendMs,
                          .subscription = subscription_.expression,
                          .sub_version = subscription_.version,
                          .expression_type = subscription_.expression_type},
                         kPullMs, &QueuePuller::take_pulled);
}

void QueuePuller::take_pulled(const oncemq::Result<Answer>& answer) {
  pulled_at_ms_ = owner_.client().loop().clock().wall_ms();
  const bool found = is(answer, ResponseCode::kSuccess);
  const bool nothing_new = is(answer, ResponseCode::kPullNotFound);
  if (found || nothing_new || is(answer, ResponseCode::kPullRetryImmediately) ||
      is(answer, ResponseCode::kPullOffsetMoved)) {
    if (const auto reply = wire::decode_reply<wire::PullMessage>(answer->command())) {
      last_trouble_.clear();
      if (is(answer, ResponseCode::kPullOffsetMoved)) {
        owner_.restart(queue_, reply->next_begin_offset);
      } else if (found) {
        take_messages(*answer, reply->next_begin_offset);
      } else {
        messages_->add({}, reply->next_begin_offset);
        if (nothing_new && owner_.client().loop().now_ms() - asked_at_ms_ < kAtOnceMs)
          later(kAtOnceMs, &QueuePuller::pull);
        else
          pull();
      }
      return;
    }
  }
  trouble("cannot be pulled", answer);
  later(kPauseMs, &QueuePuller::pull);
}

void QueuePuller::take_messages(const Answer& answer, std::int64_t next) {
  auto taken = read_records(answer.body(), queue_, subscription_);
  if (!taken) {
    trouble("a pull answer does not parse", fail(std::move(taken.error())));
    later(kPauseMs, &QueuePuller::pull);
    return;
  }
  std::vector<Delivery> unreadable;
  for (const Taken& one : *taken)
    if (!one.readable && one.delivery.queue_offset >= messages_->next())
      unreadable.push_back(one.delivery);
  messages_->add(std::move(*taken), next);
  for (Delivery& delivery : unreadable) {
    log::warn("sdk", "{} queue {} of {}: the body at offset {} cannot be unpacked", queue_.topic,
              queue_.id, queue_.broker, delivery.queue_offset);
    messages_->hold(delivery.queue_offset);
    refuse(std::move(delivery), Outcome::again());
  }
  pull();
  if (has_waiting()) owner_.on_waiting(*this);
}

// ---- after the handler

void QueuePuller::finish(std::vector<Delivery> batch, const Outcomes& outcomes) {
  if (dropped_) return;  // whoever has the queue gets them again
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Outcome outcome = outcomes.of(i);
    if (outcome.kind() == Outcome::Kind::kDone)
      messages_->done(batch[i].queue_offset);
    else
      refuse(std::move(batch[i]), outcome);
  }
  if (!pulling_ && !stopped_) pull();
}

void QueuePuller::refuse(Delivery delivery, Outcome outcome) {
  const auto address = owner_.address_of(queue_);
  if (!address) {
    take_back(std::move(delivery));
    return;
  }
  ++returning_;
  // The header's views are written into the frame before call_async() returns.
  const wire::ConsumerSendMessageBack::Header header{
      .offset = messages_->log_offset(delivery.queue_offset),
      .group = owner_.options().group,
      .delay_level = outcome.kind() == Outcome::Kind::kDead ? -1 : outcome.delay_level(),
      .origin_message_id = delivery.message_id,
      .origin_topic = delivery.message.topic,
      .max_reconsume_times = owner_.options().retries_max,
      .broker_name = queue_.broker};
  // Shared: what is called must be copyable, and the delivery is large.
  auto kept = std::make_shared<Delivery>(delivery);
  owner_.client().call_async<wire::ConsumerSendMessageBack>(
      *address, header, {}, kCallMs,
      [self = shared_from_this(), kept](const oncemq::Result<Answer>& answer) {
        --self->returning_;
        if (!self->dropped_) {
          if (is(answer, ResponseCode::kSuccess)) {
            self->messages_->done(kept->queue_offset);
            if (!self->pulling_ && !self->stopped_) self->pull();
          } else {
            self->trouble("a refused message is not taken back", answer);
            self->take_back(std::move(*kept));
          }
        }
        self->owner_.on_returned();
      });
}

// It stays here, uncommitted.
void QueuePuller::take_back(Delivery delivery) {
  net::EventLoop& loop = owner_.client().loop();
  loop.add_timer(loop.now_ms() + kAgainMs,
                 [self = shared_from_this(), delivery = std::move(delivery)]() mutable {
                   if (self->stopped_) return;
                   self->messages_->give_back(std::move(delivery));
                   self->owner_.on_waiting(*self);
                 });
}

void QueuePuller::commit(std::function<void()> on_done) {
  const auto address = owner_.address_of(queue_);
  if (!messages_ || !address || dropped_ || messages_->commit_offset() == committed_) {
    on_done();
    return;
  }
  const std::int64_t offset = messages_->commit_offset();
  owner_.client().call_async<wire::UpdateConsumerOffset>(
      *address,
      {.consumer_group = owner_.options().group,
       .topic = queue_.topic,
       .queue_id = queue_.id,
       .commit_offset = offset},
      {}, kCallMs,
      [self = shared_from_this(), offset,
       on_done = std::move(on_done)](const oncemq::Result<Answer>& answer) {
        if (is(answer, ResponseCode::kSuccess)) self->committed_ = offset;
        on_done();
      });
}

}  // namespace oncemq::sdk
