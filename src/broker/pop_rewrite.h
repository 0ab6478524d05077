#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "broker/popper.h"
#include "store/message_store.h"

// Records that clients must see otherwise than they stand in the log: copies, pinned by the span.
namespace oncemq::broker {

// Where the messages that were read stand in their queue, in order.
std::vector<model::QueueOffset> pop_offsets(const store::ReadResult& read);

// The first record of `span` with the number of its deliveries: reconsumeTimes is what the record
// says plus `deliveries` - 1. The first delivery is the record itself.
store::LogSpan rewrite_delivery(const store::LogSpan& span, std::int32_t deliveries);

// Records of one of Apache's retry topics, as if they came from `topic`, each with its handle
// (property POP_CK), because the client cannot make it from the topic that it sees. Appended to
// `out`, one span per record.
void rewrite_pop_records(const store::LogSpan& span, std::string_view topic, PopSource source,
                         std::int64_t token, std::int64_t invisible_ms,
                         std::string_view broker_name, std::vector<store::LogSpan>& out,
                         std::int32_t deliveries = 1);

}  // namespace oncemq::broker
