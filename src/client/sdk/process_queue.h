#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "client/sdk/taken.h"

namespace oncemq::sdk {

// The messages of one queue between pull and commit: waiting, with a handler, or on their way back
// to the broker. Bounded by whoever adds. Thread rule: confined.
class ProcessQueue {
 public:
  // `next`: offset of the next pull.
  explicit ProcessQueue(std::int64_t next) : next_(next) {}

  std::int64_t next() const { return next_; }
  // What a pull brought, in rising order from next() on, and where the next one begins. What lies
  // before next() is left out.
  void add(std::vector<Taken> messages, std::int64_t next);

  bool has_waiting() const { return !waiting_.empty(); }
  // The oldest that wait, at most `max`; they are with a handler from then on.
  std::vector<Delivery> take(std::size_t max);
  // One that waits shall not be handed out.
  void hold(std::int64_t offset) { waiting_.erase(offset); }
  // One that was with a handler, or held, is to be handed out again.
  void give_back(Delivery delivery);
  // Handled, or taken back by the broker.
  void done(std::int64_t offset);
  // Where it lies in the broker's log. The message is not done yet.
  std::int64_t log_offset(std::int64_t offset) const { return messages_.at(offset).log_offset; }

  // Everything before it is done.
  std::int64_t commit_offset() const {
    return messages_.empty() ? next_ : messages_.begin()->first;
  }
  std::size_t count() const { return messages_.size(); }
  std::size_t bytes() const { return bytes_; }
  std::int64_t span() const { return next_ - commit_offset(); }
  std::int64_t last() const { return messages_.empty() ? 0 : messages_.rbegin()->first; }

 private:
  std::int64_t next_;
  std::map<std::int64_t, Taken> messages_;  // by offset; without the delivery while it is taken
  std::set<std::int64_t> waiting_;
  std::size_t bytes_ = 0;
};

}  // namespace oncemq::sdk
