#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/load/load.h"
#include "client/load/send_frame.h"
#include "net/event_loop.h"

namespace oncemq::client {

struct SendLoadOptions {
  SendShape shape;
  std::vector<LoadQueue> queues;  // not empty; taken in turn by each connection
  std::uint32_t connections = 4;  // per broker
  std::uint32_t window = 32;      // requests in flight per connection, 1 ... 65535
  double rate = 0;                // messages per second altogether; 0: as fast as the windows allow
  std::uint64_t count = 0;        // messages; 0: until finish()
  // Of timers (shape.timer): they are due so long after the moment at which they should have left,
  // and spread evenly, in no order, over so many ms behind it. Their stamp is the due time.
  std::int64_t delay_ms = 0;
  std::int64_t delay_spread_ms = 0;
};

// Sends. With a rate, each request has the moment at which it should have left, and its latency
// counts from there: a broker that stalls is not spared the requests that it delayed. Without a
// rate, latency counts from the moment of writing. A half message (shape.half) is committed when it
// is acknowledged, by a second request in the same place of the window; message and latency count
// when that one is answered. Thread rule: as Load.
class SendLoad final : public Load, public net::TickHook {
 public:
  // The loop outlives the load.
  SendLoad(net::EventLoop& loop, SendLoadOptions options);
  ~SendLoad() override;

  void start() override;
  void finish() override { stopping_ = true; }
  bool finished() const override;
  const LoadCounts& counts() const override { return counts_; }
  void reset_counts() override { counts_ = {}; }
  void on_tick_end() override;

 private:
  class Line;
  bool has_more() const;
  bool may_send(std::int64_t now_ns) const;
  std::int64_t intended_ns(std::int64_t now_ns) const;
  void send_one(Line& line, std::int64_t now_ns);
  std::int64_t due_ms(std::int64_t from_ns) const;

  net::EventLoop& loop_;
  const SendLoadOptions options_;
  std::vector<SendFrame> frames_;  // one per queue
  std::vector<Line*> lines_;       // owned by their connections, which are alive
  std::size_t turn_ = 0;           // line that is asked first
  LoadCounts counts_;
  std::int64_t started_ns_ = 0;
  std::int64_t started_wall_ms_ = 0;
  std::uint64_t sent_ = 0;  // messages
  std::uint64_t in_flight_ = 0;
  bool stopping_ = false;
};

}  // namespace oncemq::client
