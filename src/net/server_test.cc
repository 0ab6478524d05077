#include "net/server.h"

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include "base/log.h"
#include "net/test_support.h"

namespace oncemq::net {
namespace {

// Echoes; after "hold" it says that it owes an answer, as long as `hold` is set.
class Echo final : public ConnectionHandler {
 public:
  explicit Echo(std::atomic<bool>& hold) : hold_(hold) {}
  std::size_t on_bytes(Connection& connection, Bytes unread) override {
    owing_ = owing_ || as_text(unread).starts_with("hold");
    connection.write(unread);
    return unread.size();
  }
  void on_close(Connection&, CloseReason) override {}
  bool owes_answer() const override { return owing_ && hold_; }

 private:
  std::atomic<bool>& hold_;
  bool owing_ = false;
};

class EchoAcceptor final : public Acceptor {
 public:
  std::unique_ptr<ConnectionHandler> on_accept(Connection& connection) override {
    ++per_loop[connection.loop().index()];
    return std::make_unique<Echo>(hold);
  }
  std::atomic<bool> hold{true};
  std::array<std::atomic<int>, 4> per_loop{};
};

void await(const std::function<bool()>& condition) {
  for (int i = 0; i < 5000 && !condition(); ++i) poll(nullptr, 0, 1);
  ASSERT_TRUE(condition());
}

std::string ask(Peer& peer, const std::string& text) {
  peer.send(text);
  std::string answer;
  for (int i = 0; i < 5000 && answer.size() < text.size(); ++i) {
    pollfd item{.fd = peer.fd(), .events = POLLIN};
    poll(&item, 1, 10);
    answer += peer.receive();
  }
  return answer;
}

class ServerTest : public testing::Test {
 protected:
  void open(unsigned loops, const Limits& limits = {}) {
    server_ = std::move(*Server::open({.loops = loops, .limits = limits}, clock_));
    port_ = *server_->listen(Address::loopback(0), acceptor_);
    server_->start();
  }

