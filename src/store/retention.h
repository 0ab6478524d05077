#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "os/clock.h"
#include "os/disk.h"
#include "store/dispatcher.h"
#include "store/key_index.h"
#include "store/layout.h"
#include "store/log_files.h"
#include "store/message_store.h"
#include "store/queue_files.h"
#include "store/queue_table.h"
#include "store/watermarks.h"
#include "store/write_gate.h"

namespace oncemq::store {

// Deletes what is too old, and watches the disk (store.md §14): expired log files in the hours of
// deleteWhen or above diskMaxUsedSpaceRatio; any file above diskSpaceCleanForciblyRatio; above
// diskSpaceWarningLevelRatio, or below the floor of free bytes, sends are refused until there is
// room again. At most kBatch files per pass, oldest first, never the last, never what is not
// durable and dispatched. Then queue and index files that only speak of deleted records.
// Thread rule: dispatcher role; space(), hold() and held_back() from anywhere.
class Retention {
 public:
  static constexpr std::int64_t kIntervalMs = 10'000;  // cleanResourceInterval
  static constexpr int kBatch = 10;                    // deleteFileBatchMax

  Retention(os::Disk& disk, os::Clock& clock, const Layout& layout, const StoreOptions& options,
            LogFiles& files, const Watermarks& marks, QueueTable& queues, QueueFiles& queue_files,
            KeyIndex* index, WriteGate& gate, Dispatcher& dispatcher);

  // Does a pass when the interval is over; cheap otherwise.
  void run();
  // A pass that deletes what is expired whatever the hour.
  void clean_now();

  struct Space {
    double log_used = 0;  // of the partition, 0..1
    double queues_used = 0;
  };
  Space space() const { return {log_used_.load(), queues_used_.load()}; }

  // See MessageStore. Any thread.
  void hold(LogOffset from) { hold_.store(from.value); }
  LogOffset held_back() const { return {held_back_.load()}; }

 private:
  struct Pressure {
    bool over_limit = false;  // delete expired files at any hour
    bool force = false;       // delete files of any age
  };
  void pass(bool manual);
  Pressure measure();
  bool in_delete_hour() const;
  // Returns how many log files went.
  Result<int> clean_log(bool force);
  Status clean_derived();
  Status trim_queues();

  os::Disk& disk_;
  os::Clock& clock_;
  const Layout& layout_;
  const StoreOptions& options_;
  LogFiles& files_;
  const Watermarks& marks_;
  QueueTable& queues_;
  QueueFiles& queue_files_;
  KeyIndex* const index_;
  WriteGate& gate_;
  Dispatcher& dispatcher_;
  std::vector<int> hours_;
  std::int64_t next_ms_ = 0;
  LogOffset cleaned_for_{-1};  // log minimum that queue and index files were cleaned for
  std::atomic<std::int64_t> hold_{INT64_MAX};
  std::atomic<std::int64_t> held_back_{0};
  std::atomic<double> log_used_{0};
  std::atomic<double> queues_used_{0};
};

}  // namespace oncemq::store
