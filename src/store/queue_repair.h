#pragma once

#include <cstdint>
#include <vector>

#include "store/deleted_topics.h"
#include "store/live_queue.h"
#include "store/log_files.h"
#include "store/queue_files.h"

namespace oncemq::store {

// Writes the entries of one queue again from the log, because a file of it is gone or has a hole.
// Entries that are still there are overwritten by the same; those whose records are gone from the
// log stay a hole. Works in portions between which the log grows and loses files. Thread rule:
// confined to the dispatcher role.
class QueueRepair {
 public:
  // Entries in [queue_begin, queue_end) are made again. `end`: the log below is dispatched. What
  // the queue gets later it gets in the ordinary way.
  QueueRepair(const LogFiles& log, QueueFiles& files, const DeletedTopics& deleted,
              const std::vector<std::int64_t>& delay_levels_ms, const ConsumeQueue& queue,
              QueueOffset queue_begin, QueueOffset queue_end, LogOffset end);

  const ConsumeQueue& queue() const { return queue_; }
  // Reads about `bytes` of the log; true when all was read. kIo | kNoSpace.
  Result<bool> some(std::int64_t bytes);
  std::int64_t written() const { return written_; }

 private:
  static constexpr std::size_t kRun = 4096;  // entries written at once

  Status add(QueueOffset at, const QueueEntry& entry);
  Status flush();

  const LogFiles& log_;
  QueueFiles& files_;
  const DeletedTopics& deleted_;
  const std::vector<std::int64_t>& delay_levels_ms_;
  const ConsumeQueue& queue_;
  QueueOffset next_;  // of two records for one place the first has it, as upstream
  const QueueOffset queue_end_;
  const LogOffset end_;
  LogOffset position_;
  QueueOffset run_begin_;
  std::vector<QueueEntry> run_;
  std::int64_t written_ = 0;
};

}  // namespace oncemq::store
