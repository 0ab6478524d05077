#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "broker/faults.h"
#include "front/remoting/call.h"
#include "net/event_loop.h"
#include "wire/remoting/command.h"
#include "wire/remoting/frame.h"

namespace oncemq::front {

class LoopEdge;

// Requests of one loop that a fault "pause" holds; when it ends, each is dispatched as if it had
// just come, in their order. Thread rule: confined to the loop.
class PauseLane {
 public:
  // A loop's; what is more is not held. 32 connections with 32 requests each.
  static constexpr std::size_t kHeldMax = 1024;
  static constexpr std::size_t kHeldBytesMax = 16U << 20;
  // How often an end is looked for.
  static constexpr std::int64_t kLookMs = 20;

  PauseLane(LoopEdge& edge, broker::Faults& faults) : edge_(edge), faults_(faults) {}
  ~PauseLane();

  // The frame that the loop works on.
  void current(const wire::Frame& frame) { current_ = &frame; }
  // True: the request is held, with the call.
  bool take(Call& call, std::string_view topic, std::string_view group);
  // After everything else of the tick: what was sent again is no longer looked at.
  void tick_end() { done_.clear(); }

 private:
  struct Held {
    Call call;
    std::uint64_t fault = 0;
    std::string header;
    std::string body;
  };

  void look();
  void wait();

  LoopEdge& edge_;
  broker::Faults& faults_;
  const wire::Frame* current_ = nullptr;
  std::deque<Held> held_;
  std::size_t bytes_ = 0;
  // Sent again in this tick: batches refer to their bytes until its end.
  std::deque<Held> done_;
  wire::Command command_;
  net::TimerId timer_{};
};

}  // namespace oncemq::front
