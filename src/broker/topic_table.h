#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/ids.h"
#include "broker/options.h"
#include "model/idempotence_policy.h"
#include "model/topic.h"
#include "os/clock.h"
#include "store/consume_queue.h"
#include "store/message_store.h"

namespace oncemq::broker {

class StatsItem;

// One topic as the hot paths see it. The address stays valid until the table is destroyed, also
// when the topic is deleted (alive() is false then) and created again, so a caller may keep it.
// Thread rule: monitor (atomics; the queue handles behind a mutex that is taken once per queue).
class TopicEntry {
 public:
  TopicEntry(std::string name, store::MessageStore& store);
  TopicEntry(const TopicEntry&) = delete;
  TopicEntry& operator=(const TopicEntry&) = delete;
  ~TopicEntry();

  const std::string& name() const { return name_; }
  std::uint64_t name_hash() const { return name_hash_; }
  bool alive() const { return alive_.load(std::memory_order_acquire); }
  std::int32_t read_queues() const { return read_queues_.load(std::memory_order_relaxed); }
  std::int32_t write_queues() const { return write_queues_.load(std::memory_order_relaxed); }
  bool readable() const { return (perm() & model::perm::kRead) != 0; }
  bool writable() const { return (perm() & model::perm::kWrite) != 0; }
  std::int32_t perm() const { return perm_.load(std::memory_order_relaxed); }
  std::int32_t sys_flag() const { return sys_flag_.load(std::memory_order_relaxed); }
  bool order() const { return order_.load(std::memory_order_relaxed); }
  // Null when sends are stored as often as they come. Stays valid like the entry.
  const model::IdempotencePolicy* idempotence() const {
    return idempotence_.load(std::memory_order_acquire);
  }

  // Handle of a queue, made on first use; null when queue_id is not in [0, 65536). Cheap: one
  // atomic load.
  store::ConsumeQueue* queue(std::int32_t queue_id) const;

  // Where sends to this topic are counted; filled by the first of them.
  struct Traffic {
    std::atomic<StatsItem*> put_messages{nullptr};
    std::atomic<StatsItem*> put_bytes{nullptr};
  };
  Traffic& traffic() const { return traffic_; }

 private:
  friend class TopicTable;
  struct QueueArray;

  void assign(const model::TopicConfig& config,
              const std::optional<model::IdempotencePolicy>& policy);
  const model::IdempotencePolicy* remembered(const std::optional<model::IdempotencePolicy>& policy);
  store::ConsumeQueue* make_queue(std::int32_t queue_id) const ONCE_EXCLUDES(mutex_);

  const std::string name_;
  const std::uint64_t name_hash_;
  store::MessageStore& store_;
  std::atomic<bool> alive_{false};
  std::atomic<std::int32_t> read_queues_{0};
  std::atomic<std::int32_t> write_queues_{0};
  std::atomic<std::int32_t> perm_{0};
  std::atomic<std::int32_t> sys_flag_{0};
  std::atomic<bool> order_{false};
  std::atomic<const model::IdempotencePolicy*> idempotence_{nullptr};
  // Every policy that the topic ever had, once; changed under the table's lock.
  std::vector<std::unique_ptr<const model::IdempotencePolicy>> policies_;
  mutable Traffic traffic_;

  mutable Mutex mutex_;
  // Grows by copy; an outgrown array is kept until the end, because a reader may still be in it.
  mutable std::vector<std::unique_ptr<QueueArray>> arrays_ ONCE_GUARDED_BY(mutex_);
  mutable std::atomic<QueueArray*> current_{nullptr};
};

// All topics with the version of the table, as registration and request 21 send it.
struct TopicSnapshot {
  model::DataVersion version;
  std::vector<model::TopicConfig> topics;  // sorted by name
};

// The broker's topics: configuration, version, change listener. Thread rule: monitor.
class TopicTable {
 public:
  // Told after every change, on the changing thread, no lock held; must not block. Empty names:
  // everything may have changed (permission of the broker, load).
  using Listener = std::function<void(std::span<const std::string> names)>;

  TopicTable(const Options& options, const Switches& switches, store::MessageStore& store,
             os::Clock& clock);

