#include "net/event_loop.h"

#include <utility>

#include "net/loop_core.h"

namespace oncemq::net {

Result<std::unique_ptr<EventLoop>> EventLoop::open(std::uint32_t index, const os::Clock& clock,
                                                   Shared& shared) {
  std::unique_ptr<EventLoop> loop(new EventLoop(index, clock, shared));
  ONCE_TRY(loop->core_->open());
  return loop;
}

EventLoop::EventLoop(std::uint32_t index, const os::Clock& clock, Shared& shared)
    : core_(std::make_unique<LoopCore>(*this, index, clock, shared)) {}
EventLoop::~EventLoop() = default;

std::uint32_t EventLoop::index() const {
  return core_->index();
}
const os::Clock& EventLoop::clock() const {
  return core_->clock();
}
const Limits& EventLoop::limits() const {
  return core_->limits();
}
std::int64_t EventLoop::now_ms() const {
  return core_->now_ms();
}
std::int64_t EventLoop::now_ns() const {
  return core_->now_ns();
}

void EventLoop::run() {
  while (core_->run_once(-1)) {
  }
  core_->close_all();
}

bool EventLoop::run_once(int wait_ms) {
  return core_->run_once(wait_ms);
}
void EventLoop::stop() {
  core_->stop();
}
void EventLoop::post(Task task) {
  core_->post(std::move(task));
}
void EventLoop::wake() {
  core_->wake();
}
void EventLoop::tick_by(std::int64_t deadline_ns) {
  core_->tick_by(deadline_ns);
}
bool EventLoop::in_loop() const {
  return core_->in_loop();
}

TimerId EventLoop::add_timer(std::int64_t deadline_ms, Task task) {
  return {core_->timers().add(deadline_ms, std::move(task))};
}
bool EventLoop::cancel(TimerId timer) {
  return core_->timers().cancel(timer.value);
}
std::size_t EventLoop::timers() const {
  return core_->timers().size();
}

void EventLoop::add_hook(TickHook& hook) {
  core_->add_hook(hook);
}
void EventLoop::remove_hook(TickHook& hook) {
  core_->remove_hook(hook);
}
Connection* EventLoop::find(ConnectionRef ref) const {
  return core_->find(ref);
}
Result<Connection*> EventLoop::connect(const Address& to,
                                       std::unique_ptr<ConnectionHandler> handler) {
  return core_->connect(to, std::move(handler));
}
LoopStats EventLoop::stats() const {
  return core_->stats();
}

}  // namespace oncemq::net
