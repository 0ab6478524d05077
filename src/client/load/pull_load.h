#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/load/load.h"
#include "net/event_loop.h"

namespace oncemq::client {

struct PullQueue {
  LoadQueue at;
  std::int64_t offset = 0;  // where to begin
};

struct PullLoadOptions {
  std::string topic;
  std::string group = "oncemq-bench";
  std::vector<PullQueue> queues;  // not empty; one request in flight each
  std::uint32_t connections = 1;  // per broker; its queues are spread over them
  std::int32_t batch = 32;        // messages asked for at once
  bool wait = false;              // long polling at the end of a queue; otherwise it is done there
  bool stamps = false;            // latency from the stamps of a SendLoad on the same clock
  bool timers = false;            // the stamps are due times on the wall clock
  std::uint64_t count = 0;        // messages; 0: until finish(), or all queues are done
};

// Pulls. Without stamps, latency is that of the requests that brought messages; of timers it is how
// late they come, in whole milliseconds. Thread rule: as Load.
class PullLoad final : public Load {
 public:
  // The loop outlives the load.
  PullLoad(net::EventLoop& loop, PullLoadOptions options);
  ~PullLoad() override;

  void start() override;
  void finish() override { stopping_ = true; }
  // Long polls that wait do not count as owed.
  bool finished() const override;
  const LoadCounts& counts() const override { return counts_; }
  void reset_counts() override { counts_ = {}; }

 private:
  class Line;
  bool enough() const { return options_.count > 0 && received_ >= options_.count; }

  net::EventLoop& loop_;
  const PullLoadOptions options_;
  std::vector<Line*> lines_;  // owned by their connections, which are alive
  LoadCounts counts_;
  std::uint64_t received_ = 0;
  // Of timers, by number; 16 MiB at most.
  static constexpr std::int64_t kSeenMax = std::int64_t{1} << 27;
  std::vector<bool> seen_;
  std::size_t open_queues_ = 0;  // not at their end
  bool stopping_ = false;
};

}  // namespace oncemq::client
