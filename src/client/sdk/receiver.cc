#include "client/sdk/receiver.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "client/sdk/pop_calls.h"
#include "client/sdk/popped.h"
#include "client/sdk/worth_another.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/pop.h"

namespace oncemq::sdk {
namespace {

using wire::ResponseCode;

constexpr std::int64_t kPollMs = 15'000;   // that a broker may keep a pop
constexpr std::int64_t kSliceMs = 500;     // the same, while others may have messages
constexpr std::int64_t kAtOnceMs = 100;    // a broker that says "nothing" sooner does not wait
constexpr std::int64_t kPauseMs = 100;     // before brokers that do not wait are asked again
constexpr std::int64_t kNobodyMs = 1'000;  // the same, when there was none to ask

}  // namespace

Receiver::Receiving* Receiver::find(Id id) {
  const auto found = receivings_.find(id);
  return found == receivings_.end() ? nullptr : found->second.get();
}

void Receiver::start(std::int32_t max, std::int64_t until_ms, OnReceived on_received) {
  const Id id = next_id_++;
  auto receiving = std::make_unique<Receiving>();
  receiving->max = max;
  receiving->until_ms = until_ms;
  receiving->on_received = std::move(on_received);
  receivings_.emplace(id, std::move(receiving));
  if (closed_)
    end(id, failure(Errc::kClosed, "the consumer is closed"));
  else
    begin_round(id);
}

// ---- a round: every broker of every topic once

void Receiver::begin_round(Id id) {
  Receiving* const receiving = find(id);
  if (receiving == nullptr) return;
  ++receiving->rounds;
  receiving->routes_missing = subscriptions_.size();
  receiving->targets.clear();
  receiving->next = 0;
  receiving->answered = receiving->hasty = false;
  const std::int64_t deadline_ms =
      std::max(receiving->until_ms, session_.now_ms()) + options_.timeout.count();
  for (const model::Subscription& subscription : subscriptions_)
    session_.routes().find(subscription.topic, deadline_ms,
                           [this, id, &subscription](const Result<Routes::Found>& found) {
                             take_route(id, subscription, found);
                           });
}

void Receiver::take_route(Id id, const model::Subscription& subscription,
                          const Result<Routes::Found>& found) {
  Receiving* const receiving = find(id);
  if (receiving == nullptr) return;
  if (!found)
    receiving->last = found.error();
  else
    for (const auto& [broker, address] : (*found)->masters)
      receiving->targets.push_back({&subscription, broker});
  if (--receiving->routes_missing > 0) return;
  std::vector<Target>& targets = receiving->targets;
  if (!targets.empty()) {
    const std::size_t turn = session_.routes().turn(subscriptions_.front().topic);
    std::rotate(targets.begin(),
                targets.begin() + static_cast<std::ptrdiff_t>(turn % targets.size()),
                targets.end());
  }
  ask_next(id);
}

// Several brokers are asked without waiting before any of them is waited for.
std::int64_t Receiver::poll_ms(const Receiving& receiving) const {
  const std::int64_t left_ms = std::max<std::int64_t>(0, receiving.until_ms - session_.now_ms());
  if (receiving.targets.size() == 1) return std::min(left_ms, kPollMs);
  return receiving.rounds == 1 ? 0 : std::min(left_ms, kSliceMs);
}

void Receiver::ask_next(Id id) {
  Receiving& receiving = *find(id);
  if (receiving.next == receiving.targets.size()) {
    end_round(id);
    return;
  }
  const Target target = receiving.targets[receiving.next++];
  const std::int64_t poll = poll_ms(receiving);
  const std::int64_t asked_ms = session_.now_ms();
  session_.calls().start(
      {.topic = target.subscription->topic,
       .broker = target.broker,
       .repeat = Calls::Repeat::kNever,  // the next broker may have something
       .deadline_ms = asked_ms + poll + options_.timeout.count(),
       .ask =
           [this, target, poll, max = receiving.max](const std::string& address, std::int64_t,
                                                     std::int64_t timeout_ms,
                                                     client::OnAnswer on_answer) {
             session_.client().call_async<wire::PopMessage>(
                 address,
                 {.consumer_group = options_.group,
                  .topic = target.subscription->topic,
                  .queue_id = -1,
                  .max_messages = max,
                  .invisible_time = options_.invisible.count(),
                  .poll_time = poll,
                  .born_time = session_.clock().wall_ms(),
                  .init_mode = options_.start_at == StartAt::kLast ? 1 : 0,
                  .expression_type = target.subscription->expression_type,
                  .expression = target.subscription->expression},
                 {}, timeout_ms, std::move(on_answer));
           },
       .on_answer =
           [this, id, target, poll, asked_ms](const Result<client::Answer>& answer) {
             const bool hasty = session_.now_ms() - asked_ms < std::min(poll, kAtOnceMs);
             if (find(id) != nullptr) take_answer(id, target, hasty, answer);
           }});
}

void Receiver::take_answer(Id id, const Target& target, bool hasty,
                           const Result<client::Answer>& answer) {
  Receiving& receiving = *find(id);
  if (!answer) {
    if (answer.error().code == Errc::kClosed) {
      end(id, tl::unexpected(answer.error()));
      return;
    }
    receiving.last = answer.error();
    ask_next(id);
    return;
  }
  switch (static_cast<ResponseCode>(answer->code())) {
    case ResponseCode::kSuccess:
      take_messages(id, target, *answer);
      return;
    case ResponseCode::kPollingTimeout:
    case ResponseCode::kPollingFull:
    case ResponseCode::kPullNotFound:
      receiving.answered = true;
      receiving.hasty = receiving.hasty || hasty;
      break;
    default:  // any number may come
      receiving.last = refusal(*answer);
      if (!worth_another(answer->code())) {
        end(id, tl::unexpected(receiving.last));
        return;
      }
  }
  ask_next(id);
}

void Receiver::take_messages(Id id, const Target& target, const client::Answer& answer) {
  auto popped = read_popped(answer, options_.group, target.broker, *target.subscription);
  if (!popped) {
    end(id, failure(Errc::kInternal, "a pop answer does not parse: " + popped.error().message));
    return;
  }
  for (const Delivery& delivery : popped->unreadable)
    log::warn("sdk", "{} queue {} of {}: the body at offset {} cannot be unpacked",
              delivery.queue.topic, delivery.queue.id, delivery.queue.broker,
              delivery.queue_offset);
  // Nobody of the group wants them: without an ack they would come again and again.
  for (const Delivery& delivery : popped->unwanted)
    if (auto handle = handle_parts(options_.group, delivery)) {
      Calls::Call ack = ack_call(session_, options_, std::move(*handle));
      ack.on_answer = [](const Result<client::Answer>&) {};
      session_.calls().start(std::move(ack));
    }
  if (!popped->deliveries.empty()) {
    end(id, std::move(popped->deliveries));
    return;
  }
  find(id)->answered = true;
  ask_next(id);
}

void Receiver::end_round(Id id) {
  Receiving& receiving = *find(id);
  const std::int64_t left_ms = receiving.until_ms - session_.now_ms();
  if (left_ms <= 0) {
    if (receiving.answered)
      end(id, std::vector<Delivery>());
    else
      end(id, tl::unexpected(receiving.last));
    return;
  }
  if (receiving.answered && !receiving.hasty) {
    begin_round(id);
    return;
  }
  const std::int64_t pause_ms = receiving.targets.empty() ? kNobodyMs : kPauseMs;
  net::EventLoop& loop = session_.client().loop();
  loop.add_timer(loop.now_ms() + std::min(pause_ms, left_ms), [this, id] { begin_round(id); });
}

void Receiver::end(Id id, Result<std::vector<Delivery>> result) {
  const auto found = receivings_.find(id);
  const std::unique_ptr<Receiving> receiving = std::move(found->second);
  receivings_.erase(found);
  receiving->on_received(std::move(result));
}

void Receiver::close() {
  closed_ = true;
  while (!receivings_.empty())
    end(receivings_.begin()->first, failure(Errc::kClosed, "the consumer is closed"));
}

}  // namespace oncemq::sdk
