#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/address.h"
#include "net/event_loop.h"
#include "net/limits.h"
#include "os/clock.h"
#include "os/thread.h"

namespace oncemq::net {

struct ServerOptions {
  unsigned loops = 0;         // 0: min(processors, 4)
  std::string name = "loop";  // of the threads: loop-0, loop-1 ...
  Limits limits;
};

struct ListenerOptions {
  // A PROXY header (version 1 or 2) in front of the stream is taken off and names the peer.
  bool proxy_protocol = true;
};

// Listening sockets and the loops (threads loop-0 ...) that their connections are spread over: a
// new connection goes to the loop with the fewest. Thread rule: confined to the thread that made
// it, except loop().
class Server {
 public:
  // The clock outlives the server.
  static Result<std::unique_ptr<Server>> open(const ServerOptions& options, const os::Clock& clock);
  ~Server();  // stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::uint32_t loops() const;
  EventLoop& loop(std::uint32_t index) const;  // any thread
  const Shared& shared() const;                // any thread
  // Of the connections: their objects, unread and unsent bytes. Any thread.
  std::size_t memory_bytes() const;

  // Binds and listens; port 0 takes a free one. Connections are accepted when loop 0 ticks.
  // Gives the address that was bound. The acceptor outlives the server. kInUse (port taken) |
  // kNoPermission | kIo | kInvalidArgument (not an address of this machine).
  Result<Address> listen(const Address& at, Acceptor& acceptor, ListenerOptions options = {});

  // Starts the threads. Hooks are added and ports bound before.
  void start();
  // Stops accepting and reading; returns when nobody is owed an answer and all output was taken, or
  // after `limit_ms`: false.
  bool drain(std::int64_t limit_ms);
  // Ends all connections and threads.
  void stop();

 private:
  class Listener;
  Server(const ServerOptions& options, const os::Clock& clock);
  LoopCore& core(std::uint32_t index) const;
  // Runs `task` on every loop and returns when all have run it.
  template <class F>
  void on_every_loop(F task);

  const os::Clock& clock_;
  const std::string name_;
  Shared shared_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<std::unique_ptr<Listener>> listeners_;  // they live on loop 0
  std::vector<os::Thread> threads_;
};

}  // namespace oncemq::net
