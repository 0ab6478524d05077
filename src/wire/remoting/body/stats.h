#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/subscription.h"
#include "wire/remoting/body/body.h"

// What admin tools ask about topics, groups and queues.
namespace oncemq::wire {

// GET_TOPIC_STATS_INFO (202).
struct TopicQueueStats {
  std::int64_t last_update_timestamp = 0;  // store time of the last message, 0 when empty
  std::int64_t max_offset = 0;
  std::int64_t min_offset = 0;

  static constexpr auto members =
      json_members(json_member("lastUpdateTimestamp", &TopicQueueStats::last_update_timestamp),
                   json_member("maxOffset", &TopicQueueStats::max_offset),
                   json_member("minOffset", &TopicQueueStats::min_offset));
};
struct TopicStats {
  std::map<Queue, TopicQueueStats> queues;
  double put_tps = 0;

  static constexpr auto members = json_members(json_member("offsetTable", &TopicStats::queues),
                                               json_member("topicPutTps", &TopicStats::put_tps));
};

// GET_CONSUME_STATS (208).
struct ConsumeQueueStats {
  std::int64_t broker_offset = 0;
  std::int64_t consumer_offset = 0;
  std::int64_t last_timestamp = 0;  // store time of the message before consumer_offset
  std::int64_t pull_offset = 0;

  static constexpr auto members =
      json_members(json_member("brokerOffset", &ConsumeQueueStats::broker_offset),
                   json_member("consumerOffset", &ConsumeQueueStats::consumer_offset),
                   json_member("lastTimestamp", &ConsumeQueueStats::last_timestamp),
                   json_member("pullOffset", &ConsumeQueueStats::pull_offset));
};
struct ConsumeStats {
  double consume_tps = 0;
  std::map<Queue, ConsumeQueueStats> queues;

  static constexpr auto members =
      json_members(json_member("consumeTps", &ConsumeStats::consume_tps),
                   json_member("offsetTable", &ConsumeStats::queues));
};

// GET_BROKER_CONSUME_STATS (317).
struct BrokerConsumeStats {
  std::string broker_address;
  std::vector<std::map<std::string, std::vector<ConsumeStats>>> groups;
  std::int64_t total_diff = 0;
  std::int64_t total_inflight_diff = 0;

  static constexpr auto members =
      json_members(json_member("brokerAddr", &BrokerConsumeStats::broker_address),
                   json_member("consumeStatsList", &BrokerConsumeStats::groups),
                   json_member("totalDiff", &BrokerConsumeStats::total_diff),
                   json_member("totalInflightDiff", &BrokerConsumeStats::total_inflight_diff));
};

// QUERY_CONSUME_TIME_SPAN (303).
struct QueueTimeSpan {
  std::int64_t consume_timestamp = 0;
  std::int64_t delay_ms = 0;
  std::int64_t max_timestamp = 0;
  Queue queue;
  std::int64_t min_timestamp = 0;

  static constexpr auto members =
      json_members(json_member("consumeTimeStamp", &QueueTimeSpan::consume_timestamp),
                   json_member("delayTime", &QueueTimeSpan::delay_ms),
                   json_member("maxTimeStamp", &QueueTimeSpan::max_timestamp),
                   json_member("messageQueue", &QueueTimeSpan::queue),
                   json_member("minTimeStamp", &QueueTimeSpan::min_timestamp));
};
struct ConsumeTimeSpans {
  std::vector<QueueTimeSpan> queues;

  static constexpr auto members =
      json_members(json_member("consumeTimeSpanSet", &ConsumeTimeSpans::queues));
};

// VIEW_BROKER_STATS_DATA (315).
struct StatsItem {
  double average = 0;
  std::int64_t sum = 0;
  double tps = 0;

  static constexpr auto members =
      json_members(json_member("avgpt", &StatsItem::average), json_member("sum", &StatsItem::sum),
                   json_member("tps", &StatsItem::tps));
};
struct BrokerStatsData {
  StatsItem day;
  StatsItem hour;
  StatsItem minute;

