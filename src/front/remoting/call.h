#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/message_query.h"
#include "net/connection.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema.h"

namespace oncemq::front {

class LoopEdge;

// The right and the duty to answer one request, exactly once. It refers to its connection by name
// and so may outlive it: an answer to a connection that is gone goes nowhere. A one-way request
// gets no bytes, whatever is answered. A token that is dropped unanswered is our own mistake: it
// stops a debug build, and a release build answers "system error". Thread rule: external; answers
// may be given on any thread, records() only on the connection's loop.
class Call {
 public:
  // The session has been told of the call. `metric`: its number in EdgeMetrics.
  Call(LoopEdge& edge, net::ConnectionRef connection, const wire::Command& command,
       std::size_t metric);
  Call(Call&& other) noexcept;
  Call& operator=(Call&& other) noexcept;
  ~Call();

  LoopEdge& edge() const { return *edge_; }
  net::ConnectionRef connection() const { return connection_; }
  bool oneway() const { return oneway_; }
  wire::HeaderKind kind() const { return kind_; }
  std::int32_t opaque() const { return opaque_; }
  std::size_t metric() const { return metric_; }
  explicit operator bool() const { return edge_ != nullptr; }

  // Success without fields.
  void ok(std::string_view body = {}) { respond(wire::ResponseCode::kSuccess, {}, body); }
  // Success with fields.
  template <class Reply>
  void reply(const Reply& reply, std::string_view body = {}) {
    respond(wire::ResponseCode::kSuccess, {}, reply, body);
  }
  void refuse(const Error& error);
  void refuse(wire::ResponseCode code, std::string_view remark) { respond(code, remark, {}); }

  void respond(wire::ResponseCode code, std::string_view remark, std::string_view body);
  template <class Reply>
  void respond(wire::ResponseCode code, std::string_view remark, const Reply& reply,
               std::string_view body) {
    count(code);
    if (!oneway_) {
      std::string frame;
      wire::encode_reply(frame, kind_, start(code, remark), reply, body.size());
      send(std::move(frame), as_bytes(body));
    }
    end();
  }
  // Records from the log as body, by reference. On the connection's loop.
  template <class Reply>
  void records(wire::ResponseCode code, std::string_view remark, const Reply& reply,
               std::span<const store::LogSpan> spans) {
    count(code);
    if (!oneway_) {
      std::size_t size = 0;
      for (const store::LogSpan& span : spans) size += span.bytes.size();
      std::string frame;
      wire::encode_reply(frame, kind_, start(code, remark), reply, size);
      send_records(std::move(frame), spans);
    }
    end();
  }

  // The call waits for something that may never come (a parked pull): the connection no longer
  // counts it among the answers it owes.
  void park();
  // The wait is over, the request is worked on again.
  void resume();
  // The answer's frame is made elsewhere and written by somebody else (a held send reply): the duty
  // passes on. The connection still owes.
  void release() { edge_ = nullptr; }
  // Nobody is there any more who would read an answer.
  void abandon() { end(); }

 private:
  wire::HeaderStart start(wire::ResponseCode code, std::string_view remark) const {
    return {.code = wire::number(code), .opaque = opaque_, .remark = remark};
  }
  void count(wire::ResponseCode code) const;
  void send(std::string frame, Bytes body);
  void send_records(std::string frame, std::span<const store::LogSpan> spans);
  void end();

  LoopEdge* edge_ = nullptr;
  net::ConnectionRef connection_;
  std::int32_t opaque_ = 0;
  std::uint8_t metric_ = 0;
  wire::HeaderKind kind_ = wire::HeaderKind::kJson;
  bool oneway_ = false;
  bool parked_ = false;
};

// A decoded request as handlers see it: views that live until the handler returns.
template <class R>
struct Request {
  const typename R::Header& header;
  const wire::Command& command;
  net::Connection& connection;
};

}  // namespace oncemq::front
