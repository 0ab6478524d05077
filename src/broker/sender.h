#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/broker_stats.h"
#include "broker/group_table.h"
#include "broker/idempotence.h"
#include "broker/options.h"
#include "broker/queue_locks.h"
#include "broker/send_batch.h"
#include "broker/send_repeats.h"
#include "broker/topic_table.h"
#include "broker/unique_key.h"
#include "os/clock.h"
#include "store/message_store.h"

namespace oncemq::broker {

// One message of a batch send; views as in SendRequest.
struct BatchPart {
  std::int32_t flag = 0;
  Bytes body;
  std::string_view properties;
};

// A send as the protocol edge understood it. All views must stay valid until the batch that it was
// staged into is cleared.
struct SendRequest {
  std::string_view producer_group;
  std::string_view topic;
  std::string_view default_topic;
  std::int32_t default_topic_queues = 4;
  std::int32_t queue_id = -1;  // < 0: any write queue
  std::int32_t sys_flag = 0;
  std::int64_t born_timestamp = 0;  // ms since epoch, the producer's clock
  std::int32_t flag = 0;
  std::string_view properties;
  std::int32_t reconsume_times = 0;
  bool unit_mode = false;
  // Only from clients that are new enough to mean it (V3_4_9, ordinal 121).
  std::optional<std::int32_t> max_reconsume_times;
  Address born_host;
  Bytes body;                        // single message
  std::span<const BatchPart> parts;  // batch send (is_batch); `body` is then the whole batch
  bool is_batch = false;
};

// Turns sends into records: checks them in upstream's order (remoting.md §7), chooses queue and
// tag code, adds the broker's properties, diverts delayed messages, and appends a whole tick at
// once. Of what comes twice to an idempotent topic, it appends the first and answers the others as
// it did that one. A plain message costs no allocation. Thread rule: monitor; a SendBatch belongs
// to one thread.
class Sender {
 public:
  Sender(const Options& options, const Switches& switches, TopicTable& topics, GroupTable& groups,
         QueueLocks& locks, Idempotence& idempotence, store::MessageStore& store,
         BrokerStats& stats, UniqueKeys& unique_keys, os::Clock& clock);

  // Adds the request to the batch and returns its number in it; on refusal the batch is unchanged.
  // kNotReady, kNoPermission, kInvalidArgument (name, queue), kTopicNotFound, kGroupNotFound,
  // kMessageIllegal (empty, too large, batch rules, delivery time), kNotWritable,
  // kInternal (timers are switched off), kBusy (a bound, no index of keys yet). A half message goes
  // to the half topic (docs/transactions.md). compat: a topic without write permission refuses with
  // kNoPermission; upstream leaves that to the route that clients hold.
  Result<std::size_t> stage(const SendRequest& request, SendBatch& batch);

  // Appends what is staged and hands it to the kernel. Each request is all or none; if the store
  // refuses the batch as a whole, each request is tried alone, so that one cannot spoil the others.
  // Afterwards batch.outcome(i) answers; of idempotent topics also kBusy (the same message is being
  // stored by another thread) and kKeyConflict.
  void commit(SendBatch& batch);

  // All requests of the batch or none, in one append that begins with one record more: `head` makes
  // it, knowing the messages that will be stored behind it. Nothing is handed to the kernel yet.
  // Errors of commit(), of the first request that has one.
  using Head =
      std::function<void(std::span<const store::AppendItem> messages, store::AppendItem& head)>;
  Result<store::AppendedOffset> commit_together(SendBatch& batch, const Head& head);

  // Sends are refused until this is called with true, and again while the broker drains.
  void set_accepting(bool accepting) { accepting_.store(accepting, std::memory_order_release); }

 private:
  Status check_open() const;
  Status check_body(const SendRequest& request) const;
  Result<const TopicEntry*> target(const SendRequest& request, SendBatch& batch);
  Result<const TopicEntry*> dead_letter_topic(const SendRequest& request);
  Result<std::size_t> stage_one(const SendRequest& request, const TopicEntry& topic,
                                std::int32_t queue_id, SendBatch& batch);
  Result<std::size_t> stage_parts(const SendRequest& request, const TopicEntry& topic,
                                  std::int32_t queue_id, SendBatch& batch);
  store::AppendItem& add_item(const SendRequest& request, const TopicEntry& topic,
                              std::int32_t queue_id, SendBatch& batch) const;
  std::string_view new_unique_key(Arena& arena);
  // sender_claims.cc: idempotent topics.
  Status claim(const TopicEntry& topic, std::string_view unique_key, std::string_view properties,
               Bytes body, SendBatch& batch, SendBatch::Request& row);
  void leave_out(SendBatch& batch);
  void leave_out(SendBatch& batch, SendBatch::Request& row);
  std::int64_t original_timer(const dedup::Original& original, std::int64_t otherwise) const;
  static void take_results(SendBatch& batch, SendBatch::Request& row);
  void settle_claims(SendBatch& batch);
  Result<store::AppendedOffset> append(SendBatch& batch, std::span<store::AppendItem> items);

  void commit_one(SendBatch& batch, SendBatch::Request& row);
  void refuse_all(SendBatch& batch, const Error& error);
  bool repeats(const SendBatch& batch, const SendBatch::Request& row) const;
  void count_repeat(const SendBatch& batch, const SendBatch::Request& row);
  void finish(SendBatch& batch, SendBatch::Request& row);

  const Options& options_;
  const Switches& switches_;
  TopicTable& topics_;
  GroupTable& groups_;
  QueueLocks& locks_;
  Idempotence& idempotence_;
  store::MessageStore& store_;
  BrokerStats& stats_;
  UniqueKeys& unique_keys_;
  const std::unique_ptr<SendRepeats> repeats_;  // null: not watched
  os::Clock& clock_;
  const std::string stamp_;  // the pairs that every message gets
  std::atomic<bool> accepting_{false};
};

}  // namespace oncemq::broker
