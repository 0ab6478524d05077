#include "front/remoting/pause_lane.h"

#include <utility>

#include "base/check.h"
#include "front/remoting/dispatch.h"
#include "front/remoting/loop_edge.h"

namespace oncemq::front {

PauseLane::~PauseLane() {
  for (Held& held : held_) held.call.abandon();
}

bool PauseLane::take(Call& call, std::string_view topic, std::string_view group) {
  const std::size_t size = current_->header.size() + current_->body.size();
  if (held_.size() >= kHeldMax || bytes_ + size > kHeldBytesMax) return false;
  const auto fault = faults_.pauses(topic, group);
  if (!fault) return false;
  call.park();
  held_.push_back({.call = std::move(call),
                   .fault = *fault,
                   .header = std::string(as_text(current_->header)),
                   .body = std::string(as_text(current_->body))});
  bytes_ += size;
  wait();
  return true;
}

void PauseLane::wait() {
  if (timer_ || held_.empty()) return;
  timer_ = edge_.loop().add_timer(edge_.loop().now_ms() + kLookMs, [this] {
    timer_ = {};
    look();
    wait();
  });
}

void PauseLane::look() {
  // Those that another pause takes are put behind.
  for (std::size_t left = held_.size(); left > 0; --left) {
    Held held = std::move(held_.front());
    held_.pop_front();
    Session* const session = edge_.find(held.call.connection());
    if (session != nullptr && faults_.pausing(held.fault)) {
      held_.push_back(std::move(held));
      continue;
    }
    bytes_ -= held.header.size() + held.body.size();
    if (session == nullptr) {
      held.call.abandon();
      continue;
    }
    done_.push_back(std::move(held));
    Held& again = done_.back();
    const wire::Frame frame{
        .kind = again.call.kind(), .header = as_bytes(again.header), .body = as_bytes(again.body)};
    ONCE_CHECK(command_.decode(frame).has_value(), "it was decoded before");
    current(frame);
    again.call.resume();
    redispatch(edge_, std::move(again.call), *session, command_);
  }
}

}  // namespace oncemq::front
