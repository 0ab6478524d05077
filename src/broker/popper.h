#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/broker_stats.h"
#include "broker/consumer_offsets.h"
#include "broker/group_table.h"
#include "broker/ids.h"
#include "broker/options.h"
#include "broker/parked_pops.h"
#include "broker/pop_log.h"
#include "broker/pop_queue.h"
#include "broker/pop_slots.h"
#include "broker/send_back.h"
#include "broker/sender.h"
#include "broker/sql_filters.h"
#include "broker/topic_table.h"
#include "model/subscription.h"
#include "os/clock.h"
#include "store/message_store.h"

namespace oncemq::broker {

// Which of the three topics of a pop a message came from; the number that handles carry.
enum class PopSource : std::uint8_t { kTopic = 0, kRetryV1 = 1, kRetryV2 = 2 };

// A pop as the protocol edge understood it; views valid during the call.
struct PopRequest {
  std::string_view group;
  std::string_view topic;
  std::int32_t queue_id = -1;  // < 0: any
  std::int32_t max_messages = 32;
  std::int64_t invisible_ms = 60'000;
  bool from_max = false;  // a new group begins at the end
  bool order = false;
  std::string_view attempt_id;
  std::string_view expression;
  std::string_view expression_type;  // empty: TAG
  ChannelId channel{};               // whose answer it will be
};

struct PopResult {
  struct Message {
    model::QueueOffset offset;
    std::int32_t deliveries = 0;  // this one included
  };
  struct Part {
    PopSource source = PopSource::kTopic;
    std::int32_t queue_id = 0;
    std::vector<Message> messages;  // ascending
  };
  std::int64_t pop_time = 0;  // the token of every message's handle
  std::int64_t rest = 0;      // what is left in the queues looked at
  std::vector<Part> parts;
  std::vector<store::LogSpan> spans;  // the records, in the order of `parts`
  std::size_t messages = 0;
  std::uint64_t operation = 0;  // answer when this is committed
  model::Filter::Spending filter;

  // The expression has cost what one pop may: there may be more behind what it looked at.
  bool exhausted() const { return filter.work >= store::kFilterWorkMax; }
};

// A handle as clients send it back.
struct PopHandle {
  std::string_view group;
  std::string_view topic;  // the one that the message stands in
  std::int32_t queue_id = 0;
  model::QueueOffset offset;
  std::int64_t token = 0;
  ChannelId channel{};  // who sent it
};

// Where Apache's broker puts what a popping group did not ack (kRetryV1, kRetryV2).
std::string pop_retry_topic(PopSource source, std::string_view group, std::string_view topic);

// Why a handle was refused.
struct PopRefusal {
  Error error;
  bool stale = false;  // the delivery is over; error.code says nothing then
};

struct PopChanged {
  std::int64_t pop_time = 0;
  std::uint64_t operation = 0;
};

// POP consumption (docs/pop.md). Whoever gets an `operation` answers its client only when
// committed(operation) is true. Thread rule: monitor; tick(), load() and dump() belong to the
// service thread.
class Popper {
 public:
  static constexpr std::int64_t kInvisibleMaxMs = 3LL * 24 * 3600 * 1000;
  static constexpr std::int32_t kMessagesMax = 32;
  static constexpr std::size_t kAttemptMax = 255;
  static constexpr std::size_t kRowsMax = 1'000'000;  // of all queues, 150 MB

  Popper(const Options& options, const Switches& switches, TopicTable& topics, GroupTable& groups,
         ConsumerOffsets& offsets, SqlFilters& filters, Sender& sender, SendBack& send_back,
         store::MessageStore& store, BrokerStats& stats, os::Clock& clock);

  // onceMqPop.json, then the log behind it. Before start. kCorrupt.
  Status load(std::string_view json);
  std::string dump();
  // True when enough has changed since the last dump() (the caller then saves it).
  bool wants_dump() const;

