#pragma once

#include <cstdint>

#include "dedup/key.h"
#include "model/offsets.h"

namespace oncemq::dedup {

// Where the first message of a key went. Thread rule: immutable value.
struct Original {
  model::LogOffset log_offset;
  model::QueueOffset queue_offset;
  std::int32_t queue_id = 0;
  std::int32_t size = 0;     // record bytes; 0: long durable, nobody has to wait for it
  std::int64_t time_ms = 0;  // store time, ms since epoch; of old ones a little too late
};

// A remembered key, on its way from the young ones through a journal into a partition.
struct PartitionEntry {
  MessageKey key;
  Original original;
};

}  // namespace oncemq::dedup
