#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "client/remoting/remoting_client.h"
#include "oncemq/message.h"
#include "oncemq/result.h"

namespace oncemq::sdk {

// Where messages of a topic can go, or come from. Thread rule: immutable.
struct Route {
  std::vector<Queue> queues;                   // that may be written, or read; not empty
  std::map<std::string, std::string> masters;  // broker -> HOST:PORT, of each queue
  bool is_new = false;                         // no topic yet: the broker makes it after its model
};

// The routes of the topics that are used, from the name servers (docs/sdk.md, A send). Thread rule:
// confined to the client's loop.
class Routes {
 public:
  enum class For : std::uint8_t {
    kSending,    // a topic that is not there yet is one of the model
    kConsuming,  // there must be a topic
  };
  // Shared: a send uses the route that it began its attempt with, however long the answer takes.
  using Found = std::shared_ptr<const Route>;
  using OnRoute = std::function<void(Result<Found>)>;
  using OnNew = std::function<void(const Route&)>;

  // The topic whose route tells which brokers make topics when they are sent to, and how many
  // queues a new one gets.
  static constexpr std::string_view kModel = "TBW102";
  static constexpr std::int32_t kNewQueues = 4;
  // Topics; further ones are refused. A route has some 100 bytes for each queue.
  static constexpr std::size_t kTopicsMax = 10'000;

  // The client outlives it. `name_servers`: not empty.
  Routes(client::RemotingClient& client, std::vector<std::string> name_servers,
         For use = For::kSending)
      : client_(client), name_servers_(std::move(name_servers)), use_(use) {}

  // Runs for each route that a name server gave; before the first find().
  void on_new(OnNew on_new) { on_new_ = std::move(on_new); }
  // `on_route` runs once, at once when the route is known. Looks again, with pauses, as long as no
  // name server can be talked to and it is not `deadline_ms` (Clock::monotonic_ms). kTopicNotFound
  // | kUnreachable | kBusy | kClosed.
  void find(const std::string& topic, std::int64_t deadline_ms, const OnRoute& on_route);
  // The route did not hold: it is used on, and asked for again.
  void doubt(const std::string& topic);
  // Counts up for each topic.
  std::size_t turn(const std::string& topic) { return entries_[topic].turn++; }
  // Why the route of the topic could not be had when that was tried last.
  std::optional<Error> trouble(const std::string& topic) const;
  // Whoever waits gets kClosed, as does whoever asks later.
  void close();

 private:
  struct Waiter {
    std::int64_t deadline_ms;
    OnRoute on_route;
  };
  struct Entry {
    Found route;
    std::int64_t fresh_until_ms = 0;
    bool asking = false;  // or pausing before that
    std::int64_t pause_ms = 0;
    std::optional<Error> trouble;
    std::size_t turn = 0;
    std::vector<Waiter> waiters;  // each is a send: bounded with them
  };

  std::int64_t now_ms() const { return client_.loop().clock().monotonic_ms(); }
  // Asks the name servers for `asked`: the topic, or the model of new ones.
  void ask(const std::string& topic, const std::string& asked, std::size_t tried);
  void take_answer(const std::string& topic, const std::string& asked, std::size_t tried,
                   const oncemq::Result<client::Answer>& answer);
  void settle(const std::string& topic, Result<Found> result);
  void ask_later(const std::string& topic, Entry& entry);

  client::RemotingClient& client_;
  const std::vector<std::string> name_servers_;
  const For use_;
  OnNew on_new_;
  std::size_t preferred_ = 0;  // the name server that answered last
  std::unordered_map<std::string, Entry> entries_;
  bool closed_ = false;
};

}  // namespace oncemq::sdk
