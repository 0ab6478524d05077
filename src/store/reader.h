#pragma once

#include <cstdint>

#include "base/log.h"
#include "base/result.h"
#include "os/clock.h"
#include "store/live_queue.h"
#include "store/log_files.h"
#include "store/message_store.h"
#include "store/watermarks.h"

namespace oncemq::store {

// Finds records through queue entries and gives them out as spans of the mapped log; nothing is
// copied. Records of older files ("cold") and those of an earlier process are brought into memory
// before they are touched and checked against their CRC the first time. Thread rule: monitor.
class Reader {
 public:
  Reader(const LogFiles& files, const Watermarks& marks, os::Clock& clock)
      : files_(files), marks_(marks), clock_(clock), found_end_(marks.flushed().value) {}

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

  const LogFiles& files_;
  const Watermarks& marks_;
  os::Clock& clock_;
  const LogOffset found_end_;           // records below were written by an earlier process
  mutable log::Limited damaged_{1000};  // at most one line per second
};

}  // namespace oncemq::store
