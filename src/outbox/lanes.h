#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "outbox/row.h"

namespace oncemq::outbox {

// Which row of a round may be sent when: those of one (topic, aggregate) one after the other in the
// order in which they stand, the others beside each other. Thread rule: confined.
class Lanes {
 public:
  // At most `parallel_max` (at least 1) rows are out at a time. `rows` outlives it.
  Lanes(std::span<const Row> rows, std::size_t parallel_max);

  // A place in `rows` that is out from now on; nothing: all that may be out is.
  std::optional<std::size_t> next();
  // One that is out: its lane goes on.
  void go_on(std::size_t row);
  // One that is out: the rows behind it are not sent.
  void end(std::size_t row);
  std::size_t out() const { return out_; }

 private:
  const std::size_t parallel_max_;
  std::vector<std::deque<std::size_t>> waiting_;  // by lane
  std::vector<std::size_t> lane_of_;              // by row
  std::deque<std::size_t> ready_;                 // lanes with none out and some waiting
  std::size_t out_ = 0;
};

}  // namespace oncemq::outbox
