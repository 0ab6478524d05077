#pragma once

#include <cstddef>

#include "net/connection.h"

namespace oncemq::front {

class LoopEdge;

// One connection's protocol: cuts frames, decodes headers, hands requests to the dispatcher and
// answers of clients to whoever asked. Thread rule: confined to its loop.
class Session final : public net::ConnectionHandler {
 public:
  // Requests that are being worked on (parked pulls not counted): reading stops above, and goes on
  // at half. 20,000 connections × 1,024 calls of about 100 bytes stay below the output budget.
  static constexpr std::size_t kCallsMax = 1024;

  Session(LoopEdge& edge, net::Connection& connection);

  std::size_t on_bytes(net::Connection& connection, Bytes unread) override;
  void on_close(net::Connection& connection, net::CloseReason reason) override;
  bool owes_answer() const override { return calls_ > 0; }

  net::Connection& connection() const { return connection_; }
  void call_began();
  void call_ended();

 private:
  LoopEdge& edge_;
  net::Connection& connection_;
  std::size_t calls_ = 0;
  bool paused_ = false;
};

}  // namespace oncemq::front