  // An empty result means: nothing there at the moment. kNotReady, kNoPermission, kGroupNotFound,
  // kTopicNotFound, kInvalidArgument (queue id, number, time), kSubscriptionBroken, kNotSupported
  // (SQL92 while it is switched off, other types), kNotWritable, kBusy.
  Result<PopResult> pop(const PopRequest& request);
  // Would pop() get something? Errors as there.
  Result<bool> visible(const PopRequest& request);
  // Messages that pop() would give first, without taking them.
  Result<PopResult> peek(const PopRequest& request);

  // Number of the operation. Stale, or kMessageNotFound (no such offset), kTopicNotFound,
  // kInvalidArgument (queue id), kNotWritable.
  tl::expected<std::uint64_t, PopRefusal> ack(const PopHandle& handle);
  // kInvalidArgument also for the time; 0 makes the message visible at once.
  tl::expected<PopChanged, PopRefusal> change(const PopHandle& handle, std::int64_t invisible_ms);

  // ---- acks of a transaction (docs/atomic-commits.md)
  // An ack that is not in POP's log: the row is nobody's until settle() or undecide(). Errors as
  // ack().
  struct Decided {
    PopSlots::SlotRef slot;
    model::QueueOffset offset;
    std::int64_t token = 0;
  };
  tl::expected<Decided, PopRefusal> decide(const PopHandle& handle);
  void undecide(const Decided& decided);
  // The transaction is in the log: an ordered queue may go on.
  void confirm(const Decided& decided, const PopHandle& handle);
  // It is on the disk: the row is gone, the group's offset moves.
  void settle(const Decided& decided);
  // At a start, of a transaction that the log has. No effect when the handle's delivery is over.
  void settle(const PopHandle& handle);
  // Transactions below this place of their queue are settled in the rows, and will be in a dump.
  // After load(): as the dump said.
  model::QueueOffset settled() const { return {settled_.load(std::memory_order_acquire)}; }
  void set_settled(model::QueueOffset end) { settled_.store(end.value, std::memory_order_release); }

  // Puts what was staged into the log and hands it to the kernel.
  void flush();
  bool committed(std::uint64_t operation) const;
  // The lowest end of log that `operation` waits for; INT64_MAX while it is not in the log.
  std::int64_t end_of(std::uint64_t operation) const;

  // Keeps the waiter until there is something for the request. kArrived and kFull leave it.
  ParkOutcome park(const PopRequest& request, std::int64_t timeout_ms, ChannelId channel,
                   std::unique_ptr<PullWaiter>& waiter);
  // Something is left that the caller will not take: the next waiter is woken.
  void pass_on(const PopRequest& request);
  std::size_t parked(std::string_view group, std::string_view topic, std::int32_t queue_id) const;
  ParkedPops& waiting() { return parked_; }

  // Periodic work: rows whose time is over, dead letters, deadlines. Returns when it wants to be
  // called again at the latest (monotonic ms).
  std::int64_t tick();

  // An operator moved the group; the next pop begins there.
  void reset(std::string_view group, std::string_view topic);
  // After the topic or group is no longer alive: everything that is known of it is freed, its
  // handles are stale, whoever waits is woken. What is made again under the name begins anew, also
  // after a kill.
  void forget_topic(std::string_view topic);
  void forget_group(std::string_view group);
  // Groups at topics, and their queues, that are known.
  std::size_t parties() const { return slots_.parties(); }
  std::size_t slots() const { return slots_.slots(); }
  std::size_t memory_bytes() const {
    return slots_.memory_bytes() + bytes_.load(std::memory_order_relaxed);
  }

  // What was given out so far ends here (consumer offset + in flight); nothing when the group does
  // not pop there.
  struct Position {
    model::QueueOffset next;
    std::size_t in_flight = 0;
  };
  std::optional<Position> position(std::string_view group, std::string_view topic,
                                   std::int32_t queue_id) const;

 private:
  // The queues of a request, checked.
  struct Scope {
    struct Target {
      PopSlots::SlotRef slot;
      PopSource source = PopSource::kTopic;
    };
    PopSlots::PartyRef party;
    std::vector<Target> targets;
    std::shared_ptr<const model::Subscription> filter;  // shared with others; null: everything
    std::int32_t deliveries_max = 0;
  };

