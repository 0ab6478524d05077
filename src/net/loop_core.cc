#include "net/loop_core.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string>
#include <system_error>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"

namespace oncemq::net {
namespace {

// Written by the loop alone, read by anybody: no read-modify-write instruction is needed.
template <class T>
void bump(std::atomic<T>& counter, T by) {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

epoll_event event_for(std::uint32_t events, Pollable* who) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = who;
  return event;
}

}  // namespace

struct LoopCore::Events {
  std::array<epoll_event, kEvents> ready{};
};

LoopCore::LoopCore(EventLoop& loop, std::uint32_t index, const os::Clock& clock, Shared& shared)
    : loop_(loop),
      index_(index),
      clock_(clock),
      shared_(shared),
      pool_(shared.limits.pool_keep),
      events_(std::make_unique<Events>()) {
  refresh_now();
}

LoopCore::~LoopCore() {
  close_all();
}

Status LoopCore::open() {
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  waker_ = Fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  // Edge-triggered: every write wakes, and nobody has to read the counter back.
  if (!epoll_ || !waker_ || !watch(waker_, EPOLLIN | EPOLLET, nullptr))
    return fail(Errc::kBusy, std::string("event loop: ") + std::generic_category().message(errno));
  return {};
}

bool LoopCore::watch(const Fd& fd, std::uint32_t events, Pollable* who) {
  epoll_event event = event_for(events, who);
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) == 0;
}

void LoopCore::rewatch(const Fd& fd, std::uint32_t events, Pollable* who) {
  epoll_event event = event_for(events, who);
  ONCE_CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd.get(), &event) == 0);
}

// ---- the tick

bool LoopCore::run_once(int wait_ms) {
  if (owner_.load(std::memory_order_relaxed) == std::thread::id())
    owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  wait(wait_ms);
  refresh_now();
  ++tick_;
  bump<std::uint64_t>(ticks_, 1);
  read_all();
  run_tasks();
  run_timers();
  for (std::size_t i = 0; i < hooks_.size(); ++i) hooks_[i]->on_tick_end();
  finish_tick();
  return !stopped_.load(std::memory_order_acquire);
}

int LoopCore::timeout(int wait_ms) {
  if (!ready_.empty() || !dirty_.empty() || !touched_.empty() || !closing_.empty()) return 0;
  if (timers_.empty() || wait_ms == 0) return wait_ms;
  const std::int64_t left =
      std::clamp<std::int64_t>(timers_.next_deadline_ms() - clock_.monotonic_ms(), 0, 1 << 30);
  return wait_ms < 0 ? static_cast<int>(left)
                     : static_cast<int>(std::min<std::int64_t>(left, wait_ms));
}

void LoopCore::wait(int wait_ms) {
  int limit = timeout(wait_ms);
  if (limit != 0) {
    sleeping_.store(true, std::memory_order_seq_cst);
    if (wanted_.load(std::memory_order_seq_cst)) limit = 0;
  }
  if (tick_by_ns_ == INT64_MAX || limit == 0) {
    events_ready_ = epoll_wait(epoll_.get(), events_->ready.data(), kEvents, limit);
  } else {
    std::int64_t left_ns = std::max<std::int64_t>(tick_by_ns_ - clock_.monotonic_ns(), 0);
    if (limit > 0) left_ns = std::min(left_ns, std::int64_t{limit} * 1'000'000);
    const timespec left{.tv_sec = left_ns / 1'000'000'000, .tv_nsec = left_ns % 1'000'000'000};
    events_ready_ = epoll_pwait2(epoll_.get(), events_->ready.data(), kEvents, &left, nullptr);
  }
  tick_by_ns_ = INT64_MAX;
  sleeping_.store(false, std::memory_order_seq_cst);
  ONCE_CHECK(events_ready_ >= 0 || errno == EINTR);
}

void LoopCore::read_all() {
  for (int i = 0; i < events_ready_; ++i) {
    const epoll_event& event = events_->ready[static_cast<std::size_t>(i)];
    if (event.data.ptr != nullptr) static_cast<Pollable*>(event.data.ptr)->on_events(event.events);
  }
  scratch_.swap(ready_);
  for (SocketConnection* connection : scratch_) {
    connection->listed.ready = false;
    connection->redeliver();
  }
  scratch_.clear();
}

void LoopCore::run_tasks() {
  if (!wanted_.exchange(false, std::memory_order_seq_cst)) return;
  {
    const MutexLock lock(mutex_);
    tasks_.swap(posted_);
  }
  for (Task& task : tasks_) task();
  tasks_.clear();
}

void LoopCore::run_timers() {
  // A timer that adds another one which is already due must not keep the tick from ending.
  for (std::size_t left = timers_.size();
       left > 0 && !timers_.empty() && timers_.next_deadline_ms() <= now_ms(); --left) {
    Task task = timers_.pop();
    task();
  }
}

void LoopCore::finish_tick() {
  // Output first: closing after a flush and congestion that is over show there. Handlers run only
  // in end_closing; what they write then waits for the next tick, which follows at once.
  scratch_.swap(dirty_);
  for (SocketConnection* connection : scratch_) {
    connection->listed.dirty = false;
    connection->flush();
    if (!connection->listed.touched) connection->account();
  }
  scratch_.clear();
  scratch_.swap(touched_);
  for (SocketConnection* connection : scratch_) {
    connection->listed.touched = false;
    connection->end_input();
    connection->account();
  }
  scratch_.clear();
  if (!closing_.empty()) end_closing();
  if (!starved_.empty()) relieve_starved();
}

