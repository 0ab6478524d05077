#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include <sys/uio.h>

#include "base/mutex.h"
#include "net/buffer_pool.h"
#include "net/connection.h"
#include "net/event_loop.h"
#include "net/limits.h"
#include "net/socket.h"
#include "net/socket_connection.h"
#include "net/timer_heap.h"

namespace oncemq::net {

// The inside of EventLoop, as its connections and the server see it. Thread rule: as EventLoop.
class LoopCore {
 public:
  LoopCore(EventLoop& loop, std::uint32_t index, const os::Clock& clock, Shared& shared);
  ~LoopCore();
  Status open();

  // What EventLoop offers.
  EventLoop& loop() const { return loop_; }
  std::uint32_t index() const { return index_; }
  const os::Clock& clock() const { return clock_; }
  std::int64_t now_ms() const { return now_ms_.load(std::memory_order_relaxed); }
  std::int64_t now_ns() const { return now_ns_.load(std::memory_order_relaxed); }
  bool run_once(int wait_ms);
  void close_all();
  void stop();
  void post(Task task);
  void wake();
  void tick_by(std::int64_t deadline_ns) { tick_by_ns_ = std::min(tick_by_ns_, deadline_ns); }
  bool in_loop() const;
  TimerHeap& timers() { return timers_; }
  void add_hook(TickHook& hook) { hooks_.push_back(&hook); }
  void remove_hook(TickHook& hook) { std::erase(hooks_, &hook); }
  Connection* find(ConnectionRef ref) const;
  Result<Connection*> connect(const Address& to, std::unique_ptr<ConnectionHandler> handler);
  LoopStats stats() const;

  // For the server.
  void adopt(Accepted accepted, Acceptor& acceptor, bool proxy_header);
  bool watch(const Fd& fd, std::uint32_t events, Pollable* who);
  void rewatch(const Fd& fd, std::uint32_t events, Pollable* who);
  void drain();               // no more reading, also from connections to come
  std::size_t owing() const;  // connections with output, or an answer, to come
  std::size_t assigned() const { return assigned_.load(std::memory_order_relaxed); }
  void assign() { assigned_.fetch_add(1, std::memory_order_relaxed); }  // any thread

  // For the connections.
  const Limits& limits() const { return shared_.limits; }
  Shared& shared() { return shared_; }
  BufferPool& pool() { return pool_; }
  std::span<iovec> pieces() { return pieces_; }
  std::uint64_t tick_number() const { return tick_; }
  void mark_dirty(SocketConnection& c) { mark(c, c.listed.dirty, dirty_); }
  void mark_touched(SocketConnection& c) { mark(c, c.listed.touched, touched_); }
  void mark_ready(SocketConnection& c) { mark(c, c.listed.ready, ready_); }
  void mark_starved(SocketConnection& c) { mark(c, c.listed.starved, starved_); }
  void mark_closing(SocketConnection& c) { closing_.push_back(&c); }
  void count_read(std::size_t bytes);
  void count_write(std::size_t bytes);

 private:
  using List = std::vector<SocketConnection*>;
  struct Slot {
    std::unique_ptr<SocketConnection> connection;
    std::uint32_t generation = 1;
    bool accepted = false;
  };

  static void mark(SocketConnection& connection, bool& listed, List& list) {
    if (listed) return;
    listed = true;
    list.push_back(&connection);
  }
  SocketConnection& make(Fd fd, const SocketConnection::Origin& origin);
  void release(SocketConnection& connection);
  int timeout(int wait_ms);
  void wait(int wait_ms);
  void read_all();
  void run_tasks();
  void run_timers();
  void finish_tick();
  void end_closing();
  void relieve_starved();
  void sweep();
  void refresh_now();

  EventLoop& loop_;
  const std::uint32_t index_;
  const os::Clock& clock_;
  Shared& shared_;
  Fd epoll_;
  Fd waker_;

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  BufferPool pool_;
  TimerHeap timers_;
  std::vector<TickHook*> hooks_;
  List dirty_;    // to be flushed in this tick
  List touched_;  // received something in this tick
  List ready_;    // unread bytes that the handler wants to see in the next tick
  List starved_;  // not read from while memory is short
  List closing_;  // end with this tick
  List scratch_;
  std::vector<Task> tasks_;
  std::array<iovec, 256> pieces_{};  // a fourth of IOV_MAX; more go with the next call
  static constexpr int kEvents = 256;
  int events_ready_ = 0;
  std::uint64_t tick_ = 0;
  std::int64_t tick_by_ns_ = INT64_MAX;
  bool draining_ = false;
  bool sweeping_ = false;

  std::atomic<std::int64_t> now_ns_{0};
  std::atomic<std::int64_t> now_ms_{0};  // the same
  std::atomic<std::thread::id> owner_{};
  std::atomic<std::size_t> assigned_{0};
  std::atomic<bool> stopped_{false};
  // A tick is wanted. The loop says `sleeping_` and then looks at `wanted_`; others say `wanted_`
  // and then look at `sleeping_`: one of the two sees the other, so no wake-up is lost, and a loop
  // that is awake costs no system call.
  std::atomic<bool> wanted_{false};
  std::atomic<bool> sleeping_{false};
  std::atomic<std::uint64_t> reads_{0}, bytes_in_{0}, writes_{0}, bytes_out_{0}, ticks_{0};
  std::atomic<std::size_t> open_{0};

  Mutex mutex_;
  std::vector<Task> posted_ ONCE_GUARDED_BY(mutex_);

  struct Events;
  std::unique_ptr<Events> events_;
};

}  // namespace oncemq::net
