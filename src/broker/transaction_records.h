#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/options.h"
#include "broker/send_batch.h"
#include "broker/topic_table.h"
#include "broker/transaction_states.h"
#include "model/message.h"
#include "store/message_store.h"

// The records of transactions in Apache's formats (docs/transactions.md); nothing here decides.
namespace oncemq::broker {

namespace transaction_property {
inline constexpr std::string_view kId = "__transactionId__";
inline constexpr std::string_view kCheckTimes = "TRANSACTION_CHECK_TIMES";
inline constexpr std::string_view kImmunitySeconds = "CHECK_IMMUNITY_TIME_IN_SECONDS";
inline constexpr std::string_view kPreparedQueueOffset = "TRAN_PREPARED_QUEUE_OFFSET";
// Ours; Apache ignores them.
inline constexpr std::string_view kVerdicts = "ONCE_VERDICTS";
inline constexpr std::string_view kHalfOffset = "ONCE_HALF_OFFSET";
}  // namespace transaction_property

// What the properties of a half message say. Views into the record.
struct HalfMessage {
  model::RecordView record;
  std::string_view group;
  std::string_view topic;  // the real one
  std::int32_t queue_id = 0;
  std::string_view unique_key;
  std::string_view transaction_id;
  std::int64_t immunity_ms = -1;      // -1: not given
  std::int64_t prepared_offset = -1;  // half-queue offset that an Apache broker first stored it at
  std::int32_t checks = 0;            // as an Apache broker counted them
  std::int64_t origin = -1;           // of a discarded one: its half-queue offset
};

// Nothing when the record is no half message, or cannot become a message: no real topic or queue.
std::optional<HalfMessage> read_half(const model::RecordView& record);

// Turns a message that is ready for its topic and queue into the half message for it: topic and
// queue change, the pairs that the checker needs are added. `unique_key` is the message's.
void make_half(const TopicEntry& half_topic, std::string_view producer_group,
               std::string_view unique_key, store::AppendItem& item, Arena& arena);

// The committed message. Views into the record and the arena. kMessageIllegal: its properties leave
// no room.
Status make_committed(const HalfMessage& half, const TopicEntry& topic, store::AppendItem& item,
                      Arena& arena);

// A copy of the half message for `topic` (queue 0): discarded, or resumed.
void make_copy(const HalfMessage& half, std::int64_t half_offset, std::int32_t checks,
               const TopicEntry& topic, store::AppendItem& item, Arena& arena);

// One half message of an op record.
struct OpEntry {
  std::int64_t half = 0;
  TransactionState state = TransactionState::kDone;

  bool operator==(const OpEntry&) const = default;
};

// Body and properties of op records for the entries, in the arena. `kOpEntries` fit into one:
// 20 digits and a comma each stay below Apache's transactionOpMsgMaxSize of 4096 bytes.
inline constexpr std::size_t kOpEntries = 190;
void make_op(std::span<const OpEntry> entries, const TopicEntry& op_topic, const Address& host,
             std::int64_t now_ms, store::AppendItem& item, Arena& arena);
// What an op record says; entries that are no numbers are left out, as are verdicts that nobody
// writes. Both forms of upstream: offsets with commas (5.x), one without (4.x).
std::vector<OpEntry> read_op(const model::RecordView& record);

// The half message as the producer is asked about it: its record with the real topic and queue, and
// the number of this check.
std::string make_check_body(const HalfMessage& half, std::int32_t checks);

}  // namespace oncemq::broker
