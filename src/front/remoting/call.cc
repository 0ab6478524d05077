#include "front/remoting/call.h"

#include <utility>

#include "base/check.h"
#include "front/remoting/answer_code.h"
#include "front/remoting/loop_edge.h"

namespace oncemq::front {
namespace {

// Below this a copy costs less than a reference with its pin.
constexpr std::size_t kCopyMax = 1024;

}  // namespace

Call::Call(LoopEdge& edge, net::ConnectionRef connection, const wire::Command& command,
           std::size_t metric)
    : edge_(&edge),
      connection_(connection),
      opaque_(command.opaque),
      metric_(static_cast<std::uint8_t>(metric)),
      kind_(command.kind),
      oneway_(command.is_oneway()) {}

Call::Call(Call&& other) noexcept
    : edge_(std::exchange(other.edge_, nullptr)),
      connection_(other.connection_),
      opaque_(other.opaque_),
      metric_(other.metric_),
      kind_(other.kind_),
      oneway_(other.oneway_),
      parked_(other.parked_) {}

Call& Call::operator=(Call&& other) noexcept {
  if (this != &other) {
    this->~Call();
    ::new (this) Call(std::move(other));
  }
  return *this;
}

Call::~Call() {
  if (edge_ == nullptr || edge_->ended()) return;
#ifdef NDEBUG
  refuse(wire::ResponseCode::kSystemError, "the request was not answered");
#else
  ONCE_CHECK(oneway_, "a request was dropped without an answer");
  end();
#endif
}

void Call::count(wire::ResponseCode code) const {
  if (code != wire::ResponseCode::kSuccess) edge_->metrics().answered(metric_, wire::number(code));
}

void Call::refuse(const Error& error) {
  respond(answer_code(error.code), error.message, {});
}

void Call::respond(wire::ResponseCode code, std::string_view remark, std::string_view body) {
  respond(code, remark, wire::NoFields{}, body);
}

void Call::park() {
  if (parked_) return;
  parked_ = true;
  if (Session* session = edge_->find(connection_)) session->call_ended();
}

void Call::resume() {
  if (!parked_) return;
  parked_ = false;
  if (Session* session = edge_->find(connection_)) session->call_began();
}

void Call::send(std::string frame, Bytes body) {
  if (edge_->ended()) return;
  if (edge_->loop().in_loop()) {
    if (Session* session = edge_->find(connection_)) {
      session->connection().write(as_bytes(frame));
      if (!body.empty()) session->connection().write(body);
    }
    return;
  }
  frame.append(as_text(body));
  edge_->loop().post([edge = edge_, connection = connection_, bytes = std::move(frame)] {
    if (Session* session = edge->find(connection)) session->connection().write(as_bytes(bytes));
  });
}

void Call::send_records(std::string frame, std::span<const store::LogSpan> spans) {
  ONCE_CHECK(edge_->loop().in_loop(), "records are written on the connection's loop");
  Session* session = edge_->find(connection_);
  if (session == nullptr) return;
  net::Connection& connection = session->connection();
  connection.write(as_bytes(frame));
  for (const store::LogSpan& span : spans) {
    if (span.bytes.size() < kCopyMax)
      connection.write(span.bytes);
    else
      connection.write_pinned(span.bytes, span.pin);
  }
}

void Call::end() {
  LoopEdge* edge = std::exchange(edge_, nullptr);
  if (parked_ || edge->ended()) return;
  if (edge->loop().in_loop()) {
    if (Session* session = edge->find(connection_)) session->call_ended();
    return;
  }
  edge->loop().post([edge, connection = connection_] {
    if (Session* session = edge->find(connection)) session->call_ended();
  });
}

}  // namespace oncemq::front
