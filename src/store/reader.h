#pragma once

#include <cstdint>

#include "base/result.h"
#include "store/damage.h"
#include "store/live_queue.h"
#include "store/log_files.h"
#include "store/message_store.h"
#include "store/watermarks.h"

namespace oncemq::store {

// Finds records through queue entries and gives them out as spans of the mapped log; nothing is
// copied. Records of older files ("cold") and those of an earlier process are brought into memory
// before they are touched and checked against their CRC the first time; of all it is looked whether
// they are what the entry says. What fails goes to `damage` and is not served. Thread rule:
// monitor.
class Reader {
 public:
  Reader(const LogFiles& files, const Watermarks& marks, Damage& damage)
      : files_(files), marks_(marks), damage_(damage), found_end_{marks.flushed().value} {}

  ReadResult read(const ReadRequest& request) const;
  // kMessageNotFound | kCorrupt | kIo.
  Result<LogSpan> record(LogOffset offset) const;
  // The entry of a queue offset that is committed and still has its record. kMessageNotFound | kIo.
  static Result<QueueEntry> entry(const LiveQueue& queue, QueueOffset offset);
  // kMessageNotFound | kIo.
  Result<std::int64_t> store_time(LogOffset offset) const;
  // First offset whose record is not older than `timestamp_ms` (lower), or the last that is not
  // younger (upper).
  QueueOffset offset_by_time(const LiveQueue& queue, std::int64_t timestamp_ms,
                             Boundary boundary) const;

 private:
  class Gatherer;

  static QueueOffset behind_hole(const LiveQueue& queue, QueueOffset hole);

  const LogFiles& files_;
  const Watermarks& marks_;
  Damage& damage_;
  const LogOffset found_end_;  // records below were written by an earlier process
};

}  // namespace oncemq::store
