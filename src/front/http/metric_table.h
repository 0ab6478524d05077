#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/metrics_text.h"

namespace oncemq::front {

// Every metric of the broker, in the order of the page; the rows are in metric_table.cc.
enum class Metric : std::size_t {
  kBuildInfo,
  kStartTime,
  kStartup,
  kCpu,
  kResident,
  kMemory,

  kConnections,
  kAccepted,
  kRefused,
  kBytesIn,
  kBytesOut,
  kLoopTicks,
  kHttpConnections,
  kHttpAnswers,
  kScrape,

  kRequests,
  kAnswers,
  kBadFrames,
  kSendAppended,
  kSendCommitted,
  kSendAnswered,
  kSendsFailed,
  kParkedPulls,

  kTopics,
  kGroups,
  kGroupsOnline,
  kTopicIn,
  kTopicInBytes,
  kTopicOut,
  kTopicOutBytes,
  kGroupOut,
  kGroupOutBytes,
  kLagMessages,
  kLagSeconds,
  kInFlight,
  kFilterOver,
  kDlqMessages,
  kDeadLetters,
  kRedeliveries,
  kGroupRedeliveries,
  kTransactionsOpen,
  kTransactionAge,
  kChecks,
  kChecksUnanswered,
  kTransactionsDiscarded,
  kAtomicCommits,
  kRepeats,
  kKeys,
  kKeysEvicted,
  kKeysLost,
  kKeyFileBytes,
  kFaults,
  kTimersWaiting,
  kTimersUnread,
  kTimerLag,

  kWritable,
  kLogEnd,
  kLogStart,
  kLogFiles,
  kDispatchLag,
  kOldestMessage,
  kDiskUsed,
  kSync,
  kDamagedPlaces,
  kDamagedReads,
  kCount,
};

std::span<const MetricRow> metric_table();
// The content of docs/metrics.md.
std::string metrics_markdown();

}  // namespace oncemq::front
