#include "net/event_loop.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/test_support.h"
#include "os/thread.h"

namespace oncemq::net {
namespace {

struct Recorder final : TickHook {
  explicit Recorder(std::function<void()> what) : action(std::move(what)) {}
  void on_tick_end() override { action(); }
  std::function<void()> action;
};

// ---- tasks, timers, hooks

TEST(EventLoop, RunsTimersWhenTheirTimeHasCome) {
  Stepped s;
  std::string order;
  const std::int64_t now = s.loop().now_ms();
  s.loop().add_timer(now + 20, [&] { order += 'b'; });
  s.loop().add_timer(now + 10, [&] { order += 'a'; });
  const TimerId cancelled = s.loop().add_timer(now + 15, [&] { order += 'x'; });
  s.tick();
  EXPECT_EQ(order, "");
  EXPECT_TRUE(s.loop().cancel(cancelled));
  s.clock.advance_ms(10);
  s.tick();
  EXPECT_EQ(order, "a");
  s.clock.advance_ms(10);
  s.tick();
  EXPECT_EQ(order, "ab");
  EXPECT_FALSE(s.loop().cancel(cancelled));
}

TEST(EventLoop, ATimerThatRearmsItselfAtOnceDoesNotHoldTheTick) {
  Stepped s;
  int runs = 0;
  std::function<void()> again = [&] {
    ++runs;
    s.loop().add_timer(s.loop().now_ms(), [&] { again(); });
  };
  s.loop().add_timer(s.loop().now_ms(), [&] { again(); });
  s.tick();
  EXPECT_EQ(runs, 1);
  s.tick();
  EXPECT_EQ(runs, 2);
}

TEST(EventLoop, HooksRunAfterTasksAndTimersAndBeforeTheOutputLeaves) {
  Stepped s;
  std::string order;
  Peer peer = s.connect();
  Recorder first([&] { order += '1'; });
  Recorder second([&] {
    order += '2';
    if (order.find('r') != std::string::npos) s.connection().write(as_bytes("from the hook"));
  });
  s.script.on_bytes = [&](Connection&, Bytes bytes) {
    order += 'r';
    s.loop().post([&] { order += 'p'; });
    s.loop().add_timer(s.loop().now_ms(), [&] { order += 't'; });
    return bytes.size();
  };
  s.loop().add_hook(first);
  s.loop().add_hook(second);
  peer.send("x");
  s.until([&] { return !s.script.delivered.empty(); });
  EXPECT_EQ(order.substr(order.find('r')), "rpt12");
  EXPECT_EQ(peer.receive(), "from the hook");
  s.loop().remove_hook(first);
  s.loop().remove_hook(second);
  order.clear();
  s.tick();
  EXPECT_EQ(order, "");
}

TEST(EventLoop, ATaskPostedByATaskRunsInTheNextTick) {
  Stepped s;
  int depth = 0;
  s.loop().post([&] {
    depth = 1;
    s.loop().post([&] { depth = 2; });
  });
  s.tick();
  EXPECT_EQ(depth, 1);
  s.tick();
  EXPECT_EQ(depth, 2);
}

TEST(EventLoop, WakesFromSleepForTasksOfOtherThreads) {
  os::SystemClock clock;
  Shared shared{Limits{}};
  auto loop = EventLoop::open(0, clock, shared);
  ASSERT_TRUE(loop);
  constexpr int kPosters = 3;
  constexpr int kEach = 2000;
  std::vector<int> next(kPosters, 0);
  int disorder = 0;
  int arrived = 0;
  {
    os::Thread runner("loop", [&] { (*loop)->run(); });
    std::vector<os::Thread> posters;
    for (int p = 0; p < kPosters; ++p)
      posters.emplace_back("poster", [&, p] {
        for (int i = 0; i < kEach; ++i)
          (*loop)->post([&, p, i] {
            if (next[static_cast<std::size_t>(p)]++ != i) ++disorder;
            if (++arrived == kPosters * kEach) (*loop)->stop();
          });
      });
    runner.join();  // ends only when every task has arrived
  }
  EXPECT_EQ(arrived, kPosters * kEach);
  EXPECT_EQ(disorder, 0);
}

TEST(EventLoop, WakeRunsTheHooksOfASleepingLoop) {
  os::SystemClock clock;
  Shared shared{Limits{}};
  auto loop = EventLoop::open(0, clock, shared);
  ASSERT_TRUE(loop);
  std::atomic<int> ticks{0};
  Recorder hook([&] {
    if (++ticks == 500) (*loop)->stop();
  });
  (*loop)->add_hook(hook);
  os::Thread runner("loop", [&] { (*loop)->run(); });
  while (ticks < 500) {
    const int before = ticks;
    (*loop)->wake();
    while (ticks == before) std::this_thread::yield();  // hangs if a wake-up is lost
  }
  runner.join();
  EXPECT_GE(ticks, 500);
}

TEST(EventLoop, TicksByTheEarliestMomentAskedFor) {
  os::SystemClock clock;
  Shared shared{Limits{}};
  auto loop = EventLoop::open(0, clock, shared);
  ASSERT_TRUE(loop);
  const std::int64_t begin_ns = clock.monotonic_ns();
  (*loop)->tick_by(begin_ns + 3'600'000'000'000);
  (*loop)->tick_by(begin_ns + 300'000);
  (*loop)->run_once(-1);  // hangs if it is not heard
  EXPECT_GE(clock.monotonic_ns(), begin_ns + 300'000);
  // Once: the next wait is its caller's again.
  const std::int64_t second_ns = clock.monotonic_ns();
  (*loop)->run_once(2);
  EXPECT_GE(clock.monotonic_ns(), second_ns + 1'000'000);
}

TEST(EventLoop, TasksThatNeverRanGiveBackWhatTheyOwn) {
  const auto witness = std::make_shared<int>();
  {
    Stepped s;
    s.loop().post([witness] {});
    s.loop().add_timer(s.loop().now_ms() + 1000, [witness] {});
    EXPECT_EQ(witness.use_count(), 3);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

// ---- input

TEST(Connection, EverythingThatArrivedIsSeenInOnePiece) {
  Stepped s;
  Peer peer = s.connect();
  peer.send("one ");
  peer.send("two ");
  peer.send("three");
  s.until([&] { return !s.script.delivered.empty(); });
  EXPECT_EQ(s.script.delivered, std::vector<std::string>{"one two three"});
}

TEST(Connection, UnconsumedBytesComeAgainWithTheNext) {
  Stepped s;
  s.script.on_bytes = [](Connection&, Bytes bytes) { return bytes.size() / 4 * 4; };
  Peer peer = s.connect();
  peer.send("abcdef");
  s.until([&] { return s.script.delivered.size() == 1; });
  s.tick();
  s.tick();
  EXPECT_EQ(s.script.delivered.size(), 1U);  // not again without news
  peer.send("gh");
  s.until([&] { return s.script.delivered.size() == 2; });
  EXPECT_EQ(s.script.delivered[1], "efgh");
}

TEST(Connection, ViewsStayValidUntilTheHooksHaveRun) {
  Stepped s;
  Peer peer = s.connect();
  Bytes view;
  std::string seen;
  s.script.on_bytes = [&](Connection&, Bytes bytes) {
    view = bytes;
    return bytes.size();
  };
  Recorder hook([&] {
    if (!view.empty()) seen = as_text(view);
    view = {};
  });
  s.loop().add_hook(hook);
  peer.send("still here");
  s.until([&] { return !s.script.delivered.empty(); });
  EXPECT_EQ(seen, "still here");
  s.loop().remove_hook(hook);
}

TEST(Connection, LongFramesArriveWholeWithAndWithoutAnnouncement) {
  for (const bool announce : {false, true}) {
    Stepped s;
    const std::string frame = [] {
      std::string text(5'000'000, '\0');
      for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>(i * 2654435761U >> 24);
      return text;
    }();
    std::string whole;
    s.script.on_bytes = [&](Connection& connection, Bytes bytes) -> std::size_t {
      s.script.delivered.clear();
      if (announce) connection.expect(frame.size());
      if (bytes.size() < frame.size()) return 0;
      whole = as_text(bytes);
      return bytes.size();
    };
    Peer peer = s.connect();
    std::size_t sent = 0;
    s.until([&] {
      sent += peer.send(std::string_view(frame).substr(sent));
      return !whole.empty();
    });
    EXPECT_EQ(whole, frame);
    s.tick();
    EXPECT_EQ(s.server->shared().bytes, 0U);
  }
}

TEST(Connection, AnAnnouncementAloneTakesNoMemory) {
  Stepped s;
  s.script.on_bytes = [](Connection& connection, Bytes) {
    connection.expect(16U << 20);
    return std::size_t{0};
  };
  Peer peer = s.connect();
  peer.send("x");
  s.until([&] { return s.script.delivered.size() == 1; });
  EXPECT_LE(s.server->shared().bytes, 1024U);
  peer.send("y");
  s.until([&] { return s.script.delivered.size() == 2; });
  EXPECT_LE(s.server->shared().bytes, 1024U);
}

TEST(Connection, PausedReadingResumesWithWhatWasThere) {
  Stepped s;
  s.script.on_bytes = [](Connection& connection, Bytes) {
    connection.pause_reading();
    return std::size_t{1};
  };
  Peer peer = s.connect();
  peer.send("abc");
  s.until([&] { return !s.script.delivered.empty(); });
  peer.send("def");
  for (int i = 0; i < 5; ++i) s.tick();
  EXPECT_EQ(s.script.delivered.size(), 1U);
  s.connection().resume_reading();
  s.until([&] { return s.script.delivered.size() >= 2; });
  EXPECT_EQ(s.script.delivered[1].substr(0, 2), "bc");
}

// ---- output

TEST(Connection, AnswersOfATickLeaveTogether) {
  Stepped s;
  s.script.on_bytes = [](Connection& connection, Bytes bytes) {
    const auto pinned = std::make_shared<std::string>(3000, 'p');
    connection.write(as_bytes("head "));
    connection.write_pinned(as_bytes(*pinned), pinned);
    const MutableBytes room = connection.prepare(10);
    room[0] = std::byte{'!'};
    connection.commit(1);
    return bytes.size();
  };
  Peer peer = s.connect();
  const std::uint64_t writes = s.loop().stats().writes;
  peer.send("x");
  s.until([&] { return !s.script.delivered.empty(); });
  EXPECT_EQ(peer.receive(), "head " + std::string(3000, 'p') + "!");
  EXPECT_EQ(s.loop().stats().writes, writes + 1);
  EXPECT_EQ(s.server->shared().bytes, 0U);
}

TEST(Connection, ThousandsOfPiecesArriveInOrder) {
  Stepped s;
  std::string expected;
  s.script.on_bytes = [&](Connection& connection, Bytes bytes) {
    for (int i = 0; i < 3000; ++i) {
      const auto pinned = std::make_shared<std::string>(std::to_string(i) + ",");
      expected += *pinned;
      connection.write_pinned(as_bytes(*pinned), pinned);
    }
    return bytes.size();
  };
  Peer peer = s.connect();
  peer.send("x");
  std::string got;
  s.until([&] {
    got += peer.receive();
    return !expected.empty() && got.size() >= expected.size();
  });
  EXPECT_EQ(got, expected);
}

TEST(Connection, APeerThatDoesNotReadIsNotReadFromUntilItDoes) {
  Stepped s;
  const std::string answer(2U << 20, 'a');
  s.script.on_bytes = [&](Connection& connection, Bytes bytes) {
    std::size_t consumed = 0;
    while (consumed < bytes.size() && !connection.congested()) {
      connection.write(as_bytes(answer));
      ++consumed;
    }
    return consumed;
  };
  Peer peer = s.connect();
  const int small = 64 << 10;
  setsockopt(peer.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  peer.send("123456789012345678901234");
  // As many answers as the kernel takes, and then no more.
  std::size_t calls = 0;
  do {
    calls = s.script.delivered.size();
    for (int i = 0; i < 20; ++i) s.tick();
  } while (s.script.delivered.size() != calls);
  EXPECT_TRUE(s.connection().congested());
  EXPECT_LE(s.connection().unsent(), (3U << 20));
  EXPECT_GT(s.script.delivered.back().size(), 1U);  // more is wanted
  std::size_t got = 0;
  s.until([&] {
    got += peer.receive(8U << 20).size();
    return got == 24 * answer.size();
  });
  EXPECT_FALSE(s.connection().congested());
  EXPECT_TRUE(s.script.closed.empty());
}

TEST(Connection, EndsWhenTooMuchIsUnsent) {
  Stepped s({.out_max = 10U << 20});
  s.script.on_bytes = [&](Connection& connection, Bytes bytes) {
    connection.write(as_bytes(std::string(40U << 20, 'a')));
    return bytes.size();
  };
  Peer peer = s.connect();
  peer.send("x");
  s.until([&] { return !s.script.closed.empty(); });
  EXPECT_EQ(s.script.closed, std::vector{CloseReason::kOutTooLong});
  EXPECT_EQ(s.server->shared().bytes, 0U);
}

// ---- end

TEST(Connection, CloseAfterFlushDeliversFirst) {
  Stepped s;
  s.script.on_bytes = [](Connection& connection, Bytes bytes) {
    connection.write(as_bytes("goodbye"));
    connection.close_after_flush();
    return bytes.size();
  };
  Peer peer = s.connect();
  peer.send("x");
  s.until([&] { return !s.script.closed.empty(); });
  EXPECT_EQ(peer.receive(), "goodbye");
  EXPECT_TRUE(peer.ended());
  EXPECT_EQ(s.script.closed, std::vector{CloseReason::kDone});
}

TEST(Connection, CloseDropsOutputAndTellsOnceAtTheEndOfTheTick) {
  Stepped s;
  bool told_within = false;
  s.script.on_bytes = [&](Connection& connection, Bytes bytes) {
    connection.write(as_bytes("never seen"));
    connection.close(CloseReason::kBadBytes);
    connection.close(CloseReason::kDone);
    connection.write(as_bytes("nor this"));
    told_within = !s.script.closed.empty();
    EXPECT_TRUE(connection.closing());
    EXPECT_EQ(connection.loop().find(connection.ref()), nullptr);
    return bytes.size();
  };
  Peer peer = s.connect();
  peer.send("x");
  s.until([&] { return !s.script.closed.empty(); });
  EXPECT_FALSE(told_within);
  EXPECT_EQ(s.script.closed, std::vector{CloseReason::kBadBytes});
  EXPECT_EQ(peer.receive(), "");
  EXPECT_TRUE(peer.ended());
}

TEST(Connection, ReferencesDoNotOutliveIt) {
  Stepped s;
  Peer first = s.connect();
  const ConnectionRef ref = s.connection().ref();
  EXPECT_EQ(s.loop().find(ref), &s.connection());
  EXPECT_EQ(s.loop().find({}), nullptr);
  EXPECT_EQ(s.loop().find({.loop = 9, .slot = ref.slot, .generation = ref.generation}), nullptr);
  first.close();
  s.until([&] { return !s.script.closed.empty(); });
  EXPECT_EQ(s.script.closed, std::vector{CloseReason::kPeerClosed});
  EXPECT_EQ(s.loop().find(ref), nullptr);
  Peer second = s.connect();  // takes the slot
  EXPECT_EQ(s.connection().ref().slot, ref.slot);
  EXPECT_EQ(s.loop().find(ref), nullptr);
}

TEST(Connection, BytesBeforeTheEndOfStreamAreAnswered) {
  Stepped s;
  s.script.on_bytes = [](Connection& connection, Bytes bytes) {
    connection.write(bytes);
    return bytes.size();
  };
  Peer peer = s.connect();
  peer.send("last words");
  shutdown(peer.fd(), SHUT_WR);
  s.until([&] { return !s.script.closed.empty(); });
  EXPECT_EQ(peer.receive(), "last words");
}

TEST(Connection, AHandlerMayCloseOthersWhileItEnds) {
  struct Chain final : ConnectionHandler {
    explicit Chain(std::vector<Connection*>& everybody, int& count)
        : all(everybody), ended(count) {}
    std::size_t on_bytes(Connection&, Bytes bytes) override { return bytes.size(); }
    void on_close(Connection& connection, CloseReason) override {
      ++ended;
      connection.write(as_bytes("into the void"));
      for (Connection* other : all) other->close(CloseReason::kDone);
    }
    std::vector<Connection*>& all;
    int& ended;
  };
  struct ChainAcceptor final : Acceptor {
    std::unique_ptr<ConnectionHandler> on_accept(Connection& connection) override {
      all.push_back(&connection);
      return std::make_unique<Chain>(all, ended);
    }
    std::vector<Connection*> all;
    int ended = 0;
  };
  os::ManualClock clock;
  ChainAcceptor acceptor;
  auto server = Server::open({.loops = 1}, clock);
  const Address port = *(*server)->listen(Address::loopback(0), acceptor);
  std::vector<Peer> peers;
  for (int i = 0; i < 3; ++i) peers.emplace_back(port);
  while (acceptor.all.size() < 3) (*server)->loop(0).run_once(5);
  peers[1].close();
  while (acceptor.ended == 0) (*server)->loop(0).run_once(5);
  EXPECT_EQ(acceptor.ended, 3);
  (*server)->loop(0).run_once(0);
  EXPECT_EQ((*server)->loop(0).stats().connections, 0U);
}

// ---- deadlines

TEST(Deadlines, IdleConnectionsEnd) {
  Stepped s;
  s.script.on_bytes = [](Connection& connection, Bytes bytes) {
    connection.write(bytes);
    return bytes.size();
  };
  Peer peer = s.connect();
  peer.send("hello");
  s.until([&] { return !s.script.delivered.empty(); });
  s.pass(110'000);
  EXPECT_TRUE(s.script.closed.empty());
  peer.send("again");
  s.until([&] { return s.script.delivered.size() == 2; });
  s.pass(118'000);
  EXPECT_TRUE(s.script.closed.empty());
  s.pass(4'000);
  EXPECT_EQ(s.script.closed, std::vector{CloseReason::kIdle});
  peer.receive();
  EXPECT_TRUE(peer.ended());
}

TEST(Deadlines, SilenceAfterTheAcceptEnds) {
  Stepped s;
  Peer peer = s.connect();
  s.pass(28'000);
  EXPECT_TRUE(s.script.closed.empty());
  s.pass(4'000);
  EXPECT_EQ(s.script.closed, std::vector{CloseReason::kNoFirstBytes});
}

TEST(Deadlines, ADripDoesNotKeepAFrameAlive) {
  Stepped s;
  s.script.on_bytes = [](Connection&, Bytes) { return std::size_t{0}; };
  Peer peer = s.connect();
  for (int i = 0; i < 14; ++i) {
    peer.send("x");
    s.until([&] { return s.script.delivered.size() == static_cast<std::size_t>(i) + 1; });
    s.pass(2'000);
  }
  EXPECT_TRUE(s.script.closed.empty());
  peer.send("x");
  s.pass(4'000);
  EXPECT_EQ(s.script.closed, std::vector{CloseReason::kFrameTooSlow});
}

TEST(Deadlines, AManyFramesStreamWithARestIsNotSlow) {
  Stepped s;
  s.script.on_bytes = [](Connection&, Bytes bytes) { return bytes.size() - 1; };
  Peer peer = s.connect();
  for (std::size_t i = 0; i < 60; ++i) {
    peer.send("xx");
    s.until([&] { return s.script.delivered.size() == i + 1; });
    s.pass(2'000);
  }
  EXPECT_TRUE(s.script.closed.empty());
}

TEST(Deadlines, ARestThatArrivesInTheTickOfTheSweepHasJustArrived) {
  Stepped s;
  std::size_t rest = 0;
  s.script.on_bytes = [&](Connection&, Bytes bytes) { return bytes.size() - rest; };
  Peer peer = s.connect();
  for (std::size_t i = 1; i <= 4; ++i) {  // nothing unread for longer than frame_ms
    peer.send("x");
    s.until([&] { return s.script.delivered.size() == i; });
    s.pass(20'000);
  }
  rest = 1;
  peer.send("xx");
  s.pass(2'000);
  EXPECT_EQ(s.script.delivered.size(), 5U);
  EXPECT_TRUE(s.script.closed.empty());
}

TEST(Deadlines, ALongFrameMayTakeLonger) {
  Stepped s({.frame_ms = 4'000, .frame_bytes_per_s = 1'000});
  s.script.on_bytes = [](Connection&, Bytes) { return std::size_t{0}; };
  Peer peer = s.connect();
  peer.send(std::string(10'000, 'x'));
  s.until([&] { return !s.script.delivered.empty(); });
  s.pass(12'000);
  EXPECT_TRUE(s.script.closed.empty());
  s.pass(4'000);
  EXPECT_EQ(s.script.closed, std::vector{CloseReason::kFrameTooSlow});
}

TEST(Deadlines, TimeWhileTheHandlerPausesIsNotThePeers) {
  Stepped s;
  s.script.on_bytes = [](Connection& connection, Bytes) {
    connection.pause_reading();
    return std::size_t{0};
  };
  Peer peer = s.connect();
  peer.send("x");
  s.until([&] { return !s.script.delivered.empty(); });
  s.pass(100'000);
  EXPECT_TRUE(s.script.closed.empty());
}

// ---- bounds

TEST(Bounds, MoreConnectionsThanAllowedAreClosedAtOnce) {
  Stepped s({.connections = 2});
  Peer first = s.connect();
  Peer second = s.connect();
  Peer third(s.port);
  s.until([&] { return third.ended(); });
  EXPECT_EQ(s.server->shared().refused, 1U);
  EXPECT_EQ(s.acceptor.accepted.size(), 2U);
  second.close();
  s.until([&] { return !s.script.closed.empty(); });
  Peer fourth = s.connect();  // there is room again
  EXPECT_EQ(s.server->shared().connections, 2U);
}

TEST(Bounds, UnreadBytesBeyondTheBoundEndTheConnection) {
  Stepped s({.in_max = 100'000});
  s.script.on_bytes = [](Connection&, Bytes) { return std::size_t{0}; };
  Peer peer = s.connect();
  const std::string much(300'000, 'x');
  std::size_t sent = 0;
  s.until([&] {
    sent += peer.send(std::string_view(much).substr(sent));
    return !s.script.closed.empty();
  });
  EXPECT_EQ(s.script.closed, std::vector{CloseReason::kInTooLong});
}

TEST(Bounds, WhenMemoryIsShortOnlyWhoHoldsMuchIsNotReadFrom) {
  Stepped s({.total = 1U << 20});
  s.script.on_bytes = [](Connection&, Bytes bytes) {
    return as_text(bytes).starts_with("ok") ? bytes.size() : std::size_t{0};
  };
  std::vector<Peer> hogs;
  for (int i = 0; i < 4; ++i) hogs.push_back(s.connect());
  Peer modest = s.connect();
  const std::string much(2U << 20, 'x');
  for (int round = 0; round < 200; ++round) {
    for (Peer& hog : hogs) hog.send(much);
    s.tick();
  }
  // Four hogs offer 2 MiB and more each; they end up near the total, plus one step of growth.
  EXPECT_GT(s.server->shared().bytes, 1U << 20);
  EXPECT_LT(s.server->shared().bytes, 4U << 20);
  const std::size_t before = s.script.delivered.size();
  modest.send("ok");
  s.until([&] { return s.script.delivered.size() > before; });
  EXPECT_EQ(s.script.delivered.back(), "ok");
  // The hogs' frames never complete: their deadline frees the memory.
  s.pass(80'000);
  EXPECT_EQ(std::count(s.script.closed.begin(), s.script.closed.end(), CloseReason::kFrameTooSlow),
            4);
  EXPECT_EQ(s.server->shared().bytes, 0U);
}

TEST(Bounds, ReadingGoesOnWhenMemoryIsBack) {
  Stepped s({.total = 256U << 10});
  bool done = false;
  s.script.on_bytes = [&](Connection&, Bytes bytes) { return done ? bytes.size() : 0; };
  Peer a = s.connect();
  Peer b = s.connect();
  const std::string much(1U << 20, 'x');
  for (int round = 0; round < 100; ++round) {
    a.send(much);
    b.send(much);
    s.tick();
  }
  const std::size_t stalled = s.script.delivered.size();
  s.tick();
  EXPECT_EQ(s.script.delivered.size(), stalled);
  a.reset();  // its buffer goes
  done = true;
  s.until([&] { return s.script.delivered.size() > stalled + 1; });
}

TEST(Bounds, AnIdleConnectionHoldsNoBuffer) {
  Stepped s;
  std::vector<Peer> peers;
  s.script.on_bytes = [](Connection& connection, Bytes bytes) {
    connection.write(bytes);
    return bytes.size();
  };
  for (int i = 0; i < 100; ++i) {
    peers.push_back(s.connect());
    peers.back().send("hello");
  }
  s.until([&] { return s.script.delivered.size() == 100; });
  s.tick();
  EXPECT_EQ(s.server->shared().bytes, 0U);
  EXPECT_EQ(s.loop().stats().connections, 100U);
}

// ---- proxy

TEST(Proxy, TheHeaderNamesThePeerAndIsTakenOff) {
  Stepped s;
  Peer peer = s.connect();
  peer.send("PROXY TCP4 192.0.2.7 10.0.");
  s.until([&] { return s.loop().stats().bytes_in == 26; });
  EXPECT_TRUE(s.script.delivered.empty());
  peer.send("0.1 4711 10911\r\nhello");
  s.until([&] { return !s.script.delivered.empty(); });
  EXPECT_EQ(s.script.delivered, std::vector<std::string>{"hello"});
  EXPECT_EQ(s.connection().peer().to_string(), "192.0.2.7:4711");
  EXPECT_TRUE(s.connection().socket_peer().is_loopback());
  peer.send("PROXY TCP4 ");  // only at the beginning
  s.until([&] { return s.script.delivered.size() == 2; });
}

TEST(Proxy, ABadHeaderEndsTheConnection) {
  Stepped s;
  Peer peer = s.connect();
  peer.send("PROXY nonsense\r\n");
  s.until([&] { return !s.script.closed.empty(); });
  EXPECT_EQ(s.script.closed, std::vector{CloseReason::kBadBytes});
}

TEST(Proxy, AHalfHeaderEndsByItsDeadline) {
  Stepped s;
  Peer peer = s.connect();
  peer.send("PRO");
  s.until([&] { return s.loop().stats().bytes_in == 3; });
  s.pass(34'000);
  EXPECT_EQ(s.script.closed, std::vector{CloseReason::kFrameTooSlow});
}

TEST(Proxy, IsDataWhereItIsOff) {
  Stepped s({}, {.proxy_protocol = false});
  Peer peer = s.connect();
  peer.send("PROXY x\r\n");
  s.until([&] { return !s.script.delivered.empty(); });
  EXPECT_EQ(s.script.delivered[0], "PROXY x\r\n");
}

// ---- outgoing

TEST(Outgoing, OpensSendsAndHears) {
  Script client;  // outlives the loop, which tells it of its end
  Stepped s;
  s.script.on_bytes = [](Connection& connection, Bytes bytes) {
    connection.write(as_bytes("pong"));
    return bytes.size();
  };
  auto connection = s.loop().connect(s.port, std::make_unique<ScriptedHandler>(client));
  ASSERT_TRUE(connection);
  (*connection)->write(as_bytes("ping"));  // before it is open
  s.until([&] { return !client.delivered.empty(); });
  EXPECT_EQ(client.opened, std::vector{*connection});
  EXPECT_EQ(s.script.delivered, std::vector<std::string>{"ping"});
  EXPECT_EQ(client.delivered, std::vector<std::string>{"pong"});
  EXPECT_EQ((*connection)->peer(), s.port);
  EXPECT_EQ((*connection)->local(), s.connection().peer());
  EXPECT_EQ(s.server->shared().connections, 1U);  // only the accepted one counts
}

TEST(Outgoing, TellsThatNobodyListens) {
  Script client;  // outlives the loop, which tells it of its end
  Stepped s;
  Address nobody;
  {
    const auto bound = listen_on(Address::loopback(0));
    nobody = bound->address;
  }
  auto connection = s.loop().connect(nobody, std::make_unique<ScriptedHandler>(client));
  if (!connection) {
    EXPECT_EQ(connection.error().code, Errc::kIo);
    return;
  }
  s.until([&] { return !client.closed.empty(); });
  EXPECT_EQ(client.closed, std::vector{CloseReason::kConnectFailed});
  EXPECT_TRUE(client.opened.empty());
}

TEST(Outgoing, GivesUpAfterItsDeadline) {
  Script client;  // outlives the loop, which tells it of its end
  Stepped s;
  // A listener whose queue is full answers nothing to the next SYN.
  Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(listen(listener.get(), 0), 0);
  const Address full = Address::loopback(local_address(listener).port);
  std::vector<Fd> fillers;
  for (int i = 0; i < 4; ++i) fillers.push_back(std::move(*start_connect(full)));
  auto connection = s.loop().connect(full, std::make_unique<ScriptedHandler>(client));
  ASSERT_TRUE(connection);
  for (int i = 0; i < 3; ++i) s.loop().run_once(1);
  EXPECT_TRUE(client.closed.empty());
  s.pass(6'000);
  EXPECT_EQ(client.closed, std::vector{CloseReason::kConnectFailed});
}

}  // namespace
}  // namespace oncemq::net
