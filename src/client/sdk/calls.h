#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "client/remoting/remoting_client.h"
#include "client/sdk/routes.h"
#include "net/event_loop.h"
#include "oncemq/result.h"

namespace oncemq::sdk {

// Calls to a broker by its name, made again while their time lasts (docs/sdk.md, Calls of the
// consumers that ask). Thread rule: confined to the client's loop.
class Calls {
 public:
  using OnAnswer = std::function<void(Result<client::Answer>)>;
  // Makes one attempt: one RemotingClient::call_async to that address. `left_ms`: until the call's
  // time is over; `timeout_ms`: that the attempt may wait for its answer.
  using Ask = std::function<void(const std::string& address, std::int64_t left_ms,
                                 std::int64_t timeout_ms, client::OnAnswer on_answer)>;
  enum class Repeat : std::uint8_t {
    kNever,    // what comes first is it
    kRefused,  // while the broker says "not now", a few times
    kLost,     // also when nobody knows what became of an attempt
  };
  struct Call {
    std::string topic;  // whose route has the broker
    std::string broker;
    Repeat repeat = Repeat::kLost;
    std::int64_t deadline_ms = 0;  // Clock::monotonic_ms
    Ask ask{};
    // Runs once, with the answer, also one that refuses, or with why there is none: kTopicNotFound
    // | kUnreachable | kTimeout | kBusy (too many topics) | kClosed.
    OnAnswer on_answer{};
  };

  // Both outlive it.
  Calls(client::RemotingClient& client, Routes& routes) : client_(client), routes_(routes) {}

  void start(Call call);
  // Everything ends with kClosed, now and later.
  void close();

 private:
  using Id = std::uint64_t;
  struct Going {
    Call call;
    net::TimerId timer{};
    std::int32_t attempt = 0;  // number of the one that is out, or was last
    std::int32_t refused = 0;
    std::int64_t pause_ms = 0;
    bool out = false;  // an attempt has no answer yet
    Error last{};      // why the last attempt failed
  };

  Going* find(Id id);
  void next_attempt(Id id);
  void take_route(Id id, const Result<Routes::Found>& found);
  void take_answer(Id id, oncemq::Result<client::Answer> answer);
  void try_again(Id id, Going& going, Error why);
  void time_over(Id id);
  void end(Id id, Result<client::Answer> result);

  client::RemotingClient& client_;
  Routes& routes_;
  std::unordered_map<Id, std::unique_ptr<Going>> calls_;  // bounded by whoever starts them
  Id next_id_ = 1;
  bool closed_ = false;
};

// A refusal as whoever called learns of it.
Error refusal(const client::Answer& answer);
// The same of an answer that must be a yes.
Status status_of(const Result<client::Answer>& answer);

}  // namespace oncemq::sdk
