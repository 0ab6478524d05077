#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/address.h"
#include "net/connection.h"
#include "net/limits.h"
#include "net/task.h"
#include "os/clock.h"

namespace oncemq::net {

class LoopCore;

// Runs once per tick, after everything that arrived was handed to the handlers and the posted tasks
// and due timers ran, and before the output of the tick leaves.
class TickHook {
 public:
  virtual ~TickHook() = default;
  virtual void on_tick_end() = 0;
};

// Makes the handler of each accepted connection, on the connection's loop.
class Acceptor {
 public:
  virtual ~Acceptor() = default;
  virtual std::unique_ptr<ConnectionHandler> on_accept(Connection& connection) = 0;
};

// Names a timer; 0 names none. Thread rule: immutable value.
struct TimerId {
  std::uint64_t value = 0;
  bool operator==(const TimerId&) const = default;
  explicit operator bool() const { return value != 0; }
};

struct LoopStats {
  std::uint64_t ticks = 0;
  std::uint64_t reads = 0, bytes_in = 0;
  std::uint64_t writes = 0, bytes_out = 0;
  std::size_t connections = 0;
};

// One thread's sockets, timers and tasks. A tick is: wait; read once from each readable connection
// and call its handler; posted tasks; due timers; hooks; write; end connections; give buffers back.
// Thread rule: confined to the thread in run(), except where "any thread" is said; everything may
// be called before run().
class EventLoop {
 public:
  // `shared` may serve several loops and outlives them, as does the clock.
  static Result<std::unique_ptr<EventLoop>> open(std::uint32_t index, const os::Clock& clock,
                                                 Shared& shared);
  ~EventLoop();  // ends what is still open, with kStopping
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  std::uint32_t index() const;
  const os::Clock& clock() const;
  const Limits& limits() const;
  // Clock::monotonic_ms() at the beginning of the tick. Any thread (the last tick's).
  std::int64_t now_ms() const;
  // The same moment in Clock::monotonic_ns(). Any thread.
  std::int64_t now_ns() const;

  // Ticks until stop(); ends all connections before it returns.
  void run();
  // One tick, waiting at most `wait_ms` (-1: until something happens). Returns false after stop().
  bool run_once(int wait_ms);
  void stop();  // any thread

  // Runs the task in the next tick (in this one when called from the loop before its tasks ran); in
  // order per posting thread. Any thread. The queue has no bound of its own: a poster posts at most
  // once per thing that it has parked or holds.
  void post(Task task);
  // Makes a tick happen, so that hooks run. Cheap when the loop is awake. Any thread.
  void wake();
  bool in_loop() const;  // any thread; true also before the first tick
  // The next wait ends at the latest then (clock().monotonic_ns()'s scale), to a few microseconds
  // where timers have a millisecond; of several calls in a tick the earliest counts. For pacing.
  void tick_by(std::int64_t deadline_ns);

  // `deadline_ms` on now_ms()'s scale; runs once, at most about 1 ms late. O(log timers).
  TimerId add_timer(std::int64_t deadline_ms, Task task);
  // False when it already ran or was cancelled.
  bool cancel(TimerId timer);
  std::size_t timers() const;

  // The hook outlives the loop, or is removed. Hooks run in the order of their adding.
  void add_hook(TickHook& hook);
  void remove_hook(TickHook& hook);

  Connection* find(ConnectionRef ref) const;
  // Opens a connection to `to`; the handler hears on_open, or on_close with kConnectFailed.
  // kBusy (no descriptor left) | kIo.
  Result<Connection*> connect(const Address& to, std::unique_ptr<ConnectionHandler> handler);

  LoopStats stats() const;  // any thread

 private:
  friend class Server;
  EventLoop(std::uint32_t index, const os::Clock& clock, Shared& shared);
  std::unique_ptr<LoopCore> core_;
};

}  // namespace oncemq::net
