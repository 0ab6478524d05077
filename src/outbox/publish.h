#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "outbox/outlet.h"
#include "outbox/row.h"
#include "outbox/verdict.h"

namespace oncemq::outbox {

struct PublishOptions {
  std::size_t parallel_max = 16;
  std::int32_t attempts_max = 8;  // refused ones, then a row is parked
  std::int64_t body_max = 4 << 20;
  bool pass = false;  // rows behind one that is parked are sent
};

// Nothing: it was not sent, or not to the end.
struct Outcome {
  std::optional<Verdict> verdict{};
  std::string reason{};
};

// A row with this verdict waits for an operator from now on.
bool is_parked(const Row& row, Verdict verdict, const PublishOptions& options);

// Sends the rows of a round, by lanes, and waits until no send is under way. No send begins when
// `may_begin` says no. One outcome for each row. Thread rule: external; one call at a time for an
// outlet.
std::vector<Outcome> publish(std::span<const Row> rows, const std::string& outbox, Outlet& outlet,
                             const PublishOptions& options, const std::function<bool()>& may_begin);

}  // namespace oncemq::outbox
