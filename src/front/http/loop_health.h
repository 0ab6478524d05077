#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "front/http/http_session.h"
#include "net/server.h"

namespace oncemq::front {

// Whether the loops of the clients answer. Each is sent a task that says "I am here"; one question
// is under way at a time and its verdict holds for kFreshMs, so that whoever asks without end wakes
// them four times a second and no more. Waiting answers: one for each HTTP connection. Lifetime:
// made before the own server starts, destroyed after both servers. Thread rule: confined to `own`.
class LoopHealth {
 public:
  static constexpr std::int64_t kAnswerMs = 2'000;  // how long the loops may take
  static constexpr std::int64_t kFreshMs = 250;

  explicit LoopHealth(net::EventLoop& own) : own_(own) {}

  // 200, or 503 with the names of the loops that are silent.
  void ask(const net::Server& clients, HttpReply reply);

 private:
  void begin(const net::Server& clients);
  void here(std::uint64_t round, std::size_t loop);
  void end(HttpResponse verdict);
  HttpResponse silent() const;

  net::EventLoop& own_;
  std::uint64_t round_ = 0;
  std::vector<HttpReply> waiting_;  // not empty: a round is under way
  std::vector<bool> here_;          // by loop
  std::size_t missing_ = 0;
  net::TimerId timer_;
  HttpResponse verdict_;
  std::int64_t fresh_until_ms_ = INT64_MIN;
};

}  // namespace oncemq::front
