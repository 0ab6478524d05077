#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace oncemq::model {

// Message properties in their stored form: `name 0x01 value 0x02` repeated, the last 0x02 may be
// missing (remoting.md §6). Names that the broker itself reads or writes:
namespace property {
inline constexpr std::string_view kKeys = "KEYS";
inline constexpr std::string_view kTags = "TAGS";
inline constexpr std::string_view kWait = "WAIT";
inline constexpr std::string_view kDelayLevel = "DELAY";
inline constexpr std::string_view kRetryTopic = "RETRY_TOPIC";
inline constexpr std::string_view kRealTopic = "REAL_TOPIC";
inline constexpr std::string_view kRealQueueId = "REAL_QID";
inline constexpr std::string_view kHalfMessage = "TRAN_MSG";
inline constexpr std::string_view kProducerGroup = "PGROUP";
inline constexpr std::string_view kOriginMessageId = "ORIGIN_MESSAGE_ID";
inline constexpr std::string_view kReconsumeTime = "RECONSUME_TIME";
inline constexpr std::string_view kMaxReconsumeTimes = "MAX_RECONSUME_TIMES";
inline constexpr std::string_view kMsgRegion = "MSG_REGION";
inline constexpr std::string_view kTraceOn = "TRACE_ON";
inline constexpr std::string_view kReplyToClient = "REPLY_TO_CLIENT";
inline constexpr std::string_view kPushReplyTime = "PUSH_REPLY_TIME";
inline constexpr std::string_view kUniqueKey = "UNIQ_KEY";
inline constexpr std::string_view kCluster = "CLUSTER";
inline constexpr std::string_view kPopCheckpoint = "POP_CK";
inline constexpr std::string_view kCrc32 = "__CRC32#";
inline constexpr std::string_view kInnerNum = "INNER_NUM";
inline constexpr std::string_view kTimerDelaySec = "TIMER_DELAY_SEC";
inline constexpr std::string_view kTimerDelayMs = "TIMER_DELAY_MS";
inline constexpr std::string_view kTimerDeliverMs = "TIMER_DELIVER_MS";
inline constexpr std::string_view kTimerOutMs = "TIMER_OUT_MS";
inline constexpr std::string_view kTimerEnqueueMs = "TIMER_ENQUEUE_MS";
inline constexpr std::string_view kTimerDequeueMs = "TIMER_DEQUEUE_MS";
inline constexpr std::string_view kTimerRollTimes = "TIMER_ROLL_TIMES";
inline constexpr std::string_view kTimerDeleteKey = "TIMER_DEL_UNIQKEY";
// Ours (docs/timers.md, Records); senders cannot set them.
inline constexpr std::string_view kOnceDueMs = "ONCE_DUE_MS";
inline constexpr std::string_view kOnceTimer = "ONCE_TIMER";
inline constexpr std::string_view kOnceDelay = "ONCE_DELAY";  // broker/schedule.h
// Ours, see docs/atomic-commits.md.
inline constexpr std::string_view kAtomicId = "ONCE_ATOMIC_ID";
// Ours, see docs/dead-letters.md.
inline constexpr std::string_view kDeadCause = "DEAD_CAUSE";
inline constexpr std::string_view kRetryAttempts = "RETRY_ATTEMPTS";
inline constexpr std::string_view kReplayOf = "REPLAY_OF";
inline constexpr std::string_view kReplayBy = "REPLAY_BY";
inline constexpr std::string_view kReplayTime = "REPLAY_TIME";
inline constexpr std::string_view kReplayCount = "REPLAY_COUNT";
inline constexpr std::string_view kMark = "MARK";
inline constexpr std::string_view kMarkOf = "MARK_OF";
inline constexpr std::string_view kMarkGroup = "MARK_GROUP";
inline constexpr std::string_view kMarkBy = "MARK_BY";
inline constexpr std::string_view kMarkTo = "MARK_TO";
inline constexpr std::string_view kMarkTime = "MARK_TIME";
}  // namespace property

inline constexpr char kNameEnd = '\x01';
inline constexpr char kPairEnd = '\x02';

// Walks the pairs in order; a pair without kNameEnd, without a name or without a value is skipped,
// as upstream's decoder does. Views into `text`. Thread rule: confined.
class PropertyCursor {
 public:
  explicit PropertyCursor(std::string_view text) : rest_(text) {}
  bool next(std::string_view& name, std::string_view& value);
  // What next() repeats, for who counts its steps: takes one pair off, false when it is to be
  // skipped. Not at the end.
  bool take(std::string_view& name, std::string_view& value);
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// Value of `name`, or nothing; an empty value counts as none. The last pair of that name counts, as
// in the map that clients decode into.
std::optional<std::string_view> find_property(std::string_view properties, std::string_view name);

// Appends one pair to `properties`, closing an open last pair first.
void append_property(std::string& properties, std::string_view name, std::string_view value);

// Copy without the pairs of that name; set_property also appends the new pair.
std::string without_property(std::string_view properties, std::string_view name);
void set_property(std::string& properties, std::string_view name, std::string_view value);

// java.lang.String.hashCode over UTF-16 units of UTF-8 text; malformed bytes count as U+FFFD.
// `seed` continues the hash of text before.
std::int32_t java_hash(std::string_view text, std::int32_t seed = 0);

// Tag hash as the consume queue stores it: java_hash, sign-extended; 0 without a tag.
inline std::int64_t tags_code(std::string_view tag) {
  return tag.empty() ? 0 : java_hash(tag);
}

}  // namespace oncemq::model
