#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "oncemq/message.h"

namespace oncemq::sdk {

// What became of a message in a handler. Thread rule: immutable.
class Outcome {
 public:
  enum class Kind : std::uint8_t { kDone, kAgain, kDead };

  static Outcome done() { return Outcome(Kind::kDone, 0); }
  // It comes again after the delay of that level (1...), or, 0, of the broker's choice by attempt.
  // Of an ordered consumer: after PushConsumerOptions::suspend.
  static Outcome again(std::int32_t delay_level = 0) { return Outcome(Kind::kAgain, delay_level); }
  // It becomes a dead letter, now.
  static Outcome dead() { return Outcome(Kind::kDead, 0); }

  Kind kind() const { return kind_; }
  std::int32_t delay_level() const { return delay_level_; }
  bool operator==(const Outcome&) const = default;

 private:
  Outcome(Kind kind, std::int32_t delay_level) : kind_(kind), delay_level_(delay_level) {}
  Kind kind_;
  std::int32_t delay_level_;
};

// What a handler says about its batch: `return Outcome::done();` for all of it, or one for each
// message. Thread rule: external.
class Outcomes {
 public:
  Outcomes(Outcome all) : each_{all}, for_all_(true) {}  // implicit: see above
  // In the order of the batch. Messages without one come again; what is too much is ignored.
  Outcomes(std::vector<Outcome> each) : each_(std::move(each)), for_all_(false) {}

  Outcome of(std::size_t message) const {
    if (for_all_) return each_.front();
    return message < each_.size() ? each_[message] : Outcome::again();
  }

 private:
  std::vector<Outcome> each_;
  bool for_all_;
};

// Takes a batch, which has at least one message and ends with the call. May throw: then the whole
// batch comes again.
using Handler = std::function<Outcomes(std::span<const Delivery> batch)>;

}  // namespace oncemq::sdk
