#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "client/remoting/remoting_client.h"
#include "client/sdk/outgoing.h"
#include "client/sdk/routes.h"
#include "net/event_loop.h"
#include "oncemq/producer.h"

namespace oncemq::sdk {

// A send that is under way. Thread rule: confined, after it was handed to a Sender.
struct Sending {
  Outgoing what;
  Producer::Selector selector;   // or null
  Producer::Callback callback;   // null: one-way
  std::int64_t deadline_ms = 0;  // Clock::monotonic_ms
  std::int32_t attempts = 1;

  std::int32_t attempt = 0;  // number of the one that is out
  bool out = false;          // an attempt has no answer yet
  std::string broker;        // of the last attempt
  Error last;                // why the last attempt failed
  bool maybe_stored = false;
  net::TimerId timer;
};

// Carries sends through their attempts (docs/sdk.md, A send). Thread rule: confined to the client's
// loop.
class Sender {
 public:
  // Both outlive it. `pending` counts sends; each is counted by whoever starts it.
  Sender(client::RemotingClient& client, Routes& routes, std::string group,
         std::atomic<std::size_t>& pending)
      : client_(client), routes_(routes), group_(std::move(group)), pending_(pending) {}

  void start(std::unique_ptr<Sending> sending);
  // Everything ends with kClosed, now and later.
  void close();

 private:
  using Id = std::uint64_t;

  Sending* find(Id id);
  void next_attempt(Id id);
  void take_route(Id id, const Result<Routes::Found>& found);
  Result<const Queue*> choose(Sending& sending, const Route& route);
  void send(Id id, Sending& sending, const Routes::Found& route, const Queue& queue);
  template <class Request>
  void send_as(Id id, Sending& sending, const Routes::Found& route, const Queue& queue);
  void take_answer(Id id, const Queue& queue, const oncemq::Result<client::Answer>& answer);
  void try_again(Id id, Sending& sending, Error why);
  void give_up(Id id, Error why);
  void time_over(Id id);
  void finish(Id id, Result<Receipt> result);

  client::RemotingClient& client_;
  Routes& routes_;
  const std::string group_;
  std::atomic<std::size_t>& pending_;
  std::unordered_map<Id, std::unique_ptr<Sending>> sends_;  // at most pending_max
  Id next_id_ = 1;
  bool closed_ = false;
};

}  // namespace oncemq::sdk
