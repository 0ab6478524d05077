#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "broker/client_registry.h"
#include "broker/ids.h"
#include "broker/options.h"
#include "broker/transactions.h"
#include "os/clock.h"
#include "store/message_store.h"

namespace oncemq::broker {

// A question to a producer (request 39).
struct TransactionCheck {
  std::string topic;      // the real one
  std::int64_t half = 0;  // half-queue offset
  std::int64_t log_offset = 0;
  std::string message_id;  // UNIQ_KEY
  std::string transaction_id;
  std::string offset_message_id;
  std::string body;  // one stored message
};

// Asks producers about half messages that are due, and discards those that were asked about too
// often (docs/transactions.md). The half queue itself is the list of what was never asked about: a
// cursor goes over it once, at a byte per decided half message and one read per open one. After
// that an open one is a number of 8 bytes that waits for its group or for its next check.
//
// Thread rule: confined to the service thread, except answered() and the figures that
// are atomics.
class TransactionChecker {
 public:
  // Posts the question to the channel; any loop's connection. Must not block.
  using Ask = std::function<void(ChannelId, TransactionCheck)>;

  TransactionChecker(const Options& options, const Switches& switches, Transactions& transactions,
                     ClientRegistry& clients, os::Clock& clock);

  // Before tick().
  void set_ask(Ask ask) { ask_ = std::move(ask); }
  // After Transactions::start.
  void start();
  // Does what is due; returns in how many ms it wants to be called again, at most kPollMs.
  std::int64_t tick();
  static constexpr std::int64_t kPollMs = 200;

  // A client answered the question about this half message, whatever it said; any thread.
  void answered(std::string_view group, std::int64_t half);

  std::uint64_t asked() const { return asked_.load(std::memory_order_relaxed); }
  std::uint64_t discarded() const { return discarded_.load(std::memory_order_relaxed); }
  // Questions that nobody answered yet, and entries that wait, as the last tick left them.
  std::size_t unanswered() const { return unanswered_.load(std::memory_order_relaxed); }
  std::size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }
  // Entries that wait: for a group, or for the time of their next check.
  std::size_t waiting() const;

 private:
  // Questions of one group that nobody answered yet: the Java client drops what its own queue of
  // 2,000 does not take.
  static constexpr std::size_t kUnansweredMax = 1'000;
  // Half messages read per tick: nothing else of the service thread waits for long.
  static constexpr std::size_t kBudget = 1'000;
  static constexpr std::int32_t kReadMessages = 64;
  static constexpr std::int32_t kReadBytes = 256 << 10;

  // Store times are the wall clock's; whatever waits here, waits by the monotonic one.
  struct Now {
    std::int64_t wall_ms = 0;
    std::int64_t monotonic_ms = 0;
  };
  struct Group {
    std::string name;
    std::deque<std::int64_t> ready;                          // due, oldest first
    std::unordered_map<std::int64_t, ChannelId> unanswered;  // whom was asked
    std::size_t turn = 0;                                    // round robin over its channels
    // The oldest one, read while nobody was connected, and when it expires (wall clock): it is not
    // read again before.
    std::int64_t alone = -1;
    std::int64_t alone_until_ms = 0;
  };
  struct Asked {
    std::int64_t at_ms = 0;
    std::uint32_t group = 0;
    std::vector<std::int64_t> halves;
  };
  struct Later {
    std::int64_t due_ms = 0;
    std::int64_t half = 0;
    std::uint32_t group = 0;
    bool operator>(const Later& other) const { return due_ms > other.due_ms; }
  };

  std::size_t scan_new(const Now& now);
  std::int64_t age_of(const model::RecordView& record, const Now& now);
  bool look_at(const model::RecordView& record, const Now& now);
  void wake_due(std::int64_t monotonic_ms);
  std::size_t ask_group(std::uint32_t index, const Now& now, std::size_t budget);
  void discard(Asked& again);
  std::int64_t expiry_of(const model::RecordView& record) const;
  std::uint32_t group_of(std::string_view name);
  void publish();

  const Options& options_;
  const Switches& switches_;
  Transactions& transactions_;
  TransactionIndex& index_;
  ClientRegistry& clients_;
  os::Clock& clock_;
  Ask ask_;

  std::int64_t cursor_ = 0;         // half messages before it are entries, or decided
  std::int64_t cursor_due_ms_ = 0;  // the one at the cursor is not due before
  // Half messages below that were stored while the clock was ahead are as old as this.
  std::int64_t ahead_end_ = 0;
  std::int64_t ahead_since_ms_ = 0;
  std::deque<Asked> asked_halves_;                                        // by time
  std::priority_queue<Later, std::vector<Later>, std::greater<>> later_;  // immune
  // One per producer group that ever had an open half message due: their names come from clients
  // that stored something, about 200 bytes each.
  std::vector<Group> groups_;
  std::map<std::string, std::uint32_t, std::less<>> group_index_;
  TransactionBatch discards_;
  std::size_t next_group_ = 0;
  std::atomic<std::uint64_t> asked_{0};
  std::atomic<std::uint64_t> discarded_{0};
  std::atomic<std::size_t> unanswered_{0};
  std::atomic<std::size_t> memory_bytes_{0};

  Mutex mutex_;
  std::vector<std::pair<std::string, std::int64_t>> answers_
      ONCE_GUARDED_BY(mutex_);  // since the last tick
};

}  // namespace oncemq::broker
