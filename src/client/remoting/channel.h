#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "base/bytes.h"
#include "base/result.h"
#include "client/remoting/answer.h"
#include "net/event_loop.h"
#include "wire/remoting/command.h"

namespace oncemq::client {

using OnAnswer = std::function<void(Result<Answer>)>;
// What the other side asks; views of the command end with the call.
using OnRequest = std::function<void(net::Connection&, const wire::Command&)>;

// One connection to one address and the requests that wait on it. Thread rule: confined to its
// loop.
class Channel final : public net::ConnectionHandler {
 public:
  // `on_gone` is called once, when the connection has ended. Without `on_request` requests of the
  // other side are passed over.
  Channel(net::EventLoop& loop, std::string address, std::function<void(Channel&)> on_gone,
          OnRequest on_request);

  const std::string& address() const { return address_; }
  void attach(net::Connection& connection) { connection_ = &connection; }
  // `frame` is sent as it stands; `on_answer` is called exactly once: with the answer, or kIo when
  // the time is over or the connection ended.
  void send(std::int32_t opaque, Bytes frame, std::int64_t timeout_ms, OnAnswer on_answer);
  void send_oneway(Bytes frame) { connection_->write(frame); }
  void close() { connection_->close(net::CloseReason::kDone); }

  std::size_t on_bytes(net::Connection& connection, Bytes unread) override;
  void on_close(net::Connection& connection, net::CloseReason reason) override;

 private:
  struct Waiting {
    OnAnswer on_answer;
    net::TimerId timer;
  };
  void answer(std::int32_t opaque, Result<Answer> result);

  net::EventLoop& loop_;
  const std::string address_;
  std::function<void(Channel&)> on_gone_;
  const OnRequest on_request_;
  net::Connection* connection_ = nullptr;
  wire::Command command_;
  // Bounded by whoever sends: each entry is a caller that waits, and leaves after its timeout.
  std::unordered_map<std::int32_t, Waiting> waiting_;
};

}  // namespace oncemq::client