  // ---- start
  // Takes over what topics.json said (empty text: a new broker), adds the system topics
  // (remoting.md §15.1), and topics whose queues the store has although no file names them: a kill
  // may come between the first message of a topic and the saving of its configuration. kCorrupt.
  Status load(std::string_view json);
  std::string dump() const;
  void set_listener(Listener listener);
  // Called on every change, so that the file is written soon.
  void set_dirty_hook(std::function<void()> hook);

  // ---- reading
  // Null when there is no such topic. A shared lock and one hash look-up.
  const TopicEntry* find(std::string_view name) const;
  std::optional<model::TopicConfig> config(std::string_view name) const;
  TopicSnapshot snapshot() const;
  model::DataVersion version() const;
  std::size_t size() const;
  // Those that were deleted too, as their entries stay.
  std::size_t memory_bytes() const;
  // System topics that exist here, with the cluster's and the broker's own (request 305).
  std::vector<std::string> system_topics() const;
  // Also knows the names that depend on cluster and broker.
  bool is_system(std::string_view name) const;

  // What the topic's attributes and the broker's defaults say of sends that come twice. Nothing for
  // topics that the broker or its consumers write to.
  std::optional<model::IdempotencePolicy> policy_of(const model::TopicConfig& config) const;

  // ---- changing
  // What a send to an unknown topic does (§15.3): inherits from `default_topic`. kTopicNotFound
  // when that topic does not allow it, kInvalidArgument for an illegal name, kBusy at the bound.
  Result<const TopicEntry*> create_by_send(std::string_view name, std::string_view default_topic,
                                           std::int32_t client_queues, bool unit);
  // The topic, made as given when it is missing (retry, DLQ, reply topics). kBusy at the bound.
  Result<const TopicEntry*> ensure(const model::TopicConfig& config);
  // The topic of a stored message that waits in another one (delayed, half). A kill may come
  // between such a message and the saving of its topic, which has no queue yet that load() could
  // know it by: so it is made again. Null when the topic was deleted after the message was stored,
  // or at the bound.
  const TopicEntry* topic_of_waiting(std::string_view name, std::int32_t queue_id,
                                     model::LogOffset stored);
  // Creates or replaces (request 17); `config.attributes` carries changes (`+key` with value, or
  // `-key`), see apply_attribute_changes. Equal to what is there: OK without a new version.
  // kInvalidArgument: name, system topic, counts, attributes.
  Status update(const model::TopicConfig& config);
  // Removes the topic and its queues' files. kInvalidArgument for system topics; OK when missing.
  Status remove(std::string_view name);
  // A switch that topics depend on changed: a new version; TBW102, if sends may create topics.
  void touch();

 private:
  struct Row {
    std::unique_ptr<TopicEntry> entry;
    model::TopicConfig config;
    std::string text;  // of the config in topics.json, so that one change does not cost all of them
  };
  using Rows = std::unordered_map<std::string, Row, TextHash, std::equal_to<>>;

  const TopicEntry* put_locked(const model::TopicConfig& config) ONCE_REQUIRES(mutex_);
  std::vector<model::TopicConfig> own_topics() const;
  model::TopicConfig unsaved_topic(const std::string& name, std::int32_t queues) const;
  void announce(std::span<const std::string> names);

  const Options& options_;
  const Switches& switches_;
  store::MessageStore& store_;
  os::Clock& clock_;
  Listener listener_;
  std::function<void()> dirty_hook_;

  mutable SharedMutex mutex_;
  Rows rows_ ONCE_GUARDED_BY(mutex_);
  std::size_t alive_ ONCE_GUARDED_BY(mutex_) = 0;
  model::DataVersion version_ ONCE_GUARDED_BY(mutex_);
};

// Reads the text form `+key=value,-key` (request 17) into the map form that update() takes.
// kInvalidArgument.
Result<std::map<std::string, std::string>> parse_attribute_changes(std::string_view text);
// `current` with the changes applied; keys and values are checked against the known attributes
// (remoting.md §17). kInvalidArgument.
Result<std::map<std::string, std::string>> apply_attribute_changes(
    const std::map<std::string, std::string>& current,
    const std::map<std::string, std::string>& changes, bool creating);

}  // namespace oncemq::broker
