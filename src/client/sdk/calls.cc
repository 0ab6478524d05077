#include "client/sdk/calls.h"

#include <algorithm>
#include <utility>

#include "client/sdk/failure.h"
#include "client/sdk/worth_another.h"

namespace oncemq::sdk {
namespace {

constexpr std::int64_t kPauseFirstMs = 50;
constexpr std::int64_t kPauseMaxMs = 1'000;
constexpr std::int64_t kLateMs = 1'000;  // that a broker may answer after the call has ended
constexpr std::int32_t kRefusedMax = 3;  // times "not now", then it is the answer

Error closed() {
  return {.code = Errc::kClosed, .message = "the client is closed"};
}

}  // namespace

Error refusal(const client::Answer& answer) {
  return {.code = Errc::kRefused,
          .message = answer.status().error().message,
          .response_code = answer.code()};
}

Status status_of(const Result<client::Answer>& answer) {
  if (!answer) return tl::unexpected(answer.error());
  if (!answer->status()) return tl::unexpected(refusal(*answer));
  return {};
}

Calls::Going* Calls::find(Id id) {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : found->second.get();
}

void Calls::start(Call call) {
  const Id id = next_id_++;
  auto going = std::make_unique<Going>();
  going->timer = client_.loop().add_timer(call.deadline_ms, [this, id] { time_over(id); });
  going->call = std::move(call);
  calls_.emplace(id, std::move(going));
  if (closed_)
    end(id, tl::unexpected(closed()));
  else
    next_attempt(id);
}

void Calls::next_attempt(Id id) {
  const Going* const going = find(id);
  if (going == nullptr) return;  // its time was over
  routes_.find(going->call.topic, going->call.deadline_ms,
               [this, id](const Result<Routes::Found>& found) { take_route(id, found); });
}

void Calls::take_route(Id id, const Result<Routes::Found>& found) {
  Going* const going = find(id);
  if (going == nullptr) return;
  if (!found) {
    end(id, tl::unexpected(found.error()));
    return;
  }
  const auto master = (*found)->masters.find(going->call.broker);
  if (master == (*found)->masters.end()) {
    Error why{.code = Errc::kUnreachable, .message = "no address of broker " + going->call.broker};
    if (going->call.repeat == Repeat::kNever)
      end(id, tl::unexpected(std::move(why)));
    else
      try_again(id, *going, std::move(why));
    return;
  }
  const std::int32_t attempt = ++going->attempt;
  going->out = true;
  const std::int64_t left_ms =
      std::max<std::int64_t>(0, going->call.deadline_ms - client_.loop().clock().monotonic_ms());
  // A copy: the answer may come at once and end the call.
  const Ask ask = going->call.ask;
  ask(master->second, left_ms, left_ms + kLateMs,
      [this, id, attempt](oncemq::Result<client::Answer> answer) {
        if (const Going* const waiting = find(id); waiting != nullptr)
          if (waiting->attempt == attempt) take_answer(id, std::move(answer));
      });
}

void Calls::take_answer(Id id, oncemq::Result<client::Answer> answer) {
  Going& going = *find(id);
  going.out = false;
  if (!answer) {
    routes_.doubt(going.call.topic);
    Error why{.code = Errc::kUnreachable, .message = answer.error().message};
    if (going.call.repeat == Repeat::kLost)
      try_again(id, going, std::move(why));
    else
      end(id, tl::unexpected(std::move(why)));
    return;
  }
  if (!worth_another(answer->code())) {
    end(id, std::move(*answer));
    return;
  }
  routes_.doubt(going.call.topic);
  if (going.call.repeat == Repeat::kNever || ++going.refused >= kRefusedMax)
    end(id, std::move(*answer));
  else
    try_again(id, going, refusal(*answer));
}

void Calls::try_again(Id id, Going& going, Error why) {
  routes_.doubt(going.call.topic);
  going.last = std::move(why);
  going.pause_ms = std::clamp(going.pause_ms * 2, kPauseFirstMs, kPauseMaxMs);
  client_.loop().add_timer(client_.loop().now_ms() + going.pause_ms,
                           [this, id] { next_attempt(id); });
}

void Calls::time_over(Id id) {
  Going* const going = find(id);
  if (going == nullptr) return;
  going->timer = {};
  Error why{.code = Errc::kTimeout, .message = "the time of the call is over"};
  if (!going->out && !going->last.message.empty())
    why = going->last;
  else if (const auto trouble = routes_.trouble(going->call.topic); going->attempt == 0 && trouble)
    why = *trouble;
  end(id, tl::unexpected(std::move(why)));
}

void Calls::end(Id id, Result<client::Answer> result) {
  const auto found = calls_.find(id);
  const std::unique_ptr<Going> going = std::move(found->second);
  calls_.erase(found);
  client_.loop().cancel(going->timer);
  going->call.on_answer(std::move(result));
}

void Calls::close() {
  closed_ = true;
  while (!calls_.empty()) end(calls_.begin()->first, tl::unexpected(closed()));
}

}  // namespace oncemq::sdk
