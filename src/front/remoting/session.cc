#include "front/remoting/session.h"

#include "base/check.h"
#include "front/remoting/loop_edge.h"
#include "wire/remoting/frame.h"

namespace oncemq::front {

Session::Session(LoopEdge& edge, net::Connection& connection)
    : edge_(edge), connection_(connection) {
  edge_.add(*this);
}

std::size_t Session::on_bytes(net::Connection& connection, Bytes unread) {
  std::size_t consumed = 0;
  while (consumed < unread.size() && !paused_ && !connection.congested() && !connection.closing()) {
    const Bytes rest = unread.subspan(consumed);
    const wire::Cut cut = wire::cut_frame(rest);
    if (cut.state == wire::Cut::State::kBad) {
      edge_.bad_frame(connection);
      connection.close(net::CloseReason::kBadBytes);
      return consumed;
    }
    if (cut.state == wire::Cut::State::kIncomplete) {
      connection.expect(cut.size);
      return consumed;
    }
    consumed += cut.size;
    if (!edge_.on_frame(*this, cut.frame)) {
      connection.close(net::CloseReason::kBadBytes);
      return consumed;
    }
  }
  return consumed;
}

void Session::on_close(net::Connection&, net::CloseReason) {
  edge_.remove(*this);
}

void Session::call_began() {
  ++calls_;
  if (calls_ >= kCallsMax && !paused_) {
    paused_ = true;
    connection_.pause_reading();
  }
}

void Session::call_ended() {
  ONCE_CHECK(calls_ > 0, "a call ended twice");
  --calls_;
  if (paused_ && calls_ <= kCallsMax / 2) {
    paused_ = false;
    connection_.resume_reading();
  }
}

}  // namespace oncemq::front
