#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "once/database.h"

namespace oncemq::once {

// A key of a call of process() that is to be done once. Thread rule: external.
struct Item {
  Claim claim{};
  const sdk::Delivery* delivery = nullptr;
  Outcome outcome{};
};

// Works off the items of one call over one connection (docs/once.md, One transaction). Thread rule:
// confined.
class Batch {
 public:
  Batch(Database& database, const Handler& handler, std::size_t batch_max)
      : database_(database), handler_(handler), batch_max_(batch_max) {}

  // Sets every outcome. Claims of the items differ.
  void run(std::span<Item> items);
  // The connection is of no use any more.
  bool lost() const { return lost_; }
  const SqlFigures& figures() const { return figures_; }

 private:
  enum class Pass : std::uint8_t {
    kCommitted,
    kItemFailed,   // one of them, in a pass without savepoints
    kItemEnded,    // its handler ended the transaction; its outcome says so
    kWholeFailed,  // claim or commit
    kLost,
  };
  using Items = std::vector<Item*>;

  void run_chunk(Items items);
  Pass attempt(const Items& items, bool savepoints);
  Pass handle_all(const Items& items, bool savepoints);
  // The handler's verdict, and whether the transaction is as it was.
  sdk::Status handle(const Item& item);
  Pass undo_one(Item& item, sdk::Error error);
  Pass whole_failed(sdk::Error error);

  Database& database_;
  const Handler& handler_;
  const std::size_t batch_max_;
  sdk::Error error_{};  // of the pass that failed
  bool lost_ = false;
  SqlFigures figures_{};
};

}  // namespace oncemq::once