  static constexpr auto members =
      json_members(json_member("statsDay", &BrokerStatsData::day),
                   json_member("statsHour", &BrokerStatsData::hour),
                   json_member("statsMinute", &BrokerStatsData::minute));
};

// QUERY_CONSUME_QUEUE (321).
struct QueueEntry {
  std::optional<std::string> bit_map;
  bool eval = false;
  std::optional<std::string> extend_data_json;
  std::optional<std::string> message;
  std::int64_t log_offset = 0;
  std::int32_t size = 0;
  std::int64_t tags_code = 0;

  static constexpr auto members = json_members(
      json_member("bitMap", &QueueEntry::bit_map), json_member("eval", &QueueEntry::eval),
      json_member("extendDataJson", &QueueEntry::extend_data_json),
      json_member("msg", &QueueEntry::message),
      json_member("physicOffset", &QueueEntry::log_offset),
      json_member("physicSize", &QueueEntry::size),
      json_member("tagsCode", &QueueEntry::tags_code));
};
struct QueueEntries {
  std::optional<std::string> filter_data;
  std::int64_t max_index = 0;
  std::int64_t min_index = 0;
  std::vector<QueueEntry> entries;
  std::optional<model::Subscription> subscription;

  static constexpr auto members =
      json_members(json_member("filterData", &QueueEntries::filter_data),
                   json_member("maxQueueIndex", &QueueEntries::max_index),
                   json_member("minQueueIndex", &QueueEntries::min_index),
                   json_member("queueData", &QueueEntries::entries),
                   json_member("subscriptionData", &QueueEntries::subscription));
};

// GET_CONSUMER_RUNNING_INFO (307): what a consumer of ours tells. The broker passes on what clients
// say without looking at it.
struct ProcessQueueInfo {
  std::int32_t cached_count = 0;
  std::int64_t cached_max_offset = 0;
  std::int64_t cached_min_offset = 0;
  std::int32_t cached_mib = 0;
  std::int64_t commit_offset = 0;
  bool dropped = false;
  std::int64_t last_consume_timestamp = 0;
  std::int64_t last_lock_timestamp = 0;
  std::int64_t last_pull_timestamp = 0;
  bool locked = false;

  static constexpr auto members =
      json_members(json_member("cachedMsgCount", &ProcessQueueInfo::cached_count),
                   json_member("cachedMsgMaxOffset", &ProcessQueueInfo::cached_max_offset),
                   json_member("cachedMsgMinOffset", &ProcessQueueInfo::cached_min_offset),
                   json_member("cachedMsgSizeInMiB", &ProcessQueueInfo::cached_mib),
                   json_member("commitOffset", &ProcessQueueInfo::commit_offset),
                   json_member("droped", &ProcessQueueInfo::dropped),
                   json_member("lastConsumeTimestamp", &ProcessQueueInfo::last_consume_timestamp),
                   json_member("lastLockTimestamp", &ProcessQueueInfo::last_lock_timestamp),
                   json_member("lastPullTimestamp", &ProcessQueueInfo::last_pull_timestamp),
                   json_member("locked", &ProcessQueueInfo::locked));
};
struct ConsumerRunningInfo {
  std::optional<std::string> jstack;
  std::map<Queue, Json> pop_queues;
  std::map<Queue, ProcessQueueInfo> queues;
  std::map<std::string, std::string> properties;
  std::map<std::string, Json> status;
  std::vector<model::Subscription> subscriptions;
  std::map<std::string, std::string> user_info;

  static constexpr auto members =
      json_members(json_member("jstack", &ConsumerRunningInfo::jstack),
                   json_member("mqPopTable", &ConsumerRunningInfo::pop_queues),
                   json_member("mqTable", &ConsumerRunningInfo::queues),
                   json_member("properties", &ConsumerRunningInfo::properties),
                   json_member("statusTable", &ConsumerRunningInfo::status),
                   json_member("subscriptionSet", &ConsumerRunningInfo::subscriptions),
                   json_member("userConsumerInfo", &ConsumerRunningInfo::user_info));
};

}  // namespace oncemq::wire
