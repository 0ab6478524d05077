#pragma once

#include <cstddef>

#include "base/json.h"
#include "base/result.h"
#include "broker/topic_table.h"
#include "model/record_codec.h"

namespace oncemq::front {

// Bytes of a body that are shown.
inline constexpr std::size_t kBodyMax = 64 << 10;

// A stored message; `with_body` adds it as text when it is UTF-8, else in hex.
Json message_json(const model::RecordView& record, bool with_body);
// What a read of a queue found, as an array. kCorrupt.
Result<Json> messages_json(const store::ReadResult& read, bool with_body);
// Number and ends of a queue.
Json queue_json(const store::ConsumeQueue& queue);

}  // namespace oncemq::front
