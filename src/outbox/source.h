#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "oncemq/result.h"
#include "outbox/row.h"

namespace oncemq::outbox {

// Which rows a round takes.
struct Reading {
  std::size_t rows_max = 100;          // 1...1000
  std::int64_t bytes_max = 16 << 20;   // of all rows but the first
  std::int64_t body_max = 4 << 20;     // a larger body is not read
  bool pass = false;                   // rows behind a parked one are taken
  std::vector<std::string> without{};  // topics
};

// A row that was refused.
struct Trouble {
  std::string id{};
  std::string topic{};
  std::string aggregate{};
  std::int32_t attempts = 0;  // refused ones, this one included
  std::string reason{};
  bool parked = false;
  std::chrono::milliseconds pause{0};  // until it is tried again, unless parked
};

// What became of a round.
struct Settlement {
  std::vector<std::string> published;  // ids
  std::vector<Trouble> troubles;
};

// The table that rows come from (docs/outbox.md). All of it waits; after an error the source is of
// no use any more. Errors are for people. Thread rule: confined.
class Source {
 public:
  virtual ~Source() = default;

  // What init() called this outbox.
  virtual const std::string& name() const = 0;
  // Takes or renews the lease, by the database's clock; false: somebody else has it.
  virtual sdk::Result<bool> lease(const std::string& holder, std::chrono::milliseconds time) = 0;
  virtual sdk::Status release(const std::string& holder) = 0;
  // Rows that wait, in the order of their ids; at least one if there is any.
  virtual sdk::Result<std::vector<Row>> read(const Reading& reading) = 0;
  // All of it or nothing.
  virtual sdk::Status settle(const Settlement& settlement) = 0;
};

}  // namespace oncemq::outbox
