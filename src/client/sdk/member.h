#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/remoting/remoting_client.h"
#include "client/sdk/allocation.h"
#include "client/sdk/heart.h"
#include "client/sdk/queue_puller.h"
#include "client/sdk/routes.h"
#include "client/sdk/workers.h"
#include "model/subscription.h"
#include "net/event_loop.h"

namespace oncemq::sdk {

// A member of a group that shares queues (docs/sdk.md, PushConsumer): which queues it has, and what
// its handler gets from them. Thread rule: confined to the client's loop.
class Member final : public PullerOwner {
 public:
  // All outlive it. `subscriptions`: also that of the group's retry topic.
  Member(client::RemotingClient& client, Routes& routes, Workers& workers,
         const PushConsumerOptions& options, std::string client_id,
         std::vector<model::Subscription> subscriptions, const Handler& handler);

  void start();
  // What a broker asks.
  void serve(net::Connection& connection, const wire::Command& command);
  // `on_closed` runs once; at once when it was closed before.
  void close(std::function<void()> on_closed);

  client::RemotingClient& client() override { return client_; }
  const PushConsumerOptions& options() const override { return options_; }
  const std::string& client_id() const override { return client_id_; }
  std::optional<std::string> address_of(const Queue& queue) const override;
  void on_waiting(QueuePuller& puller) override;
  void on_returned() override { end_when_quiet(); }
  void on_retired(const Queue& queue, std::optional<std::int64_t> start) override;
  void on_lost(const Queue& queue) override;

 private:
  struct Before {
    bool operator()(const Queue& left, const Queue& right) const {
      return comes_before(left, right);
    }
  };
  enum class Phase : std::uint8_t { kRunning, kEnding, kLeaving, kClosed };

  void look_again(std::int64_t pause_ms);
  void look();
  void take_route(const std::string& topic, const Result<Routes::Found>& found);
  void take_members(const std::string& topic, const std::string& address,
                    const oncemq::Result<client::Answer>& answer);
  void take_queues(const std::string& topic, const std::vector<Queue>& mine);
  void add_queues(const std::vector<Queue>& mine);
  void add_queue(const Queue& queue, std::optional<std::int64_t> start);

  void hand_out();
  void line_up(QueuePuller& puller);
  void finish(QueuePuller& puller, std::vector<Delivery> batch, const Outcomes& outcomes);
  void commit_later();

  void end_when_quiet();
  void leave();
  void closed();

  void reset(const wire::Command& command);
  void reset(const Queue& queue, std::int64_t offset);
  std::string running_info() const;
  std::string status_of(std::string_view topic) const;

  client::RemotingClient& client_;
  Routes& routes_;
  Workers& workers_;
  const PushConsumerOptions& options_;
  const std::string client_id_;
  const std::map<std::string, model::Subscription> subscriptions_;  // by topic
  const Handler& handler_;
  const std::int64_t started_ms_;  // wall clock
  Heart heart_;

  std::map<std::string, Routes::Found> found_;                    // by topic
  std::set<std::string> missing_;                                 // topics that were complained of
  std::map<Queue, std::shared_ptr<QueuePuller>, Before> queues_;  // shared: see QueuePuller
  std::deque<std::shared_ptr<QueuePuller>> line_;                 // those with messages, each once
  std::size_t handling_ = 0;                                      // batches that are with handlers
  net::TimerId look_timer_;
  std::int64_t look_at_ms_ = 0;

  Phase phase_ = Phase::kRunning;
  std::size_t committing_ = 0;  // at the end
  std::vector<std::function<void()>> on_closed_;
};

}  // namespace oncemq::sdk
