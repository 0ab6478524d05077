#include "client/remoting/channel.h"

#include <utility>

#include "client/remoting/frames.h"

namespace oncemq::client {

Channel::Channel(net::EventLoop& loop, std::string address, std::function<void(Channel&)> on_gone,
                 OnRequest on_request)
    : loop_(loop),
      address_(std::move(address)),
      on_gone_(std::move(on_gone)),
      on_request_(std::move(on_request)) {}

void Channel::send(std::int32_t opaque, Bytes frame, std::int64_t timeout_ms, OnAnswer on_answer) {
  const net::TimerId timer =
      loop_.add_timer(loop_.now_ms() + timeout_ms, [this, opaque, timeout_ms] {
        waiting_[opaque].timer = {};
        answer(opaque, fail(Errc::kIo, "no answer from " + address_ + " within " +
                                           std::to_string(timeout_ms) + " ms"));
      });
  waiting_.insert_or_assign(opaque, Waiting{std::move(on_answer), timer});
  connection_->write(frame);
}

void Channel::answer(std::int32_t opaque, Result<Answer> result) {
  const auto found = waiting_.find(opaque);
  if (found == waiting_.end()) return;  // came after its time
  const Waiting waiting = std::move(found->second);
  waiting_.erase(found);
  loop_.cancel(waiting.timer);
  waiting.on_answer(std::move(result));
}

std::size_t Channel::on_bytes(net::Connection& connection, Bytes unread) {
  return take_frames(connection, unread, [&](const wire::Frame& frame, Bytes bytes) {
    const Status decoded = command_.decode(frame);
    if (!decoded) {
      connection.close(net::CloseReason::kBadBytes);
    } else if (command_.is_response()) {
      answer(command_.opaque, Answer::copy_of(bytes));
    } else if (on_request_) {
      on_request_(connection, command_);
    }
  });
}

void Channel::on_close(net::Connection&, net::CloseReason reason) {
  on_gone_(*this);
  const std::string why =
      "connection to " + address_ + " ended: " + std::string(net::close_reason_name(reason));
  while (!waiting_.empty()) answer(waiting_.begin()->first, fail(Errc::kIo, why));
}

}  // namespace oncemq::client
