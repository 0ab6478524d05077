#pragma once

#include <cstdint>
#include <string_view>

#include "broker/options.h"
#include "broker/send_batch.h"
#include "broker/topic_table.h"
#include "store/message_store.h"

namespace oncemq::broker {

// The level that is used for a requested one (1-based): clipped to what the broker has.
std::int32_t clip_level(const Options& options, std::int32_t level);

// Turns a message that is ready for its topic and queue into one that waits in the schedule topic
// for the same: topic, queue and delay change, REAL_TOPIC and REAL_QID are added (the caller has
// removed older ones).
void divert(const Options& options, const TopicEntry& schedule, std::int32_t level,
            store::AppendItem& item, Arena& arena);

}  // namespace oncemq::broker
