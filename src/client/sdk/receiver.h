#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/sdk/session.h"
#include "model/subscription.h"
#include "net/event_loop.h"
#include "oncemq/message.h"
#include "oncemq/pop_consumer.h"

namespace oncemq::sdk {

// Carries PopConsumer::receive() from broker to broker until one has messages (docs/sdk.md,
// PopConsumer). Thread rule: confined to the session's thread.
class Receiver {
 public:
  using OnReceived = std::function<void(Result<std::vector<Delivery>>)>;

  // All outlive it. `subscriptions`: not empty.
  Receiver(Session& session, const PopConsumerOptions& options,
           std::vector<model::Subscription> subscriptions)
      : session_(session), options_(options), subscriptions_(std::move(subscriptions)) {}

  // `on_received` runs once. `until_ms`: Clock::monotonic_ms.
  void start(std::int32_t max, std::int64_t until_ms, OnReceived on_received);
  // Everything ends with kClosed, now and later.
  void close();

 private:
  using Id = std::uint64_t;
  struct Target {
    const model::Subscription* subscription;
    std::string broker;
  };
  struct Receiving {
    std::int32_t max = 0;
    std::int64_t until_ms = 0;
    OnReceived on_received{};
    std::size_t rounds = 0;
    // Of this round:
    std::size_t routes_missing = 0;
    std::vector<Target> targets{};
    std::size_t next = 0;
    bool answered = false;  // a broker said that it has nothing
    bool hasty = false;     // and did not wait for something as it was asked to
    Error last{};           // what a broker said otherwise
  };

  Receiving* find(Id id);
  void begin_round(Id id);
  void take_route(Id id, const model::Subscription& subscription,
                  const Result<Routes::Found>& found);
  void ask_next(Id id);
  std::int64_t poll_ms(const Receiving& receiving) const;
  void take_answer(Id id, const Target& target, bool hasty, const Result<client::Answer>& answer);
  void take_messages(Id id, const Target& target, const client::Answer& answer);
  void end_round(Id id);
  void end(Id id, Result<std::vector<Delivery>> result);

  Session& session_;
  const PopConsumerOptions& options_;
  const std::vector<model::Subscription> subscriptions_;
  std::unordered_map<Id, std::unique_ptr<Receiving>> receivings_;  // each has a thread that waits
  Id next_id_ = 1;
  bool closed_ = false;
};

}  // namespace oncemq::sdk
