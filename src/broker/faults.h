#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "os/clock.h"
#include "os/random.h"

namespace oncemq::broker {

// What can go wrong between a client and the broker, and is done on purpose (docs/faults.md).
enum class FaultKind : std::uint8_t {
  kLoseSendResponse,
  kDeliverTwice,
  kLoseAck,
  kExpireHandle,
  kPause,
};
inline constexpr std::size_t kFaultKinds = 5;
std::string_view fault_name(FaultKind kind);           // "lose-send-response"
std::string_view fault_sentence(FaultKind kind);       // what it does
Result<FaultKind> parse_fault(std::string_view name);  // kInvalidArgument, with all names

struct FaultOrder {
  FaultKind kind = FaultKind::kLoseSendResponse;
  std::string topic;
  std::string group;        // consumer's, or producer's for sends; empty: any
  double probability = 1;   // of each chance, 0 to 1
  std::int64_t count = 0;   // ends when it has struck so often; 0: it does not
  std::int64_t for_ms = 0;  // ends after this; 0: it does not (a pause always does)
};

enum class FaultState : std::uint8_t { kActive, kCounted, kTimedOut, kCleared };
std::string_view fault_state_name(FaultState state);  // "active", "count reached", ...

struct FaultView {
  std::uint64_t id = 0;
  FaultOrder order;
  FaultState state = FaultState::kActive;
  std::uint64_t struck = 0;
  std::int64_t left_ms = 0;  // 0: no end, or over
};

// The faults that operators ordered, and whether one strikes. In memory only: a restart ends all.
// Without an order of a kind, a question for it is one relaxed read. Thread rule: monitor.
class Faults {
 public:
  // Active and ended ones; about 300 bytes each with names of 255 bytes: 48 KB.
  static constexpr std::size_t kFaultsMax = 64;
  static constexpr std::int64_t kForMaxMs = 24LL * 3600 * 1000;
  static constexpr std::int64_t kPauseMaxMs = 10LL * 60 * 1000;
  static constexpr std::int64_t kPauseDefaultMs = 30'000;
  static constexpr std::int64_t kCountMax = 1'000'000'000;
  // Queues of groups that were given a page twice; about 64 bytes each: 640 KB.
  static constexpr std::size_t kPagesMax = 10'000;

  Faults(os::Clock& clock, os::Random& random) : clock_(clock), random_(random) {}

  // kInvalidArgument: names, probability, count or time.
  static Status check(const FaultOrder& order);
  // The fault's number. As check(), and kBusy: too many.
  Result<std::uint64_t> add(FaultOrder order);
  // Oldest first; those that ended stay until their room is needed.
  std::vector<FaultView> list() const;
  // kNotFound: no active fault has that number.
  Status clear(std::uint64_t id);
  std::size_t clear_all();  // how many ended by it

  // Whether a fault strikes here and now; it is counted then.
  bool strikes(FaultKind kind, std::string_view topic, std::string_view group) {
    return wanted(kind) && look(kind, topic, group).has_value();
  }
  // A page of a queue, offsets `first` to before `next`, is given to a group: shall it be given
  // once more? At most once for every page.
  bool repeats(std::string_view topic, std::string_view group, std::int32_t queue_id,
               std::int64_t first, std::int64_t next);
  // The pause that holds this request.
  std::optional<std::uint64_t> pauses(std::string_view topic, std::string_view group) {
    if (!wanted(FaultKind::kPause)) return std::nullopt;
    return look(FaultKind::kPause, topic, group);
  }
  bool pausing(std::uint64_t id) const;

  // Ends what is over. Returns when it wants to be called again at the latest (monotonic ms).
  std::int64_t tick();
  // Since the start.
  std::uint64_t total(FaultKind kind) const {
    return totals_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
  }

 private:
  struct Rule {
    std::uint64_t id = 0;
    FaultOrder order;
    FaultState state = FaultState::kActive;
    std::uint64_t struck = 0;
    std::int64_t until_ms = INT64_MAX;
  };

  bool wanted(FaultKind kind) const {
    return (kinds_.load(std::memory_order_relaxed) & (1U << static_cast<unsigned>(kind))) != 0;
  }
  std::optional<std::uint64_t> look(FaultKind kind, std::string_view topic, std::string_view group);
  void end(Rule& rule, FaultState state) ONCE_REQUIRES(mutex_);
  bool chance(double probability);

  os::Clock& clock_;
  os::Random& random_;
  std::atomic<std::uint32_t> kinds_{0};  // of active rules
  std::array<std::atomic<std::uint64_t>, kFaultKinds> totals_{};
  mutable Mutex mutex_;
  std::vector<Rule> rules_ ONCE_GUARDED_BY(mutex_);
  std::uint64_t last_id_ ONCE_GUARDED_BY(mutex_) = 0;
  // Ends of pages that were given twice, by topic, group and queue.
  std::unordered_map<std::string, std::int64_t> pages_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
