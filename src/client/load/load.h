#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "client/load/histogram.h"
#include "net/address.h"

// Load on a broker: pre-encoded requests over plain connections, all on one event loop.
namespace oncemq::client {

// A queue and the broker that has it.
struct LoadQueue {
  Address address;
  std::string broker_name;  // empty when unknown
  std::int32_t queue_id = 0;
};

// What a load has done so far. Thread rule: external.
struct LoadCounts {
  std::uint64_t messages = 0;                     // acknowledged, or received
  std::uint64_t requests = 0;                     // answered
  std::uint64_t bytes = 0;                        // of bodies sent, or of records received
  std::uint64_t lost = 0;                         // requests without an answer
  std::map<std::int32_t, std::uint64_t> refused;  // requests by response code
  Histogram latency;
  // Of timers, by the clocks of broker and generator:
  Histogram stored;           // how late they were put into their topic
  std::uint64_t early = 0;    // before their due time
  std::uint64_t doubled = 0;  // seen before
  std::string error;          // why the load ended early; empty when it did not

  std::uint64_t refused_total() const {
    std::uint64_t total = 0;
    for (const auto& [code, count] : refused) total += count;
    return total;
  }
};

// A load on a loop. Thread rule: confined to the loop, after being made before it runs.
class Load {
 public:
  virtual ~Load() = default;
  // Opens the connections and begins.
  virtual void start() = 0;
  // No new requests; finished() when the last answer has come.
  virtual void finish() = 0;
  virtual bool finished() const = 0;
  virtual const LoadCounts& counts() const = 0;
  // Counts from now on (after a warm-up).
  virtual void reset_counts() = 0;
};

}  // namespace oncemq::client
