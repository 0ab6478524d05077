#include "client/sdk/queue_puller.h"

#include <utility>

#include "base/log.h"
#include "model/topic.h"
#include "wire/remoting/body/queue_locks.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/clients.h"
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
constexpr std::int64_t kLockMs = 20'000;     // after which a lock is renewed
constexpr std::int64_t kLockedMs = 30'000;   // that it is trusted; brokers keep it for 60 s
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
  if (owner_.options().ordered)
    lock();
  else
    find_committed();
}

std::string QueuePuller::lock_body() const {
  wire::QueueLockBody body;
  body.client_id = owner_.client_id();
  body.group = owner_.options().group;
  body.queues = {{.broker_name = queue_.broker, .queue_id = queue_.id, .topic = queue_.topic}};
  return wire::encode_body(body);
}

// First to have it, then to keep it as long as a handler may have messages: also when no more are
// wanted.
void QueuePuller::lock() {
  const auto take = [self = shared_from_this()](const oncemq::Result<Answer>& answer) {
    if (!self->dropped_) self->take_lock(answer);
  };
  if (const auto address = owner_.address_of(queue_))
    owner_.client().call_async<wire::LockBatchQueues>(*address, {}, as_bytes(lock_body()), kCallMs,
                                                      take);
  else
    take(fail(oncemq::Errc::kNotFound, "no address of broker " + queue_.broker));
}

void QueuePuller::take_lock(const oncemq::Result<Answer>& answer) {
  net::EventLoop& loop = owner_.client().loop();
  bool mine = false;
  if (is(answer, ResponseCode::kSuccess))
    if (const auto locked = wire::decode_body<wire::LockedQueues>(answer->body()))
      mine = !locked->queues.empty();
  const bool had = locked_ms_ >= 0;
  // Somebody else may have gone on in the meantime: what is here is not to be trusted.
  if (had && (loop.now_ms() - locked_ms_ >= kLockedMs || (answer && !mine))) {
    locked_ms_ = -1;
    retire(std::nullopt);
    return;
  }
  if (mine) locked_ms_ = loop.now_ms();
  loop.add_timer(loop.now_ms() + (mine ? kLockMs : kPauseMs), [self = shared_from_this()] {
    const bool unlocked = self->stopped_ && self->locked_ms_ < 0;
    if (!self->dropped_ && !unlocked) self->lock();
  });
  if (stopped_) return;
  if (mine && !had) find_committed();
  // When it is refused its former member has it until its handler has ended.
  if (!answer) trouble("cannot be locked", answer);
}

void QueuePuller::find_committed() {
  if (start_) {
    declare();
    return;
  }
  if (owner_.options().broadcast) {  // nothing is committed
    find_start();
    return;
  }
  ask<wire::QueryConsumerOffset>(
      {.consumer_group = owner_.options().group, .topic = queue_.topic, .queue_id = queue_.id},
      kCallMs, &QueuePuller::take_committed);
}

void QueuePuller::take_committed(const oncemq::Result<Answer>& answer) {
  if (is(answer, ResponseCode::kSuccess)) {
    if (const auto reply = answer->fields<wire::QueryConsumerOffset>()) {
      begin_at(reply->offset);
      return;
    }
  }
  if (is(answer, ResponseCode::kQueryNotFound)) {
    find_start();
    return;
  }
  trouble("no offset of the group", answer);
  later(kPauseMs, &QueuePuller::find_committed);
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
  later(kPauseMs, &QueuePuller::find_committed);
}

// Before the first pull, so that whoever begins after us begins here at the latest.
void QueuePuller::declare() {
  if (owner_.options().broadcast) {
    begin_at(*start_);
    return;
  }
  ask<wire::UpdateConsumerOffset>({.consumer_group = owner_.options().group,
                                   .topic = queue_.topic,
                                   .queue_id = queue_.id,
                                   .commit_offset = *start_},
                                  kCallMs, &QueuePuller::take_declared);
}

void QueuePuller::take_declared(const oncemq::Result<Answer>& answer) {
  if (!is(answer, ResponseCode::kSuccess)) {
    trouble("the beginning cannot be committed", answer);
    later(kPauseMs, &QueuePuller::find_committed);
    return;
  }
  begin_at(*start_);
}

void QueuePuller::begin_at(std::int64_t offset) {
  committed_ = offset;
  messages_.emplace(offset);
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
        retire(reply->next_begin_offset);
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
    refuse(std::move(delivery), owner_.options().ordered ? Outcome::dead() : Outcome::again());
  }
  pull();
  if (has_waiting()) owner_.on_waiting(*this);
}

// ---- handlers

bool QueuePuller::has_waiting() const {
  if (stopped_ || !messages_ || !messages_->has_waiting()) return false;
  if (!owner_.options().ordered) return true;
  return handled_ == 0 && held_ == 0 && locked_ms_ >= 0 &&
         owner_.client().loop().now_ms() - locked_ms_ < kLockedMs;
}

