#include "net/server.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/check.h"
#include "base/heap_bytes.h"
#include "base/log.h"
#include "base/mutex.h"
#include "net/loop_core.h"
#include "net/socket_connection.h"

namespace oncemq::net {
namespace {

constexpr unsigned kMostLoops = 4;
constexpr int kAcceptsPerTick = 64;  // so that a storm of connections leaves time for the others
constexpr auto kDrainLook = std::chrono::milliseconds(2);

// Counts down to zero. Thread rule: monitor.
class Countdown {
 public:
  explicit Countdown(std::size_t from) : left_(from) {}
  void down() {
    const MutexLock lock(mutex_);
    if (--left_ == 0) done_.notify_all();
  }
  void wait() {
    const MutexLock lock(mutex_);
    while (left_ > 0) done_.wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar done_;
  std::size_t left_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace

// Confined to loop 0.
class Server::Listener final : public Pollable {
 public:
  Listener(Server& server, Fd fd, Acceptor& acceptor, ListenerOptions options)
      : server_(server), fd_(std::move(fd)), acceptor_(acceptor), options_(options) {
    ONCE_CHECK(server_.core(0).watch(fd_, EPOLLIN, this));
  }

  void close() { fd_.reset(); }

  void on_events(std::uint32_t) override {
    for (int i = 0; i < kAcceptsPerTick && fd_; ++i) {
      auto accepted = accept_from(fd_);
      if (!accepted) {
        turn_away();
        return;
      }
      if (!accepted->fd) return;
      place(std::move(*accepted));
    }
  }

 private:
  void place(Accepted accepted) {
    Shared& shared = server_.shared_;
    if (shared.connections.load(std::memory_order_relaxed) >= shared.limits.connections) {
      shared.refused.fetch_add(1, std::memory_order_relaxed);
      refusals_.warn(server_.clock_.monotonic_ms(), "net",
                     "closed a new connection of {}: there are {} already",
                     accepted.peer.to_string(), shared.limits.connections);
      return;
    }
    shared.accepted.fetch_add(1, std::memory_order_relaxed);
    shared.connections.fetch_add(1, std::memory_order_relaxed);
    std::uint32_t least = 0;
    for (std::uint32_t i = 1; i < server_.loops(); ++i)
      if (server_.core(i).assigned() < server_.core(least).assigned()) least = i;
    LoopCore& core = server_.core(least);
    core.assign();
    if (least == 0) {
      core.adopt(std::move(accepted), acceptor_, options_.proxy_protocol);
      return;
    }
    core.post([&core, accepted = std::move(accepted), &acceptor = acceptor_,
               proxy = options_.proxy_protocol]() mutable {
      core.adopt(std::move(accepted), acceptor, proxy);
    });
  }

  // Out of descriptors. The waiting client would make the listener readable for ever: the spare
  // descriptor is given up for the moment that it takes to accept and close.
  void turn_away() {
    server_.shared_.refused.fetch_add(1, std::memory_order_relaxed);
    refusals_.warn(server_.clock_.monotonic_ms(), "net",
                   "closed a new connection: no file descriptor is left");
    spare_.reset();
    (void)accept_from(fd_);
    spare_ = Fd(eventfd(0, EFD_CLOEXEC));
  }

  Server& server_;
  Fd fd_;
  Acceptor& acceptor_;
  const ListenerOptions options_;
  Fd spare_{eventfd(0, EFD_CLOEXEC)};
  log::Limited refusals_{10'000};
};

Server::Server(const ServerOptions& options, const os::Clock& clock)
    : clock_(clock), name_(options.name), shared_(options.limits) {}

Result<std::unique_ptr<Server>> Server::open(const ServerOptions& options, const os::Clock& clock) {
  std::unique_ptr<Server> server(new Server(options, clock));
  const unsigned count =
      options.loops > 0 ? options.loops : std::min(os::processor_count(), kMostLoops);
  for (std::uint32_t i = 0; i < count; ++i) {
    auto loop = EventLoop::open(i, clock, server->shared_);
    if (!loop) return fail(std::move(loop.error()));
    server->loops_.push_back(std::move(*loop));
  }
  return server;
}

Server::~Server() {
  stop();
}

std::uint32_t Server::loops() const {
  return static_cast<std::uint32_t>(loops_.size());
}
EventLoop& Server::loop(std::uint32_t index) const {
  return *loops_[index];
}
LoopCore& Server::core(std::uint32_t index) const {
  return *loops_[index]->core_;
}
std::size_t Server::memory_bytes() const {
  constexpr std::size_t kOne = heap_bytes(sizeof(SocketConnection));
  return shared_.bytes.load(std::memory_order_relaxed) +
         shared_.connections.load(std::memory_order_relaxed) * kOne;
}

const Shared& Server::shared() const {
  return shared_;
}

Result<Address> Server::listen(const Address& at, Acceptor& acceptor, ListenerOptions options) {
  ONCE_CHECK(threads_.empty(), "listen before start");
  auto bound = listen_on(at);
  if (!bound) return fail(std::move(bound.error()));
  listeners_.push_back(std::make_unique<Listener>(*this, std::move(bound->fd), acceptor, options));
  return bound->address;
}

void Server::start() {
  ONCE_CHECK(threads_.empty(), "started twice");
  for (std::uint32_t i = 0; i < loops(); ++i)
    threads_.emplace_back(name_ + "-" + std::to_string(i), [this, i] { loop(i).run(); });
}

template <class F>
void Server::on_every_loop(F task) {
  Countdown countdown(loops_.size());
  for (std::uint32_t i = 0; i < loops(); ++i)
    loops_[i]->post([this, i, &task, &countdown] {
      task(core(i));
      countdown.down();
    });
  countdown.wait();
}

bool Server::drain(std::int64_t limit_ms) {
  if (threads_.empty()) return true;
  const std::int64_t deadline_ms = clock_.monotonic_ms() + limit_ms;
  on_every_loop([this](LoopCore& core) {
    if (core.index() == 0)
      for (const auto& listener : listeners_) listener->close();
    core.drain();
  });
  Mutex mutex;
  CondVar nobody;  // only a sleep that needs no clock of its own
  for (;;) {
    std::atomic<std::size_t> owing{0};
    on_every_loop([&owing](LoopCore& core) { owing += core.owing(); });
    if (owing == 0) return true;
    if (clock_.monotonic_ms() >= deadline_ms) return false;
    const MutexLock lock(mutex);
    nobody.wait_for(mutex, kDrainLook);
  }
}

void Server::stop() {
  for (const auto& loop : loops_) loop->stop();
  threads_.clear();  // joins
  for (const auto& listener : listeners_) listener->close();
}

}  // namespace oncemq::net