void LoopCore::end_closing() {
  for (std::size_t i = 0; i < closing_.size(); ++i) closing_[i]->end();
  List ended;
  ended.swap(closing_);
  for (SocketConnection* connection : ended) release(*connection);
}

void LoopCore::relieve_starved() {
  if (shared_.bytes.load(std::memory_order_relaxed) > shared_.limits.total) return;
  scratch_.swap(starved_);
  for (SocketConnection* connection : scratch_) {
    connection->listed.starved = false;
    connection->relieve();
  }
  scratch_.clear();
}

void LoopCore::refresh_now() {
  const std::int64_t now_ns = clock_.monotonic_ns();
  now_ns_.store(now_ns, std::memory_order_relaxed);
  now_ms_.store(now_ns / 1'000'000, std::memory_order_relaxed);
}

// ---- other threads

void LoopCore::post(Task task) {
  {
    const MutexLock lock(mutex_);
    posted_.push_back(std::move(task));
  }
  wake();
}

void LoopCore::wake() {
  wanted_.store(true, std::memory_order_seq_cst);
  if (!sleeping_.exchange(false, std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(waker_.get(), &one, sizeof one);
}

void LoopCore::stop() {
  stopped_.store(true, std::memory_order_release);
  wake();
}

bool LoopCore::in_loop() const {
  const std::thread::id owner = owner_.load(std::memory_order_relaxed);
  return owner == std::thread::id() || owner == std::this_thread::get_id();
}

LoopStats LoopCore::stats() const {
  return {.ticks = ticks_.load(std::memory_order_relaxed),
          .reads = reads_.load(std::memory_order_relaxed),
          .bytes_in = bytes_in_.load(std::memory_order_relaxed),
          .writes = writes_.load(std::memory_order_relaxed),
          .bytes_out = bytes_out_.load(std::memory_order_relaxed),
          .connections = open_.load(std::memory_order_relaxed)};
}

void LoopCore::count_read(std::size_t bytes) {
  bump<std::uint64_t>(reads_, 1);
  bump<std::uint64_t>(bytes_in_, bytes);
}

void LoopCore::count_write(std::size_t bytes) {
  bump<std::uint64_t>(writes_, 1);
  bump<std::uint64_t>(bytes_out_, bytes);
}

// ---- connections

SocketConnection& LoopCore::make(Fd fd, const SocketConnection::Origin& origin) {
  std::uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  Slot& place = slots_[slot];
  place.accepted = !origin.outgoing;
  const ConnectionRef ref{.loop = index_, .slot = slot, .generation = place.generation};
  place.connection = std::make_unique<SocketConnection>(*this, ref, std::move(fd), origin);
  bump<std::size_t>(open_, 1);
  if (!std::exchange(sweeping_, true))
    timers_.add(now_ms() + limits().sweep_ms, [this] { sweep(); });
  return *place.connection;
}

void LoopCore::release(SocketConnection& connection) {
  // It may still stand in a list of the tick to come.
  std::erase(dirty_, &connection);
  std::erase(touched_, &connection);
  std::erase(ready_, &connection);
  std::erase(starved_, &connection);
  Slot& place = slots_[connection.ref().slot];
  free_slots_.push_back(connection.ref().slot);
  if (++place.generation == 0) place.generation = 1;
  if (place.accepted) {
    shared_.connections.fetch_sub(1, std::memory_order_relaxed);
    assigned_.fetch_sub(1, std::memory_order_relaxed);
  }
  bump<std::size_t>(open_, std::size_t{0} - 1);
  place.connection.reset();
}

void LoopCore::adopt(Accepted accepted, Acceptor& acceptor, bool proxy_header) {
  SocketConnection& connection = make(std::move(accepted.fd), {.peer = accepted.peer,
                                                               .local = accepted.local,
                                                               .outgoing = false,
                                                               .proxy_header = proxy_header});
  const bool started = connection.start(acceptor.on_accept(connection));
  if (!started || draining_) connection.close(CloseReason::kStopping);
}

Result<Connection*> LoopCore::connect(const Address& to,
                                      std::unique_ptr<ConnectionHandler> handler) {
  auto fd = start_connect(to);
  if (!fd) return fail(std::move(fd.error()));
  SocketConnection& connection = make(std::move(*fd), {.peer = to, .outgoing = true});
  if (!connection.start(std::move(handler))) connection.close(CloseReason::kConnectFailed);
  return &connection;
}

Connection* LoopCore::find(ConnectionRef ref) const {
  if (!ref || ref.loop != index_ || ref.slot >= slots_.size()) return nullptr;
  const Slot& place = slots_[ref.slot];
  if (place.generation != ref.generation || !place.connection || place.connection->closing())
    return nullptr;
  return place.connection.get();
}

void LoopCore::sweep() {
  std::size_t alive = 0;
  for (Slot& place : slots_) {
    if (!place.connection) continue;
    ++alive;
    place.connection->sweep(now_ms());
  }
  sweeping_ = alive > 0;
  if (sweeping_) timers_.add(now_ms() + limits().sweep_ms, [this] { sweep(); });
}

void LoopCore::drain() {
  draining_ = true;
  for (Slot& place : slots_)
    if (place.connection) place.connection->drain();
}

std::size_t LoopCore::owing() const {
  return static_cast<std::size_t>(std::ranges::count_if(slots_, [](const Slot& place) {
    return place.connection && place.connection->owes_output();
  }));
}

void LoopCore::close_all() {
  for (Slot& place : slots_)
    if (place.connection) place.connection->close(CloseReason::kStopping);
  end_closing();
  {
    const MutexLock lock(mutex_);
    tasks_.swap(posted_);
  }
  tasks_.clear();  // not run: what they own is given back
}

}  // namespace oncemq::net
