#include "front/http/loop_health.h"

#include <utility>

namespace oncemq::front {

void LoopHealth::ask(const net::Server& clients, HttpReply reply) {
  if (own_.now_ms() < fresh_until_ms_) return reply.send(verdict_);
  waiting_.push_back(reply);
  if (waiting_.size() == 1) begin(clients);
}

void LoopHealth::begin(const net::Server& clients) {
  const std::uint64_t round = ++round_;
  missing_ = clients.loops();
  here_.assign(missing_, false);
  timer_ = own_.add_timer(own_.now_ms() + kAnswerMs, [this, round] {
    if (round == round_ && !waiting_.empty()) end(silent());
  });
  for (std::uint32_t i = 0; i < clients.loops(); ++i) {
    clients.loop(i).post(
        [this, &own = own_, round, i] { own.post([this, round, i] { here(round, i); }); });
  }
}

void LoopHealth::here(std::uint64_t round, std::size_t loop) {
  if (round != round_ || waiting_.empty()) return;  // too late
  here_[loop] = true;
  if (--missing_ > 0) return;
  own_.cancel(timer_);
  end(HttpResponse::text(200, "ok\n"));
}

HttpResponse LoopHealth::silent() const {
  std::string names;
  for (std::size_t i = 0; i < here_.size(); ++i)
    if (!here_[i]) names += " loop-" + std::to_string(i);
  return HttpResponse::text(
      503, "no answer within " + std::to_string(kAnswerMs) + " ms from" + names + "\n");
}

void LoopHealth::end(HttpResponse verdict) {
  verdict_ = std::move(verdict);
  fresh_until_ms_ = own_.now_ms() + kFreshMs;
  // An answer may bring the next question of its connection at once.
  const std::vector<HttpReply> waiting = std::exchange(waiting_, {});
  for (const HttpReply& reply : waiting) reply.send(verdict_);
}

}  // namespace oncemq::front
