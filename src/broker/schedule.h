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
// delay after its store time (store.md §11). A message is delivered once and never early, also
// across a crash: each delivered message carries ONCE_DELAY=<level>:<offset in the schedule queue>,
// what is saved as a level's offset moves only past messages whose delivery is durable, and what
// was delivered since is read from the log at the start. Thread rule: confined to the service
// thread, except dump(), take_dirty() and levels().
class Schedule {
 public:
  Schedule(const Options& options, TopicTable& topics, store::MessageStore& store,
           BrokerStats& stats, os::Clock& clock);

  // delayOffset.json, and the deliveries behind it in the log. kCorrupt | kIo.
  Status load(std::string_view json);
  std::string dump() const;
  // True once after changes, and when the log has grown so much since the last dump() that a start
  // would have to read far; the caller writes dump().
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

  // A start reads at most about this much of the log that it need not have read.
  static constexpr std::int64_t kSaveLogBytes = 64LL << 20;

  // Delivered, but perhaps not yet durable.
  struct Pending {
    model::QueueOffset next;
    store::AppendedOffset end;
    model::LogOffset begin;
  };
  struct Line {
    model::QueueOffset read;          // next to look at
    model::QueueOffset done;          // delivered and durable up to here
    std::deque<Pending> pending;      // between done and read
    std::int64_t sleep_until_ms = 0;  // wall; nothing is due before
  };

  std::int64_t tick_line(std::size_t index, std::int64_t now_ms);
  bool deliver(std::size_t index, const store::ReadResult& read, std::int64_t now_ms);
  void stage(std::size_t index, const model::RecordView& record);
  Status find_deliveries(model::LogOffset known);
  model::LogOffset first_waiting() const;
  std::int64_t wait_of(std::size_t index, std::int64_t now_ms) const;
  void settle(Line& line) ONCE_REQUIRES(mutex_);
  model::LogOffset settled_log() const ONCE_REQUIRES(mutex_);

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
  mutable model::LogOffset saved_log_ ONCE_GUARDED_BY(mutex_);  // of the last dump()
  model::DataVersion version_ ONCE_GUARDED_BY(mutex_);
};

}  // namespace oncemq::broker
