#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/result.h"
#include "broker/claims.h"
#include "model/message.h"
#include "store/message_store.h"

namespace oncemq::broker {

class TopicEntry;

// Bytes that live until the batch is cleared; blocks are reused, so that a warm batch allocates
// nothing. Thread rule: confined.
class Arena {
 public:
  char* allocate(std::size_t size);
  std::string_view copy(std::string_view text);
  void clear();

 private:
  static constexpr std::size_t kBlock = 16 << 10;
  struct Block {
    std::unique_ptr<char[]> data;
    std::size_t size = 0;
  };
  std::vector<Block> blocks_;
  std::size_t block_ = 0;
  std::size_t used_ = 0;
};

// What became of one staged request. Valid after Sender::commit until the batch is cleared.
struct SendOutcome {
  std::optional<Error> error;
  std::span<const store::AppendItem> items;  // results inside; empty: nothing had to be stored
  std::int32_t queue_id = 0;                 // where the client's message went, before any delay
  std::string_view unique_key;               // UNIQ_KEY of the message, given or generated
  std::string_view topic;                    // the same: before any delay
  std::int64_t timer_out_ms = 0;             // TIMER_OUT_MS of a timer, 0 for other messages
  // How many of `items` were stored by an earlier send; their results are from then.
  std::int32_t duplicates = 0;
  // The reply may leave when `committed` (or `flushed`, when wait_committed is false) has reached
  // this.
  store::AppendedOffset end;
  bool wait_committed = true;
};

// The messages of one loop tick. Each event loop owns one and reuses it. Thread rule: confined to
// the loop.
class SendBatch {
 public:
  bool empty() const { return requests_.empty(); }
  std::size_t size() const { return requests_.size(); }  // requests
  std::size_t messages() const { return items_.size(); }
  std::size_t bytes() const { return bytes_; }  // bodies and properties
  // When the records got their offsets: Clock::monotonic_ns(). After Sender::commit.
  std::int64_t appended_ns() const { return appended_ns_; }
  // After Sender::commit. `request` is what stage() returned.
  SendOutcome outcome(std::size_t request) const;
  // Views that stage() was given may end after this.
  void clear();

 private:
  friend class Sender;
  friend class SendBack;

  struct Request {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::int32_t queue_id = 0;
    bool wait_committed = true;
    const TopicEntry* topic = nullptr;
    std::string_view unique_key;
    bool watched = false;  // stored twice, it is a repeated send: the key is the producer's
    std::int64_t timer_out_ms = 0;
    std::uint32_t first_claim = 0;
    std::uint32_t claims = 0;
    std::int32_t duplicates = 0;
    std::optional<std::int32_t> original_queue;  // of the first message, when it is a duplicate
    store::AppendedOffset end;
    std::optional<Error> error;
  };

  std::vector<store::AppendItem> items_;
  std::vector<Request> requests_;
  Claims claims_;
  // Some items are not appended: those have no queue. The others, for the append.
  bool has_gaps_ = false;
  std::vector<store::AppendItem> kept_;
  std::vector<store::LogSpan> pins_;  // bodies that come from the log (send-back)
  Arena arena_;
  std::size_t bytes_ = 0;
  std::int64_t appended_ns_ = 0;
  std::uint32_t round_robin_ = 0;
  const TopicEntry* last_topic_ = nullptr;  // spares the table's lock while one topic is busy
};

}  // namespace oncemq::broker
