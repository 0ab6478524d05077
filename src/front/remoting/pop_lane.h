#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker/broker.h"
#include "front/remoting/call.h"
#include "model/live_settings.h"
#include "net/event_loop.h"
#include "wire/remoting/schema/pop.h"

namespace oncemq::front {

// Answers to pops, acks and changes of one loop, held until their operations are committed. At the
// end of a tick all loops' operations go into the log together. Thread rule: confined to the loop,
// except committed().
class PopLane {
 public:
  struct Found {
    wire::PopReply numbers;
    std::string start_offsets;
    std::string message_offsets;
    std::string order_counts;
    std::vector<store::LogSpan> spans;
  };
  struct Acked {};
  using Answer = std::variant<Acked, wire::ChangeInvisibleTime::Reply, Found>;

  PopLane(LoopEdge& edge, broker::Broker& broker, const store::MessageStore& store,
          const model::LiveSettings& settings);

  void hold(Call call, std::uint64_t operation, Answer answer);
  void tick_end();
  // The store's mark advanced; any thread.
  void committed();

 private:
  struct Held {
    Call call;
    std::uint64_t operation = 0;
    std::int64_t end = 0;  // log offset that must be passed; INT64_MAX: not in the log yet
    std::int64_t deadline_ms = 0;
    Answer answer;
  };

  static void give(Held& held);
  void release();

  LoopEdge& edge_;
  broker::Broker& broker_;
  const store::MessageStore& store_;
  const model::LiveSettings& settings_;
  std::deque<Held> held_;  // oldest first; ends and deadlines only grow
  std::atomic<std::int64_t> next_{INT64_MAX};
  net::TimerId timer_{};
};

}  // namespace oncemq::front
