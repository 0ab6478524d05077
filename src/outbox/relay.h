#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "os/clock.h"
#include "outbox/outlet.h"
#include "outbox/publish.h"
#include "outbox/source.h"

namespace oncemq::outbox {

struct RelayOptions {
  Reading reading{};
  std::size_t parallel_max = 16;
  std::int32_t attempts_max = 8;
  std::chrono::milliseconds poll_interval{200};   // between two looks at a table without rows
  std::chrono::milliseconds backoff_max{10'000};  // of a topic or a database that is away
  std::chrono::milliseconds lease{10'000};
  bool once = false;     // publishes what waits and ends
  std::string holder{};  // of the lease: differs from all other relays'
};

// Waits between rounds. Thread rule: confined.
class Waiter {
 public:
  virtual ~Waiter() = default;
  // True when the relay shall end, which is also asked for with no time at all.
  virtual bool wait(std::chrono::milliseconds time) = 0;
};

// Publishes the rows of an outbox until it is told to end (docs/outbox.md). Thread rule: confined.
class Relay {
 public:
  using Open = std::function<sdk::Result<std::unique_ptr<Source>>()>;

  // All outlive it. `open` is called again when the source was lost.
  Relay(Open open, Outlet& outlet, Waiter& waiter, const os::Clock& clock, RelayOptions options);

  // Until `waiter` says so; of `once` until nothing can be published any more: then an error when
  // rows were left because somebody was away. kInvalidArgument, kRefused: the source could not be
  // opened in the beginning.
  sdk::Status run();

 private:
  using Milliseconds = std::chrono::milliseconds;

  struct Away {
    Milliseconds pause{0};
    std::int64_t until_ms = 0;  // Clock::monotonic_ms
  };

  // One round; how long to wait before the next.
  Milliseconds step();
  bool open();
  // Whether the lease is ours for a while.
  bool hold();
  Milliseconds publish_rows(const std::vector<Row>& rows);
  Settlement settlement_of(const std::vector<Row>& rows, const std::vector<Outcome>& outcomes);
  void note_away(const std::string& topic, const std::string& reason);
  // Topics that wait still; those whose time is over may be tried.
  std::vector<std::string> away_now() const;
  Milliseconds idle();
  // The source is of no use any more.
  Milliseconds lose(const sdk::Error& error);
  void give_back();
  Milliseconds grown(Milliseconds pause) const;

  const Open open_;
  Outlet& outlet_;
  Waiter& waiter_;
  const os::Clock& clock_;
  const RelayOptions options_;
  const PublishOptions publish_options_;

  std::unique_ptr<Source> source_;
  bool was_open_ = false;
  bool ended_ = false;
  sdk::Status result_;
  bool held_ = false;
  bool waiting_told_ = false;  // that somebody else has the lease
  std::int64_t lease_began_ms_ = 0;
  Milliseconds source_pause_{0};
  std::set<std::string> refused_;     // of `once`: ids of rows that are neither stored nor parked
  std::map<std::string, Away> away_;  // by topic; kAwayMax and those of one round
};

}  // namespace oncemq::outbox
