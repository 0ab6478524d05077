#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/load/load.h"
#include "net/event_loop.h"

namespace oncemq::client {

struct PopLoadOptions {
  std::string topic;
  std::string group = "oncemq-bench";
  std::vector<LoadQueue> queues;  // brokers are taken from here; each pops from any of its queues
  std::uint32_t connections = 1;  // per broker, with one pop in flight each
  std::int32_t batch = 32;        // messages asked for at once
  bool batch_ack = false;         // one request for all messages of a pop; otherwise one for each
  std::uint64_t count = 0;        // messages; 0: until finish(), or there is nothing any more
};

// Pops and acks what it got, as a push consumer in POP mode does. A message counts when its ack
// was answered OK; latency is from the pop to the last ack of its messages. Thread rule: as Load.
class PopLoad final : public Load {
 public:
  // The loop outlives the load.
  PopLoad(net::EventLoop& loop, PopLoadOptions options);
  ~PopLoad() override;

  void start() override;
  void finish() override { stopping_ = true; }
  bool finished() const override;
  const LoadCounts& counts() const override { return counts_; }
  void reset_counts() override { counts_ = {}; }

 private:
  class Line;
  bool enough() const { return options_.count > 0 && acked_ >= options_.count; }

  net::EventLoop& loop_;
  const PopLoadOptions options_;
  std::vector<Line*> lines_;  // owned by their connections, which are alive
  LoadCounts counts_;
  std::uint64_t acked_ = 0;
  std::size_t busy_ = 0;  // lines that have not found the end
  bool stopping_ = false;
};

}  // namespace oncemq::client
