#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

// The texts of POP that are no header fields of their own: handles, the lists from which clients
// make them, and the body of a batch ack (remoting.md §13.2, §13.4).
namespace oncemq::wire {

// POP_CK / extraInfo: `startOffset popTime invisibleTime reviveQid t broker queueId offset`. Views
// into the text.
struct ReceiptHandle {
  std::int64_t start_offset = 0;
  std::int64_t pop_time = 0;
  std::int64_t invisible_ms = 0;
  std::int32_t revive_queue = 0;
  std::int32_t source = 0;  // t: 0 topic, 1 retry topic V1, 2 retry topic V2
  std::string_view broker;
  std::int32_t queue_id = 0;
  std::int64_t offset = 0;
};
// kInvalidArgument with the part that is wrong.
Result<ReceiptHandle> parse_receipt_handle(std::string_view text);
std::string format_receipt_handle(const ReceiptHandle& handle);

// startOffsetInfo, as a client reads it: source and queue -> first offset. kBadBytes.
using PopStarts = std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t>;
Result<PopStarts> parse_pop_starts(std::string_view text);

// startOffsetInfo `t q start`, msgOffsetInfo `t q a,b,c`, orderCountInfo `t qo<q>%<offset> count`;
// entries are separated by ';'.
class PopInfoWriter {
 public:
  void begin_queue(std::int32_t source, std::int32_t queue_id, std::int64_t start_offset);
  void message(std::int64_t offset);
  void order_count(std::int32_t source, std::int32_t queue_id, std::int64_t offset,
                   std::int32_t count);

  const std::string& start_offsets() const { return start_offsets_; }
  const std::string& message_offsets() const { return message_offsets_; }
  const std::string& order_counts() const { return order_counts_; }

 private:
  std::string start_offsets_;
  std::string message_offsets_;
  std::string order_counts_;
  bool first_ = true;
};

// One entry of BATCH_ACK_MESSAGE.
struct BatchAckEntry {
  std::string group;
  std::string topic;  // of the message as the client sees it
  std::int32_t source = 0;
  std::int64_t start_offset = 0;
  std::int32_t queue_id = 0;
  std::int64_t pop_time = 0;
  std::vector<std::int64_t> offsets;
};
// Entries with their bits spread out. Bounds: kBatchAckMax messages in all, and bits up to
// kBatchAckSpan behind the start. kBadBytes; kInvalidArgument at a bound.
inline constexpr std::size_t kBatchAckMax = 16'384;
inline constexpr std::size_t kBatchAckSpan = 1U << 17;
Result<std::vector<BatchAckEntry>> decode_batch_ack(Bytes body);

}  // namespace oncemq::wire
