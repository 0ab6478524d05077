#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "os/clock.h"
#include "store/consume_queue.h"

namespace oncemq::store {

// What readers met and did not serve: records that fail their checks, entries of queues that lead
// to no record of theirs, holes. Reading goes on behind them; this is where an operator learns of
// it. Thread rule: monitor.
class Damage {
 public:
  // Distinct places that are told apart; 64 bytes each. Beyond them only reads are counted.
  static constexpr std::size_t kMaxPlaces = 4096;

  explicit Damage(os::Clock& clock) : clock_(clock) {}

  // A record that the log holds no longer as it was written.
  void record(LogOffset offset, const Error& error);
  // A place of a queue without a record of its own.
  void entry(const ConsumeQueue& queue, QueueOffset offset, const Error& error);

  struct Counters {
    std::uint64_t places = 0;
    std::uint64_t reads = 0;  // refused reads; several groups meet the same place
  };
  Counters counters() const;

 private:
  using Place = std::pair<const ConsumeQueue*, std::int64_t>;  // null: of the log
  void note(const Place& place, std::string_view name, const Error& error);

  os::Clock& clock_;
  log::Limited limited_{1000};  // at most one line per second
  mutable Mutex mutex_;
  std::set<Place> places_ ONCE_GUARDED_BY(mutex_);
  std::uint64_t reads_ ONCE_GUARDED_BY(mutex_) = 0;
};

}  // namespace oncemq::store
