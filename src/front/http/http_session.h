#pragma once

#include <cstddef>
#include <cstdint>

#include "front/http/request.h"
#include "front/http/response.h"
#include "net/connection.h"
#include "net/event_loop.h"

namespace oncemq::front {

// The right to answer one request, once; an answer to a connection that is gone goes nowhere.
// Thread rule: confined to the loop.
class HttpReply {
 public:
  HttpReply(net::EventLoop& loop, net::ConnectionRef connection)
      : loop_(&loop), connection_(connection) {}
  void send(const HttpResponse& response) const;

 private:
  net::EventLoop* loop_;
  net::ConnectionRef connection_;
};

// What stands behind the edge. Thread rule: confined to the loop.
class HttpService {
 public:
  virtual ~HttpService() = default;
  // Answers now or, on the same loop, later.
  virtual void serve(const HttpRequest& request, HttpReply reply) = 0;
  // Every answer, also those the edge gives itself.
  virtual void answered(int status) = 0;
};

// One connection: requests in, one answer each, in order. The next request is looked at when the
// last one has its answer. Thread rule: confined to its loop.
class HttpSession final : public net::ConnectionHandler {
 public:
  HttpSession(HttpService& service, net::Connection& connection)
      : service_(service), connection_(connection) {}

  std::size_t on_bytes(net::Connection& connection, Bytes unread) override;
  void on_close(net::Connection&, net::CloseReason) override {}
  bool owes_answer() const override { return waiting_; }

  void respond(const HttpResponse& response);

 private:
  void write(const HttpResponse& response, bool close, bool with_body);

  HttpService& service_;
  net::Connection& connection_;
  HttpParser parser_;
  bool waiting_ = false;  // the last request has no answer yet
  bool paused_ = false;
  bool head_only_ = false;
  bool keep_alive_ = false;
  bool ended_ = false;  // the last answer was written
};

}  // namespace oncemq::front
