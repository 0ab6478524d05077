#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace oncemq::model {

namespace perm {
inline constexpr std::int32_t kInherit = 1;
inline constexpr std::int32_t kWrite = 2;
inline constexpr std::int32_t kRead = 4;
}  // namespace perm

// As topics.json and the admin requests carry it. Thread rule: external.
struct TopicConfig {
  std::string name;
  std::int32_t read_queues = 8;
  std::int32_t write_queues = 8;
  std::int32_t perm = perm::kRead | perm::kWrite;
  bool multi_tag = false;     // topicFilterType MULTI_TAG
  std::int32_t sys_flag = 0;  // bit 0 unit, bit 1 unit subscription
  bool order = false;
  std::map<std::string, std::string> attributes;

  bool operator==(const TopicConfig&) const = default;
  bool readable() const { return (perm & perm::kRead) != 0; }
  bool writable() const { return (perm & perm::kWrite) != 0; }
};

// Change counter of a table (upstream DataVersion); equality compares all three.
struct DataVersion {
  std::int64_t state_version = 0;
  std::int64_t timestamp = 0;  // ms since epoch
  std::int64_t counter = 0;

  bool operator==(const DataVersion&) const = default;
  void bump(std::int64_t now_ms) {
    timestamp = now_ms;
    ++counter;
  }
};

namespace topic {
inline constexpr std::string_view kAutoCreate = "TBW102";
inline constexpr std::string_view kSchedule = "SCHEDULE_TOPIC_XXXX";
inline constexpr std::string_view kHalf = "RMQ_SYS_TRANS_HALF_TOPIC";
inline constexpr std::string_view kHalfOp = "RMQ_SYS_TRANS_OP_HALF_TOPIC";
inline constexpr std::string_view kTransCheckMax = "TRANS_CHECK_MAX_TIME_TOPIC";
inline constexpr std::string_view kSelfTest = "SELF_TEST_TOPIC";
inline constexpr std::string_view kOffsetMoved = "OFFSET_MOVED_EVENT";
inline constexpr std::string_view kTimer = "rmq_sys_wheel_timer";
inline constexpr std::string_view kTrace = "RMQ_SYS_TRACE_TOPIC";
inline constexpr std::string_view kBenchmark = "BenchmarkTest";
inline constexpr std::string_view kRetryPrefix = "%RETRY%";
inline constexpr std::string_view kDlqPrefix = "%DLQ%";
inline constexpr std::string_view kSystemPrefix = "rmq_sys_";
inline constexpr std::string_view kReplySuffix = "_REPLY_TOPIC";
inline constexpr std::string_view kDeadLetterMark = "rmq_sys_DEAD_LETTER_MARK";
inline constexpr std::string_view kPopLog = "rmq_sys_once_pop";        // docs/pop.md
inline constexpr std::string_view kAtomicLog = "rmq_sys_once_atomic";  // docs/atomic-commits.md
inline constexpr std::string_view kRevivePrefix = "rmq_sys_REVIVE_LOG_";

std::string retry_topic(std::string_view group);
std::string dlq_topic(std::string_view group);
bool is_retry(std::string_view topic);
bool is_dlq(std::string_view topic);
// Names that the broker creates for itself; clients may not create or delete them (remoting.md
// §15).
bool is_system(std::string_view topic);
// Topics that no client may send to (remoting.md §7 no. 5).
bool is_forbidden_target(std::string_view topic);
}  // namespace topic

// Legal characters % | _ - letters digits; 1..127 bytes, 255 with a retry or DLQ prefix.
// kInvalidArgument with the reason.
Status check_topic_name(std::string_view name);
// The same characters; 1..max_size bytes. Groups made by an operator obey kMaxGroupSize; what
// clients bring along (heartbeats, offsets) may be up to kMaxClientGroupSize. kInvalidArgument with
// the reason.
inline constexpr std::size_t kMaxGroupSize = 120;
inline constexpr std::size_t kMaxClientGroupSize = 255;
Status check_group_name(std::string_view name, std::size_t max_size = kMaxGroupSize);

}  // namespace oncemq::model
