#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "base/result.h"
#include "model/offsets.h"

namespace oncemq::model {

namespace sysflag {
inline constexpr std::int32_t kCompressed = 0x1;
inline constexpr std::int32_t kTransactionMask = 0xC;
inline constexpr std::int32_t kTransactionNone = 0x0;
inline constexpr std::int32_t kTransactionPrepared = 0x4;
inline constexpr std::int32_t kTransactionCommit = 0x8;
inline constexpr std::int32_t kTransactionRollback = 0xC;
inline constexpr std::int32_t kBornHostV6 = 0x10;
inline constexpr std::int32_t kStoreHostV6 = 0x20;
inline constexpr std::int32_t kNeedUnwrap = 0x40;
inline constexpr std::int32_t kInnerBatch = 0x80;
}  // namespace sysflag

// A message on its way into the log: views, valid for the duration of the append call. Thread rule:
// external.
struct Message {
  std::string_view topic;
  std::int32_t queue_id = 0;
  std::int32_t flag = 0;
  std::int32_t sys_flag = 0;  // the host-family bits are set by the encoder
  std::int64_t born_timestamp = 0;
  Address born_host;
  Address store_host;
  std::int32_t reconsume_times = 0;
  LogOffset prepared_transaction_offset{};
  Bytes body;                         // as stored (already compressed if sys_flag says so)
  std::string_view properties;        // pairs from the sender
  std::string_view extra_properties;  // pairs that the broker adds behind them; must end with
                                      // kPairEnd or be empty
  std::int64_t tags_code =
      0;  // what the consume queue keeps (tag hash, or due time in the schedule topic)
  std::int64_t delay_ms = 0;   // > 0 (schedule topic): tags_code becomes store time + this
  bool wait_committed = true;  // false: answered when flushed (property WAIT=false)
};

// A record as it stands in the log, decoded in place: views into the record's bytes. Thread rule:
// external.
struct RecordView {
  std::int32_t total_size = 0;
  bool is_v2 = false;
  std::int32_t body_crc = 0;
  std::int32_t queue_id = 0;
  std::int32_t flag = 0;
  QueueOffset queue_offset;
  LogOffset log_offset;
  std::int32_t sys_flag = 0;
  std::int64_t born_timestamp = 0;
  Address born_host;
  std::int64_t store_timestamp = 0;
  Address store_host;
  std::int32_t reconsume_times = 0;
  LogOffset prepared_transaction_offset;
  Bytes body;
  std::string_view topic;
  std::string_view properties;

  std::int32_t transaction_type() const { return sys_flag & sysflag::kTransactionMask; }
};

}  // namespace oncemq::model