std::vector<Delivery> QueuePuller::take(std::size_t max) {
  std::vector<Delivery> batch = messages_->take(max);
  handled_ += batch.size();
  return batch;
}

void QueuePuller::finish(std::vector<Delivery> batch, const Outcomes& outcomes) {
  handled_ -= batch.size();
  if (dropped_ || giving_up_) return;  // whoever has the queue gets them again
  if (owner_.options().ordered)
    finish_in_order(std::move(batch), outcomes);
  else
    finish_each(std::move(batch), outcomes);
  if (retiring_)
    give_up();
  else
    go_on();
}

void QueuePuller::finish_each(std::vector<Delivery> batch, const Outcomes& outcomes) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Outcome outcome = outcomes.of(i);
    if (outcome.kind() == Outcome::Kind::kDone)
      messages_->done(batch[i].queue_offset);
    else
      refuse(std::move(batch[i]), outcome);
  }
}

// What comes behind the first refused message waits for it.
void QueuePuller::finish_in_order(std::vector<Delivery> batch, const Outcomes& outcomes) {
  std::size_t first = 0;
  for (; first < batch.size() && outcomes.of(first).kind() == Outcome::Kind::kDone; ++first)
    messages_->done(batch[first].queue_offset);
  for (std::size_t i = first + 1; i < batch.size(); ++i) messages_->give_back(std::move(batch[i]));
  if (first == batch.size()) return;
  const PushConsumerOptions& options = owner_.options();
  Delivery& delivery = batch[first];
  if (outcomes.of(first).kind() == Outcome::Kind::kDead ||
      (options.retries_max && delivery.attempt > *options.retries_max))
    refuse(std::move(delivery), Outcome::dead());
  else
    take_back(std::move(delivery), options.suspend.count());
}

// There may be room for more, and the next may be handed out.
void QueuePuller::go_on() {
  if (stopped_) return;
  if (!pulling_) pull();
  if (has_waiting()) owner_.on_waiting(*this);
}

void QueuePuller::refuse(Delivery delivery, Outcome outcome) {
  if (owner_.options().broadcast) {
    log::warn("sdk", "{} queue {} of {}: message {} is refused, and passed in a broadcast",
              queue_.topic, queue_.id, queue_.broker, delivery.message_id);
    messages_->done(delivery.queue_offset);
    return;
  }
  const auto address = owner_.address_of(queue_);
  if (!address) {
    take_back(std::move(delivery), kAgainMs);
    return;
  }
  ++returning_;
  ++held_;
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
        --self->held_;
        if (!self->dropped_) {
          if (is(answer, ResponseCode::kSuccess)) {
            self->messages_->done(kept->queue_offset);
            self->go_on();
          } else {
            self->trouble("a refused message is not taken back", answer);
            self->take_back(std::move(*kept), kAgainMs);
          }
        }
        self->owner_.on_returned();
      });
}

// It stays here, uncommitted.
void QueuePuller::take_back(Delivery delivery, std::int64_t pause_ms) {
  ++held_;
  net::EventLoop& loop = owner_.client().loop();
  loop.add_timer(loop.now_ms() + pause_ms,
                 [self = shared_from_this(), delivery = std::move(delivery)]() mutable {
                   --self->held_;
                   if (self->stopped_) return;
                   ++delivery.attempt;
                   self->messages_->give_back(std::move(delivery));
                   self->go_on();
                 });
}

// ---- the end

void QueuePuller::retire(std::optional<std::int64_t> start) {
  if (start) next_start_ = start;
  if (retiring_ || dropped_) return;
  retiring_ = stopped_ = true;
  // Of an ordered group nobody else begins before its handler has ended.
  if (!owner_.options().ordered || handled_ == 0) give_up();
}

void QueuePuller::give_up() {
  if (giving_up_) return;
  giving_up_ = true;
  const auto gone = [self = shared_from_this()] {  // the owner lets go of it
    self->drop();
    self->owner_.on_retired(self->queue_, self->next_start_);
  };
  if (next_start_) {
    gone();
    return;
  }
  commit([self = shared_from_this(), gone] {
    self->unlock();
    gone();
  });
}

void QueuePuller::unlock() {
  const auto address = owner_.address_of(queue_);
  if (!owner_.options().ordered || locked_ms_ < 0 || handled_ > 0 || !address) return;
  locked_ms_ = -1;
  (void)owner_.client().call_oneway<wire::UnlockBatchQueues>(*address, {}, as_bytes(lock_body()));
}

void QueuePuller::commit(std::function<void()> on_done) {
  const auto address = owner_.address_of(queue_);
  const bool ours = !owner_.options().ordered || locked_ms_ >= 0;
  if (!messages_ || !address || dropped_ || !ours || owner_.options().broadcast ||
      messages_->commit_offset() == committed_) {
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