  os::SystemClock clock_;
  EchoAcceptor acceptor_;
  std::unique_ptr<Server> server_;
  Address port_;
};

TEST_F(ServerTest, SpreadsConnectionsEvenly) {
  open(3);
  std::vector<Peer> peers;
  for (int i = 0; i < 9; ++i) {
    peers.emplace_back(port_);
    EXPECT_EQ(ask(peers.back(), "x" + std::to_string(i)), "x" + std::to_string(i));
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(acceptor_.per_loop[i], 3) << i;
  // Who left makes room: the next ones go to that loop.
  peers.erase(peers.begin());
  await([&] { return server_->shared().connections == 8; });
  peers.emplace_back(port_);
  EXPECT_EQ(ask(peers.back(), "y"), "y");
  EXPECT_EQ(acceptor_.per_loop[0], 4);
}

TEST_F(ServerTest, ListensOnSeveralPortsAndTellsATakenOne) {
  server_ = std::move(*Server::open({.loops = 1}, clock_));
  const Address first = *server_->listen(Address::loopback(0), acceptor_);
  const Address second = *server_->listen(Address::loopback(0), acceptor_);
  EXPECT_NE(first.port, second.port);
  EXPECT_EQ(server_->listen(first, acceptor_).error().code, Errc::kInUse);
  EXPECT_EQ(server_->listen(*Address::parse("192.0.2.1:1"), acceptor_).error().code,
            Errc::kInvalidArgument);
  server_->start();
  Peer a(first);
  Peer b(second);
  EXPECT_EQ(ask(a, "a"), "a");
  EXPECT_EQ(ask(b, "b"), "b");
}

TEST_F(ServerTest, DualStackShowsIpv4AsIpv4) {
  Script script;
  ScriptedAcceptor acceptor(script);
  server_ = std::move(*Server::open({.loops = 1}, clock_));
  auto bound = server_->listen(*Address::parse("[::]:0"), acceptor);
  if (!bound) GTEST_SKIP() << "no IPv6 here: " << bound.error().message;
  Peer peer(Address::loopback(bound->port));
  while (acceptor.accepted.empty()) server_->loop(0).run_once(5);
  EXPECT_EQ(acceptor.accepted[0]->peer().ip_string(), "127.0.0.1");
  EXPECT_FALSE(acceptor.accepted[0]->peer().is_v6);
  server_.reset();  // before what its connections write to
}

TEST_F(ServerTest, DrainWaitsForWhatIsOwedAndRefusesNewcomers) {
  open(2);
  Peer peer(port_);
  EXPECT_EQ(ask(peer, "warm"), "warm");
  EXPECT_EQ(ask(peer, "hold"), "hold");
  EXPECT_FALSE(server_->drain(20));
  acceptor_.hold = false;
  EXPECT_TRUE(server_->drain(10'000));
  auto fd = start_connect(port_);
  bool refused = !fd;
  if (fd) {
    pollfd item{.fd = fd->get(), .events = POLLOUT};
    poll(&item, 1, 5000);
    refused = !connect_outcome(*fd);
  }
  EXPECT_TRUE(refused);
  server_->stop();
  EXPECT_TRUE(peer.ended());
  EXPECT_TRUE(server_->drain(1));  // nothing left to wait for
}

TEST_F(ServerTest, StoppingEndsEveryConnection) {
  open(2);
  std::vector<Peer> peers;
  for (int i = 0; i < 5; ++i) {
    peers.emplace_back(port_);
    ask(peers.back(), "x");
  }
  server_->stop();
  for (Peer& peer : peers) EXPECT_TRUE(peer.ended());
  EXPECT_EQ(server_->shared().connections, 0U);
}

TEST_F(ServerTest, SurvivesRunningOutOfDescriptors) {
  open(1);
  Peer before(port_);
  EXPECT_EQ(ask(before, "x"), "x");
  // UBSan looks at a type with the help of a pipe when it meets it first: let it meet the log's, at
  // a level that is written.
  log::warn("net", "now {} descriptors", 0);
  rlimit saved{};
  getrlimit(RLIMIT_NOFILE, &saved);
  // The peers' descriptors come from the same table: made first, connected when none is left.
  std::vector<Fd> sockets;
  for (int i = 0; i < 3; ++i) sockets.emplace_back(socket(AF_INET, SOCK_STREAM, 0));
  const rlimit tight{.rlim_cur = static_cast<rlim_t>(sockets.back().get()) + 1,
                     .rlim_max = saved.rlim_max};
  std::vector<Fd> plugs;  // every lower hole too
  setrlimit(RLIMIT_NOFILE, &tight);
  for (Fd plug(dup(0)); plug; plug = Fd(dup(0))) plugs.push_back(std::move(plug));
  for (Fd& fd : sockets) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port_.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    char byte = 0;
    EXPECT_LE(recv(fd.get(), &byte, 1, 0), 0);  // closed, not left waiting
  }
  setrlimit(RLIMIT_NOFILE, &saved);
  plugs.clear();
  EXPECT_GE(server_->shared().refused, 3U);
  EXPECT_EQ(ask(before, "y"), "y");
  Peer after(port_);
  EXPECT_EQ(ask(after, "z"), "z");
}

TEST_F(ServerTest, HostileConnectionsCostOnlyThemselves) {
  open(2, {.in_max = 1U << 20});
  Peer good(port_);
  EXPECT_EQ(ask(good, "before"), "before");
  for (int i = 0; i < 50; ++i) {
    Peer bad(port_);
    switch (i % 4) {
      case 0:
        bad.send("PROXY garbage garbage garbage\r\n");
        break;
      case 1:
        bad.send(std::string(1 << 16, 'x'));  // goes without reading the answer: a reset
        break;
      case 2:
        bad.send("x");
        bad.reset();
        break;
      default:
        break;
    }
  }
  EXPECT_EQ(ask(good, "after"), "after");
  await([&] { return server_->shared().connections == 1; });
}

}  // namespace
}  // namespace oncemq::net
