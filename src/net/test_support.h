#pragma once

// Helpers of this folder's tests: a loop that is stepped by hand on a clock that moves by hand, and
// a peer that uses plain blocking sockets.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "net/server.h"
#include "net/socket.h"

namespace oncemq::net {

// The far end of a connection.
class Peer {
 public:
  Peer() = default;
  explicit Peer(const Address& to) {
    auto fd = start_connect(to);
    EXPECT_TRUE(fd);
    fd_ = std::move(*fd);
    pollfd item{.fd = fd_.get(), .events = POLLOUT};
    EXPECT_EQ(poll(&item, 1, 5000), 1);
  }

  // Bytes that the kernel took.
  std::size_t send(std::string_view text) {
    const ssize_t sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  // What is there now.
  std::string receive(std::size_t most = 1 << 20) {
    std::string text(most, '\0');
    const ssize_t got = recv(fd_.get(), text.data(), text.size(), 0);
    if (got == 0) ended_ = true;
    if (got < 0 && errno != EAGAIN) ended_ = true;
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }
  // True when the other side closed (what was unread is dropped).
  bool ended() {
    while (!ended_ && !receive().empty()) {
    }
    return ended_;
  }
  void close() { fd_.reset(); }
  // Without waiting for what is under way.
  void reset() {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
  bool ended_ = false;
};

// Does what a test's functions say and writes down what happened.
struct Script {
  std::function<std::size_t(Connection&, Bytes)> on_bytes = [](Connection&, Bytes bytes) {
    return bytes.size();
  };
  std::function<bool()> owes = [] { return false; };
  std::vector<Connection*> opened;
  std::vector<std::string> delivered;
  std::vector<CloseReason> closed;
};

class ScriptedHandler final : public ConnectionHandler {
 public:
  explicit ScriptedHandler(Script& script) : script_(script) {}
  void on_open(Connection& connection) override { script_.opened.push_back(&connection); }
  std::size_t on_bytes(Connection& connection, Bytes unread) override {
    script_.delivered.emplace_back(as_text(unread));
    return script_.on_bytes(connection, unread);
  }
  void on_close(Connection&, CloseReason reason) override { script_.closed.push_back(reason); }
  bool owes_answer() const override { return script_.owes(); }

 private:
  Script& script_;
};

class ScriptedAcceptor final : public Acceptor {
 public:
  explicit ScriptedAcceptor(Script& script) : script_(script) {}
  std::unique_ptr<ConnectionHandler> on_accept(Connection& connection) override {
    accepted.push_back(&connection);
    return std::make_unique<ScriptedHandler>(script_);
  }
  std::vector<Connection*> accepted;

 private:
  Script& script_;
};

// One loop, one port, no threads.
class Stepped {
 public:
  explicit Stepped(const Limits& limits = {}, ListenerOptions options = {}) : acceptor(script) {
    auto made = Server::open({.loops = 1, .limits = limits}, clock);
    EXPECT_TRUE(made);
    server = std::move(*made);
    auto bound = server->listen(Address::loopback(0), acceptor, options);
    EXPECT_TRUE(bound);
    port = *bound;
  }

  EventLoop& loop() { return server->loop(0); }
  void tick() { loop().run_once(0); }
  // Ticks until the condition holds; a condition that never comes fails the test.
  void until(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return;
      loop().run_once(5);
    }
    FAIL() << "the awaited condition did not come";
  }
  Peer connect() {
    const std::size_t before = acceptor.accepted.size();
    Peer peer(port);
    until([&] { return acceptor.accepted.size() > before; });
    return peer;
  }
  // Time passes in steps small enough for every sweep to happen.
  void pass(std::int64_t ms) {
    const std::int64_t step = loop().limits().sweep_ms;
    for (; ms > 0; ms -= step) {
      clock.advance_ms(std::min(ms, step));
      tick();
    }
  }
  Connection& connection() { return *acceptor.accepted.back(); }

  Script script;
  ScriptedAcceptor acceptor;
  os::ManualClock clock;
  std::unique_ptr<Server> server;
  Address port;
};

}  // namespace oncemq::net
