#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/ids.h"
#include "broker/options.h"
#include "model/offsets.h"
#include "model/topic.h"
#include "os/clock.h"

namespace oncemq::broker {

// What every group has consumed, and resets that wait for the group's next pull. Thread rule:
// monitor.
class ConsumerOffsets {
 public:
  using Table = std::map<std::int32_t, model::ConsumeOffset>;  // by queue id

  ConsumerOffsets(const Options& options, os::Clock& clock);

  // consumerOffset.json, with the resets that wait. kCorrupt.
  Status load(std::string_view json);
  std::string dump() const;
  // True once after changes; the caller writes dump().
  bool take_dirty();

  // Stored even when smaller than before. Ignored, with OK, while a reset of the queue waits.
  // Returns where the group was, 0 if that is not known, and `offset` when it stays there or was
  // ignored. kBusy at the bound.
  Result<model::ConsumeOffset> commit(std::string_view group, std::string_view topic,
                                      std::int32_t queue_id, model::ConsumeOffset offset);
  // Stored only where the group is at `from` (nothing: it has no offset); otherwise somebody else
  // has moved it, and nothing happens. kBusy at the bound.
  Status move(std::string_view group, std::string_view topic, std::int32_t queue_id,
              std::optional<model::ConsumeOffset> from, model::ConsumeOffset to);
  // Transactions below this place of their queue are contained in the offsets, and in a dump.
  model::QueueOffset settled() const;
  void set_settled(model::QueueOffset end);
  // Stored value, or nothing.
  std::optional<model::ConsumeOffset> query(std::string_view group, std::string_view topic,
                                            std::int32_t queue_id) const;
  Table queues(std::string_view group, std::string_view topic) const;
  std::vector<std::string> topics_of(std::string_view group) const;  // sorted
  std::vector<std::string> groups_of(std::string_view topic) const;  // sorted
  // All rows: visit(topic, group, table).
  void for_each(const std::function<void(const std::string& topic, const std::string& group,
                                         const Table&)>& visit) const;

  // Server-side reset: stored as the group's offset at once, and handed to its next pull, also when
  // that one comes after a restart. kBusy.
  Status assign_reset(std::string_view group, std::string_view topic, std::int32_t queue_id,
                      model::ConsumeOffset offset);
  // Returns the waiting reset once. Cheap while nobody resets anything.
  std::optional<model::ConsumeOffset> take_reset(std::string_view group, std::string_view topic,
                                                 std::int32_t queue_id);

  // Copies all offsets of a topic (request 314). kBusy.
  Status clone(std::string_view from_group, std::string_view to_group, std::string_view topic);
  void remove_group(std::string_view group);
  void remove_topic(std::string_view topic);
  std::size_t memory_bytes() const;

 private:
  struct Row {
    std::string topic;
    std::string group;
    Table queues;
  };
  // Key: topic, '@', group, as in the file.
  using Rows = std::unordered_map<std::string, Row, TextHash, std::equal_to<>>;

  static Row& row(Rows& rows, std::string_view group, std::string_view topic);
  static Table& queues_of(Rows& rows, const std::string& key);
  static const Row* find_row(const Rows& rows, std::string_view group, std::string_view topic);
  Result<model::ConsumeOffset> store(std::string_view group, std::string_view topic,
                                     std::int32_t queue_id, model::ConsumeOffset offset)
      ONCE_REQUIRES(mutex_);
  void remove_rows(std::string Row::*field, std::string_view name) ONCE_REQUIRES(mutex_);
  void changed() ONCE_REQUIRES(mutex_);

  const Options& options_;
  os::Clock& clock_;
  mutable Mutex mutex_;
  Rows rows_ ONCE_GUARDED_BY(mutex_);
  Rows resets_ ONCE_GUARDED_BY(mutex_);
  std::atomic<bool> any_reset_{false};  // spares every pull the lock
  std::size_t entries_ ONCE_GUARDED_BY(mutex_) = 0;
  std::uint64_t changes_ ONCE_GUARDED_BY(mutex_) = 0;
  bool dirty_ ONCE_GUARDED_BY(mutex_) = false;
  std::int64_t settled_ ONCE_GUARDED_BY(mutex_) = 0;
  model::DataVersion version_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
