#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "broker/broker.h"
#include "front/http/http_session.h"
#include "net/event_loop.h"

namespace oncemq::front {

// Answers that may leave when *committed* has passed an offset. One for each connection at most
// (httpMaxConnections). Lifetime: made before its loop runs, destroyed after it. Thread rule:
// confined to the loop, except committed().
class HeldAnswers final : public net::TickHook {
 public:
  explicit HeldAnswers(net::EventLoop& loop) : loop_(loop) { loop_.add_hook(*this); }

  void hold(const store::MessageStore& store, std::int64_t end, HttpReply reply,
            HttpResponse response);
  // The mark advanced; any thread.
  void committed(store::CommittedOffset mark);

  void on_tick_end() override;

 private:
  struct Held {
    std::int64_t end = 0;
    HttpReply reply;
    HttpResponse response;
  };

  net::EventLoop& loop_;
  const store::MessageStore* store_ = nullptr;  // of whoever is held
  std::vector<Held> held_;
  std::atomic<std::int64_t> next_{INT64_MAX};  // the least that is waited for
};

}  // namespace oncemq::front
