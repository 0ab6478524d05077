#include "front/remoting/pop_lane.h"

#include <limits>
#include <utility>

#include "front/remoting/loop_edge.h"

namespace oncemq::front {

namespace {
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
}

PopLane::PopLane(LoopEdge& edge, broker::Broker& broker, const store::MessageStore& store,
                 const model::LiveSettings& settings)
    : edge_(edge), broker_(broker), store_(store), settings_(settings) {}

void PopLane::hold(Call call, std::uint64_t operation, Answer answer) {
  held_.push_back({std::move(call), operation, kNever,
                   edge_.loop().now_ms() + settings_.get().sync_flush_timeout_ms,
                   std::move(answer)});
}

void PopLane::give(Held& held) {
  if (auto* found = std::get_if<Found>(&held.answer)) {
    found->numbers.start_offsets = found->start_offsets;
    found->numbers.message_offsets = found->message_offsets;
    found->numbers.order_counts = found->order_counts;
    held.call.records(wire::ResponseCode::kSuccess, "FOUND", found->numbers, found->spans);
  } else if (auto* changed = std::get_if<wire::ChangeInvisibleTime::Reply>(&held.answer)) {
    held.call.reply(*changed);
  } else {
    held.call.ok();
  }
}

void PopLane::release() {
  for (; !held_.empty(); held_.pop_front()) {
    Held& first = held_.front();
    if (first.end == kNever) first.end = broker_.popper().end_of(first.operation);
    // Announced before the mark is read: either committed() sees it or we see the mark.
    next_.store(first.end);
    if (first.end > store_.marks().committed().value) return;
    give(first);
  }
  next_.store(kNever);
}

void PopLane::tick_end() {
  if (held_.empty()) return;
  broker_.popper().flush();
  release();
  // The operation stands and may still reach the disk, but we cannot say so in time.
  const std::int64_t now = edge_.loop().now_ms();
  for (; !held_.empty() && held_.front().deadline_ms <= now; release()) {
    held_.front().call.refuse(
        Error{Errc::kFlushTimeout, "not durable within syncFlushTimeout, it may be done or not"});
    held_.pop_front();
  }
  if (!held_.empty() && !timer_) {
    // What is not in the log yet (the disk was full) is tried again by this tick.
    const std::int64_t again = held_.front().end == kNever ? now + 100 : held_.front().deadline_ms;
    timer_ = edge_.loop().add_timer(again, [this] { timer_ = {}; });
  }
}

void PopLane::committed() {
  if (next_.load() <= store_.marks().committed().value) edge_.loop().wake();
}

}  // namespace oncemq::front
