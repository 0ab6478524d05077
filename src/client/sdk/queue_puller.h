#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/remoting/remoting_client.h"
#include "client/sdk/process_queue.h"
#include "model/subscription.h"
#include "oncemq/outcome.h"
#include "oncemq/push_consumer.h"

namespace oncemq::sdk {

class QueuePuller;

// What queues of one member have in common. Confined to the client's loop.
class PullerOwner {
 public:
  virtual ~PullerOwner() = default;
  virtual client::RemotingClient& client() = 0;
  virtual const PushConsumerOptions& options() const = 0;
  virtual const std::string& client_id() const = 0;
  virtual std::optional<std::string> address_of(const Queue& queue) const = 0;
  // The queue has messages for handlers.
  virtual void on_waiting(QueuePuller& puller) = 0;
  // Nothing of the queue is on its way back to the broker any more.
  virtual void on_returned() = 0;
  // The queue was given up. `start`: it is to begin anew there; `queue` is not a part of what the
  // owner has.
  virtual void on_retired(const Queue& queue, std::optional<std::int64_t> start) = 0;
  // The broker could not be asked: its address or what it knows of us may have changed.
  virtual void on_lost(const Queue& queue) = 0;
};

// One queue as long as this member has it: finds where to begin, pulls, commits, takes refused
// messages back to the broker; in an ordered group it holds the queue's lock. Thread rule: confined
// to the client's loop. Shared: an answer may come when the queue was given up.
class QueuePuller : public std::enable_shared_from_this<QueuePuller> {
 public:
  // The owner outlives it, and it the subscription. `start`: where it begins, whatever was
  // committed.
  QueuePuller(PullerOwner& owner, Queue queue, const model::Subscription& subscription,
              std::optional<std::int64_t> start);

  const Queue& queue() const { return queue_; }
  const ProcessQueue* messages() const { return messages_ ? &*messages_ : nullptr; }
  std::int64_t pulled_at_ms() const { return pulled_at_ms_; }

  void begin();
  // Whether there is something for a handler now; in an ordered group only while no handler has a
  // message of the queue.
  bool has_waiting() const;
  // True when it was not in the owner's line before; false again after step_out().
  bool step_in() { return !std::exchange(in_line_, true); }
  void step_out() { in_line_ = false; }
  // For a handler, at most `max`.
  std::vector<Delivery> take(std::size_t max);
  // What the handler said.
  void finish(std::vector<Delivery> batch, const Outcomes& outcomes);
  // `on_done` runs once: the offset is at the broker, or could not be brought there.
  void commit(std::function<void()> on_done);
  // No more pulls and no more messages for handlers; outcomes still count.
  void stop() { stopped_ = true; }
  // Gives the queue up: commits, or leaves the offset to who begins at `start`. The owner hears of
  // it when that may happen: at once, or, in an ordered group, when its handler has ended.
  void retire(std::optional<std::int64_t> start);
  // Whatever still comes is ignored.
  void drop() { stopped_ = dropped_ = true; }
  // Ordered: others may have the queue from now on, unless a handler still has a message of it.
  void unlock();
  // Refused messages that the broker was asked to take.
  std::size_t returning() const { return returning_; }

 private:
  template <class Request>
  void ask(const typename Request::Header& header, std::int64_t timeout_ms,
           void (QueuePuller::*on_answer)(const oncemq::Result<client::Answer>&));
  void later(std::int64_t pause_ms, void (QueuePuller::*what)());
  void trouble(const std::string& what, const oncemq::Result<client::Answer>& answer);

  void lock();
  void take_lock(const oncemq::Result<client::Answer>& answer);
  std::string lock_body() const;
  void find_committed();
  void take_committed(const oncemq::Result<client::Answer>& answer);
  void find_start();
  void take_start(const oncemq::Result<client::Answer>& answer);
  void declare();
  void take_declared(const oncemq::Result<client::Answer>& answer);
  void begin_at(std::int64_t offset);

  bool is_full() const;
  void pull();
  void take_pulled(const oncemq::Result<client::Answer>& answer);
  void take_messages(const client::Answer& answer, std::int64_t next);
  void finish_each(std::vector<Delivery> batch, const Outcomes& outcomes);
  void finish_in_order(std::vector<Delivery> batch, const Outcomes& outcomes);
  void go_on();
  void refuse(Delivery delivery, Outcome outcome);
  void take_back(Delivery delivery, std::int64_t pause_ms);
  void give_up();

  PullerOwner& owner_;
  const Queue queue_;
  const model::Subscription& subscription_;
  std::optional<std::int64_t> start_;
  std::optional<ProcessQueue> messages_;  // from when the start is known
  std::int64_t committed_ = -1;
  std::int64_t pulled_at_ms_ = 0;  // wall clock
  std::int64_t asked_at_ms_ = 0;   // monotonic
  bool pulling_ = false;           // or pausing before that
  bool in_line_ = false;
  bool stopped_ = false;
  bool dropped_ = false;
  std::size_t returning_ = 0;
  std::size_t handled_ = 0;      // messages that a handler has
  std::size_t held_ = 0;         // messages that were refused and are not done
  std::int64_t locked_ms_ = -1;  // monotonic; -1: not locked
  bool retiring_ = false;
  bool giving_up_ = false;
  std::optional<std::int64_t> next_start_;  // retiring: where it is to begin anew
  std::string last_trouble_;
};

}  // namespace oncemq::sdk
