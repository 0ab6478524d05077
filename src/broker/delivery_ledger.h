#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "broker/ids.h"
#include "os/clock.h"

namespace oncemq::broker {

// What happened to a stretch of a queue on behalf of a group (docs/message-why.md).
enum class DeliveryStep : std::uint8_t {
  kPulled,   // given in the answer to a pull
  kPopped,   // given in the answer to a pop
  kAcked,    // an ack was taken
  kChanged,  // a new invisible time was taken
  kStale,    // an ack or a change was refused: its delivery was over
  kPassed,   // a pulling group's offset went past
};

// 64 bytes: names are hashed, places are offsets. Queues and groups whose hashes (64 bits) are the
// same would be mixed up.
struct DeliveryEntry {
  std::uint64_t queue = 0;     // DeliveryLedger::queue_key
  std::uint64_t group = 0;     // DeliveryLedger::group_key
  std::int64_t at_ms = 0;      // wall clock; the ledger says it
  std::int64_t from = 0;       // queue offset of the first message
  std::int64_t token = 0;      // of a POP handle; 0: a pull
  ChannelId channel{};         // the consumer's
  std::uint32_t range = 1;     // offsets from `from` on
  std::uint32_t messages = 1;  // at most `range`: a filter leaves some out
  std::int32_t attempt = 0;    // of a pop: 1 is the first; 0: not known
  DeliveryStep step = DeliveryStep::kPulled;

  bool covers(std::int64_t offset) const {
    return offset >= from && offset - from < std::int64_t{range};
  }
};
static_assert(sizeof(DeliveryEntry) == 64);

// The latest deliveries, acks and refusals of the broker, in memory: a ring
// that forgets its oldest, made in pieces as it fills. Thread rule: monitor.
class DeliveryLedger {
 public:
  // A piece is locked while a question looks at it: about 20 µs.
  static constexpr std::size_t kPiece = 1024;  // entries, 64 KiB

  // `bytes` is rounded down to pieces; less than one: nothing is kept.
  DeliveryLedger(const os::Clock& clock, std::int64_t bytes);

  static std::uint64_t queue_key(std::string_view topic, std::int32_t queue_id) {
    return group_key(topic) * 0x9E3779B97F4A7C15ULL + static_cast<std::uint32_t>(queue_id);
  }
  static std::uint64_t group_key(std::string_view name) { return TextHash{}(name); }

  bool keeps() const { return pieces_max_ > 0; }
  std::int64_t start_ms() const { return start_ms_; }
  void add(std::span<const DeliveryEntry> entries);
  void add(const DeliveryEntry& entry) { add(std::span(&entry, 1)); }

  struct Found {
    std::vector<DeliveryEntry> entries;  // oldest first, at most `max`
    bool more = false;                   // there were more than that; the newest are missing
    // Everything since this entry's time is known; 0: since the start.
    std::int64_t since_ms = 0;
  };
  // Oldest first. What is overwritten meanwhile may be left out. Short: a piece is locked.
  void for_each(const std::function<void(const DeliveryEntry&)>& visit) const;
  Found of(std::uint64_t queue, std::int64_t offset, std::size_t max) const;

  std::uint64_t total() const;  // entries since the start
  std::size_t memory_bytes() const;

 private:
  using Piece = std::unique_ptr<DeliveryEntry[]>;
  // visit(entry) until it says false; forgotten(oldest entry) first when there were older ones, and
  // again when entries that were visited are overwritten.
  template <class Visit, class Forgotten>
  void walk(Visit visit, Forgotten forgotten) const;

  const os::Clock& clock_;
  const std::size_t pieces_max_;
  const std::int64_t start_ms_;
  mutable Mutex mutex_;
  std::vector<Piece> pieces_ ONCE_GUARDED_BY(mutex_);
  std::uint64_t next_ ONCE_GUARDED_BY(mutex_) = 0;  // number of the next entry
};

}  // namespace oncemq::broker