  // How often a group gets a message before it is dead.
  static std::int32_t deliveries_max(const GroupEntry* group);
  Result<Scope> check(const PopRequest& request);
  Status add(const PopSlots::PartyRef& party, store::ConsumeQueue* queue, PopSource source,
             Scope& scope);
  Status add_retry(const GroupEntry& group, PopSource source, Scope& scope);
  std::int64_t new_token(std::int64_t at_least);
  // Monotonic, rounded up: an invisible time that begins now is never a part of a ms too short.
  std::int64_t begin_ms() const { return (clock_.monotonic_ns() + 999'999) / 1'000'000; }
  model::QueueOffset first_offset(const PopSlot& slot, const PopRequest& request, bool retry) const;
  void adopt(PopSlot& slot, model::QueueOffset first) ONCE_REQUIRES(slot.mutex);
  std::uint64_t stage(PopSlot& slot, PopOperation& operation) ONCE_REQUIRES(slot.mutex);
  void changed(PopSlot& slot) ONCE_REQUIRES(slot.mutex);
  // The slot's share of the sums.
  void count(PopSlot& slot, std::size_t rows, std::size_t bytes) ONCE_REQUIRES(slot.mutex);
  std::uint64_t stage_hold(PopSlot& slot, const PopQueue::Taking& taking,
                           const std::vector<PopOperation::Row>& rows) ONCE_REQUIRES(slot.mutex);
  bool may_read(const PopSlot& slot, const PopQueue::Taking& taking) const
      ONCE_REQUIRES(slot.mutex);

  // Both return PopQueue::Taken::token_passed.
  std::int64_t take(PopSlot& slot, PopSource source, const PopRequest& request, const Scope& scope,
                    const PopQueue::Taking& taking, PopResult& result);
  std::int64_t take_new(PopSlot& slot, model::QueueOffset next, const PopRequest& request,
                        const Scope& scope, const PopQueue::Taking& taking, PopResult::Part& part,
                        PopResult& result);
  void read_rows(PopSlot& slot, PopSource source, const PopRequest& request,
                 std::vector<PopOperation::Row>& rows, PopResult& result);
  std::int64_t left(PopSlot& slot, const PopQueue::Taking& taking);
  void ripen(PopSlot& slot, std::int64_t now_ms);
  void tell(const PopRequest& request, const PopResult& result) const;
  // `refusal`: null when it was done.
  void tell(const PopHandle& handle, DeliveryStep step, const PopRefusal* refusal) const;
  tl::expected<std::uint64_t, PopRefusal> end(const PopHandle& handle);
  tl::expected<PopChanged, PopRefusal> extend(const PopHandle& handle, std::int64_t invisible_ms);
  // False when the store takes nothing now: tried again later.
  bool bury(PopSlot& slot, const std::vector<PopOperation::Row>& rows);
  void forget(const PopSlots::Wanted& wanted);
  // The slot's rows belong to nobody any more.
  void drop(PopSlot& slot) ONCE_REQUIRES(slot.mutex);
  bool in_dead_letters(const PopSlot& slot, model::LogOffset offset) const;

  const Options& options_;
  const Switches& switches_;
  TopicTable& topics_;
  GroupTable& groups_;
  ConsumerOffsets& offsets_;
  SqlFilters& filters_;
  Sender& sender_;
  SendBack& send_back_;
  store::MessageStore& store_;
  BrokerStats& stats_;
  os::Clock& clock_;
  PopLog log_;
  ParkedPops parked_;

  PopSlots slots_;
  std::atomic<std::size_t> rows_{0};
  std::atomic<std::size_t> bytes_{0};  // of rows
  std::atomic<std::int64_t> last_token_{0};
  std::atomic<std::int64_t> settled_{0};
  SendBatch batch_;  // dead letters; service thread
  std::uint64_t dumped_bytes_ = 0;
  std::int64_t dumped_ms_ = 0;
  bool dump_stale_ = false;
};

}  // namespace oncemq::broker
