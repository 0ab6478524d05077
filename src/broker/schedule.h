#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "broker/broker_stats.h"
#include "broker/options.h"
#include "broker/send_batch.h"
#include "broker/topic_table.h"
#include "model/message.h"
#include "model/offsets.h"
#include "model/topic.h"
#include "os/clock.h"
#include "store/message_store.h"

namespace oncemq::broker {

// Delivers delayed messages: level n waits in queue n - 1 of SCHEDULE_TOPIC_XXXX and is due its
// delay after its store time (store.md §11). A message is delivered at least once and never early;
// what is saved as a level's offset moves only past messages whose delivery the store has
// committed. Thread rule: confined to the service thread, except dump(), take_dirty() and levels().
class Schedule {
 public:
  Schedule(const Options& options, TopicTable& topics, store::MessageStore& store,
           BrokerStats& stats, os::Clock& clock);

  // delayOffset.json. kCorrupt.
  Status load(std::string_view json);
  std::string dump() const;
  // True once after changes; the caller writes dump().
  bool take_dirty();

  // Delivers what is due; returns in how many ms it wants to be called again: 0 when there is more
  // to do at once, at most kPollMs.
  std::int64_t tick();
  static constexpr std::int64_t kPollMs = 100;

  struct Level {
    std::int32_t level = 0;
    model::QueueOffset offset;  // delivered up to here (exclusive)
    model::QueueOffset max;     // end of the level's queue
  };
  std::vector<Level> levels() const;

 private:
  // Messages delivered per level and tick: no level keeps the others waiting for long.
  static constexpr std::size_t kBudget = 2'000;
  static constexpr std::int32_t kReadMessages = 128;
  static constexpr std::int32_t kReadBytes = 1 << 20;

  // Delivered, but perhaps not yet committed.
  struct Pending {
    model::QueueOffset next;
    store::AppendedOffset end;
  };
  struct Line {
    model::QueueOffset read;          // next to look at
    model::QueueOffset done;          // delivered and committed up to here
    std::deque<Pending> pending;      // between done and read
    std::int64_t sleep_until_ms = 0;  // wall; nothing is due before
  };

  std::int64_t tick_line(std::size_t index, std::int64_t now_ms);
  bool deliver(std::size_t index, const store::ReadResult& read, std::int64_t now_ms);
  void stage(const model::RecordView& record);
  std::int64_t wait_of(std::size_t index, std::int64_t now_ms) const;
  void settle(Line& line) ONCE_REQUIRES(mutex_);

  const Options& options_;
  TopicTable& topics_;
  store::MessageStore& store_;
  BrokerStats& stats_;
  os::Clock& clock_;
  std::vector<store::AppendItem> items_;
  Arena arena_;

  mutable Mutex mutex_;
  std::vector<Line> lines_ ONCE_GUARDED_BY(mutex_);
  bool dirty_ ONCE_GUARDED_BY(mutex_) = false;
  std::uint64_t changes_ ONCE_GUARDED_BY(mutex_) = 0;
  model::DataVersion version_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
