#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "broker/broker_stats.h"
#include "broker/client_registry.h"
#include "broker/consumer_offsets.h"
#include "broker/dead_letters.h"
#include "broker/group_table.h"
#include "broker/ids.h"
#include "broker/parked_pulls.h"
#include "broker/popper.h"
#include "broker/queue_locks.h"
#include "broker/topic_table.h"
#include "model/offsets.h"
#include "model/subscription.h"
#include "store/message_store.h"

namespace oncemq::broker {

// Request 202: one row per queue 0 .. max(read, write) - 1.
struct TopicStats {
  struct Row {
    QueueName queue;
    model::QueueOffset min;
    model::QueueOffset max;
    std::int64_t last_update_ms = 0;  // store time of the last message, 0 when empty
  };
  std::vector<Row> rows;
  double put_tps = 0;
};

// Requests 208 and 317.
struct ConsumeStats {
  struct Row {
    QueueName queue;
    model::QueueOffset broker_offset;      // end of the queue
    model::ConsumeOffset consumer_offset;  // 0 when there is none
    model::ConsumeOffset pull_offset;      // at least consumer_offset
    std::int64_t last_timestamp_ms = 0;    // store time of the last message consumed, 0: unknown
  };
  std::vector<Row> rows;
  double consume_tps = 0;
};

// Request 303.
struct ConsumeTimeSpan {
  QueueName queue;
  std::int64_t min_ms = 0;
  std::int64_t max_ms = 0;
  std::int64_t consume_ms = 0;
  std::int64_t delay_ms = 0;
};

// Operator's questions and orders that touch more than one noun. Thread rule: monitor.
class Admin {
 public:
  Admin(TopicTable& topics, GroupTable& groups, ConsumerOffsets& offsets, ClientRegistry& clients,
        QueueLocks& locks, ParkedPulls& parked, Popper& popper, DeadLetters& dead_letters,
        store::MessageStore& store, BrokerStats& stats);

  // Topic with its queues and all offsets of it. As TopicTable::remove.
  Status delete_topic(std::string_view topic);
  // Group; its offsets too when asked. As GroupTable::remove.
  Status delete_group(std::string_view group, bool clean_offsets);

  Result<TopicStats> topic_stats(std::string_view topic) const;  // kTopicNotFound
  // Without topics: all that the group has offsets for. A topic that the online group does not
  // subscribe is left out.
  ConsumeStats consume_stats(std::string_view group, const std::vector<std::string>& topics) const;
  // Every group; `order` wants those whose consumers are ordered.
  std::vector<std::pair<std::string, std::vector<ConsumeStats>>> all_consume_stats(
      bool order) const;
  Result<std::vector<ConsumeTimeSpan>> consume_time_span(std::string_view topic,
                                                         std::string_view group) const;

  // kConsumerOffline.
  Result<ConsumerGroupView> consumer_connection(std::string_view group) const;
  std::vector<std::string> groups_of_topic(std::string_view topic) const;  // request 300
  std::vector<std::string> topics_of_group(std::string_view group) const;  // request 343
  std::optional<model::Subscription> subscription(std::string_view group,
                                                  std::string_view topic) const;  // request 345

  // Request 222: offsets at `timestamp_ms` (negative: the end), stored and handed to the group's
  // next pull. `queue_id` < 0: all. `offset`: to this one instead, inside [min, max + 1].
  // Without `force` a group is never moved forwards. kTopicNotFound, kGroupNotFound,
  // kInvalidArgument.
  struct ResetOffset {
    std::string_view topic;
    std::string_view group;
    std::int64_t timestamp_ms = 0;
    bool force = true;
    std::int32_t queue_id = -1;
    std::optional<std::int64_t> offset;
  };
  Result<std::map<std::int32_t, model::ConsumeOffset>> reset_offset(const ResetOffset& request);
  // What it would come to.
  Result<std::map<std::int32_t, model::ConsumeOffset>> preview_reset(
      const ResetOffset& request) const;
  // Request 314: empty topic means all topics of the source.
  Status clone_offsets(std::string_view from_group, std::string_view to_group,
                       std::string_view topic);
  // Request 308: smallest end offset over the groups compared, per queue of the topic.
  std::map<std::int32_t, model::ConsumeOffset> correction_offsets(
      std::string_view topic, std::string_view compare_group,
      const std::vector<std::string>& filter_groups) const;

  // Requests 316 and 329. (306, expired queue files, is part of what 329 does.)
  void clean_unused_topics();
  void delete_expired_log();

 private:
  Result<const TopicEntry*> topic_of(std::string_view topic) const;
  void add_consume_rows(std::string_view group, std::string_view topic, ConsumeStats& stats) const;

  TopicTable& topics_;
  GroupTable& groups_;
  ConsumerOffsets& offsets_;
  ClientRegistry& clients_;
  QueueLocks& locks_;
  ParkedPulls& parked_;
  Popper& popper_;
  DeadLetters& dead_letters_;
  store::MessageStore& store_;
  BrokerStats& stats_;
};

}  // namespace oncemq::broker
