#pragma once

// Helpers of this folder's tests: the other side of a remoting connection.

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "client/remoting/frames.h"
#include "net/server.h"
#include "wire/remoting/command.h"
#include "wire/remoting/header.h"
#include "wire/remoting/schema.h"

namespace oncemq::client {

// Gives each request to a function, on the server's loop.
using Serve = std::function<void(net::Connection&, const wire::Command&)>;

class FakeBroker final : public net::Acceptor {
 public:
  explicit FakeBroker(Serve serve) : serve_(std::move(serve)) {}

  std::unique_ptr<net::ConnectionHandler> on_accept(net::Connection&) override {
    ++accepted;
    return std::make_unique<Handler>(serve_);
  }
  int accepted = 0;

 private:
  struct Handler final : net::ConnectionHandler {
    explicit Handler(Serve& serve_with) : serve(serve_with) {}
    std::size_t on_bytes(net::Connection& connection, Bytes unread) override {
      return take_frames(connection, unread, [&](const wire::Frame& frame, Bytes) {
        ASSERT_TRUE(command.decode(frame));
        serve(connection, command);
      });
    }
    void on_close(net::Connection&, net::CloseReason) override {}
    Serve& serve;
    wire::Command command;
  };
  Serve serve_;
};

inline void answer(net::Connection& connection, const wire::Command& request, std::int32_t code,
                   std::string_view remark = {}, std::string_view body = {}) {
  std::string frame;
  wire::append_frame(frame, request.kind,
                     {.code = code,
                      .opaque = request.opaque,
                      .flag = wire::Command::kFlagResponse,
                      .remark = remark},
                     as_bytes(body));
  connection.write(as_bytes(frame));
}

template <class Request>
void answer_with(net::Connection& connection, const wire::Command& request,
                 const typename Request::Reply& reply, std::string_view body = {},
                 std::int32_t code = 0) {
  std::string frame;
  wire::encode_reply(frame, request.kind, {.code = code, .opaque = request.opaque}, reply,
                     body.size());
  frame += body;
  connection.write(as_bytes(frame));
}

}  // namespace oncemq::client
