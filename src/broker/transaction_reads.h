#pragma once

#include <cstdint>

#include "base/result.h"
#include "model/record_codec.h"
#include "store/message_store.h"

// Reading the queues of transactions.
namespace oncemq::broker {

// A read of up to 256 messages and about 1 MB from a queue.
inline store::ReadRequest read_from(store::ConsumeQueue* queue, std::int64_t offset) {
  store::ReadRequest request;
  request.queue = queue;
  request.offset = {offset};
  request.max_messages = 256;
  request.max_bytes = 1 << 20;
  return request;
}

// The message of a span that holds one, its body verified. kMessageNotFound, kCorrupt.
inline Result<model::RecordView> message_of(const store::LogSpan& span) {
  auto decoded = model::decode_record(span.bytes, model::Verify::kBody);
  if (!decoded.has_value()) return fail(std::move(decoded.error()));
  if (decoded->kind != model::RecordKind::kMessage)
    return fail(Errc::kMessageNotFound, "no message at that offset");
  return decoded->record;
}

// Calls `visit` for each message of the spans; it returns false to stop.
template <class Visit>
void for_each_message(const store::ReadResult& read, const Visit& visit) {
  for (const store::LogSpan& span : read.spans) {
    Bytes rest = span.bytes;
    while (!rest.empty()) {
      const auto decoded = model::decode_record(rest, model::Verify::kNone);
      if (!decoded.has_value() || decoded->kind != model::RecordKind::kMessage) break;
      if (!visit(decoded->record)) return;
      rest = rest.subspan(static_cast<std::size_t>(decoded->size));
    }
  }
}

}  // namespace oncemq::broker
