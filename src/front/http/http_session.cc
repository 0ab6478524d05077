#include "front/http/http_session.h"

#include <string>

namespace oncemq::front {

void HttpReply::send(const HttpResponse& response) const {
  // A connection that is closing is not found, and one of this loop has a handler of ours.
  if (net::Connection* connection = loop_->find(connection_))
    static_cast<HttpSession&>(connection->handler()).respond(response);
}

std::size_t HttpSession::on_bytes(net::Connection& connection, Bytes unread) {
  std::size_t consumed = 0;
  while (consumed < unread.size() && !waiting_ && !ended_ && !connection.congested()) {
    switch (parser_.feed(unread.subspan(consumed))) {
      case HttpParser::State::kIncomplete:
        return consumed;
      case HttpParser::State::kRefused: {
        const HttpParser::Refusal& refusal = parser_.refusal();
        write(HttpResponse::text(refusal.status, std::string(refusal.reason) + "\n"), true, true);
        break;
      }
      case HttpParser::State::kComplete:
        break;
    }
    if (ended_) break;
    consumed += parser_.size();
    HttpRequest request = parser_.take();
    request.peer = connection.socket_peer();
    head_only_ = request.method == HttpMethod::kHead;
    keep_alive_ = request.keep_alive;
    waiting_ = true;
    service_.serve(request, HttpReply(connection.loop(), connection.ref()));
  }
  // What follows the last request of a connection is nobody's.
  if (ended_) return unread.size();
  if (waiting_ && !paused_) {
    paused_ = true;
    connection.pause_reading();
  }
  return consumed;
}

void HttpSession::respond(const HttpResponse& response) {
  if (!waiting_) return;
  waiting_ = false;
  write(response, !keep_alive_, !head_only_);
  if (paused_) {
    paused_ = false;
    connection_.resume_reading();
  }
}

void HttpSession::write(const HttpResponse& response, bool close, bool with_body) {
  service_.answered(response.status);
  connection_.write(as_bytes(encode_head(response, close)));
  if (with_body) connection_.write(as_bytes(response.body));
  if (!close) return;
  ended_ = true;
  connection_.close_after_flush();
}

}  // namespace oncemq::front
