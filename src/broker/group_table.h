#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/ids.h"
#include "broker/options.h"
#include "broker/topic_table.h"
#include "model/group.h"
#include "model/topic.h"
#include "os/clock.h"

namespace oncemq::broker {

// One consumer group as the hot paths see it; the address stays valid like a TopicEntry's. Thread
// rule: monitor (atomics).
class GroupEntry {
 public:
  explicit GroupEntry(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  bool alive() const { return alive_.load(std::memory_order_acquire); }
  bool consume_enable() const { return consume_enable_.load(std::memory_order_relaxed); }
  bool broadcast_enable() const { return broadcast_enable_.load(std::memory_order_relaxed); }
  bool notify_ids() const { return notify_ids_.load(std::memory_order_relaxed); }
  std::int32_t retry_queues() const { return retry_queues_.load(std::memory_order_relaxed); }
  std::int32_t retry_max_times() const { return retry_max_times_.load(std::memory_order_relaxed); }
  std::int32_t sys_flag() const { return sys_flag_.load(std::memory_order_relaxed); }
  std::int64_t broker_id() const { return broker_id_.load(std::memory_order_relaxed); }
  std::int64_t broker_id_when_slow() const { return slow_id_.load(std::memory_order_relaxed); }

 private:
  friend class GroupTable;
  void assign(const model::GroupConfig& config);

  const std::string name_;
  std::atomic<bool> alive_{false};
  std::atomic<bool> consume_enable_{true};
  std::atomic<bool> broadcast_enable_{true};
  std::atomic<bool> notify_ids_{true};
  std::atomic<std::int32_t> retry_queues_{1};
  std::atomic<std::int32_t> retry_max_times_{16};
  std::atomic<std::int32_t> sys_flag_{0};
  std::atomic<std::int64_t> broker_id_{0};
  std::atomic<std::int64_t> slow_id_{1};
};

struct GroupSnapshot {
  model::DataVersion version;
  std::vector<model::GroupConfig> groups;                                // sorted by name
  std::map<std::string, std::map<std::string, std::int32_t>> forbidden;  // group, topic, bits
};

// The broker's consumer groups. A group's retry topic is created with the group, so that the route
// is known before the first message fails. Thread rule: monitor.
class GroupTable {
 public:
  GroupTable(const Options& options, const Switches& switches, TopicTable& topics,
             os::Clock& clock);

  // Takes over what subscriptionGroup.json said and adds the system groups (§15.2). kCorrupt.
  Status load(std::string_view json);
  std::string dump() const;
  void set_dirty_hook(std::function<void()> hook);

  // Null when there is no such group.
  const GroupEntry* find(std::string_view name) const;
  // The group, created with defaults when that is allowed (autoCreateSubscriptionGroup).
  // kGroupNotFound; kInvalidArgument for an illegal name; kBusy at the bound.
  Result<const GroupEntry*> find_or_create(std::string_view name);
  std::optional<model::GroupConfig> config(std::string_view name) const;
  GroupSnapshot snapshot() const;
  std::size_t size() const;
  // Those that were deleted too, as their entries stay.
  std::size_t memory_bytes() const;

  // Creates or replaces (request 200); attributes carry changes as for topics. kInvalidArgument.
  Status update(const model::GroupConfig& config);
  // OK when missing. kInvalidArgument for system groups. The retry topic stays, as upstream's does.
  Status remove(std::string_view name);

  // May the group read the topic (request 353)?
  bool readable(std::string_view group, std::string_view topic) const;
  void set_readable(std::string_view group, std::string_view topic, bool readable);

 private:
  struct Row {
    std::unique_ptr<GroupEntry> entry;
    model::GroupConfig config;
  };
  using Rows = std::unordered_map<std::string, Row, TextHash, std::equal_to<>>;

  Result<const GroupEntry*> put(const model::GroupConfig& config, bool replace);
  const GroupEntry* put_locked(const model::GroupConfig& config) ONCE_REQUIRES(mutex_);
  Status ensure_retry_topic(std::string_view group, std::int32_t queues);

  const Options& options_;
  const Switches& switches_;
  TopicTable& topics_;
  os::Clock& clock_;
  std::function<void()> dirty_hook_;

  mutable SharedMutex mutex_;
  Rows rows_ ONCE_GUARDED_BY(mutex_);
  std::map<std::string, std::map<std::string, std::int32_t>, std::less<>> forbidden_
      ONCE_GUARDED_BY(mutex_);
  std::atomic<bool> any_forbidden_{false};
  std::size_t alive_ ONCE_GUARDED_BY(mutex_) = 0;
  model::DataVersion version_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
