#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "model/properties.h"

namespace oncemq::sdk {

// Properties that this library or brokers write: an application's would change what they mean.
inline bool is_reserved(std::string_view name) {
  namespace property = model::property;
  static constexpr std::array kNames{
      property::kKeys,         property::kTags,           property::kWait,
      property::kDelayLevel,   property::kUniqueKey,      property::kTimerDelaySec,
      property::kTimerDelayMs, property::kTimerDeliverMs, property::kHalfMessage,
      property::kRetryTopic,   property::kRealTopic,      property::kRealQueueId,
      property::kPopCheckpoint};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// Properties that brokers add and that say nothing to an application.
inline bool is_of_brokers(std::string_view name) {
  namespace property = model::property;
  static constexpr std::array kNames{
      property::kMsgRegion,     property::kTraceOn,           property::kCluster,
      property::kCrc32,         property::kOriginMessageId,   property::kReconsumeTime,
      property::kProducerGroup, property::kMaxReconsumeTimes, property::kInnerNum,
      property::kTimerOutMs,    property::kTimerEnqueueMs,    property::kTimerDequeueMs,
      property::kOnceDueMs,     property::kTimerRollTimes,    property::kOnceTimer,
      property::kOnceDelay,     property::kRetryAttempts};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace oncemq::sdk
