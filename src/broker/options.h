#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/address.h"
#include "model/topic.h"

namespace oncemq::broker {

// What the broker is and the limits that are fixed while it runs; app fills it from the settings
// table. Thread rule: immutable.
struct Options {
  std::string cluster = "DefaultCluster";  // brokerClusterName
  std::string name = "broker";             // brokerName
  std::int64_t id = 0;                     // brokerId, 0 = master
  Address address;                         // brokerIP1:listenPort; the store host of every record
  std::string region = "DefaultRegion";    // MSG_REGION of every message
  bool trace_on = true;                    // TRACE_ON of every message
  std::string config_dir = "./data/config";
  std::vector<std::int64_t> delay_levels_ms;            // messageDelayLevel; index 0 is level 1
  std::string own_dir = "./data/once";                  // files that Apache does not know
  std::int64_t log_file_bytes = 1LL << 30;              // mappedFileSizeCommitLog
  bool timer_wheel = true;                              // timerWheelEnable: its topic exists
  std::int64_t timer_max_delay_ms = 40LL * 86'400'000;  // timerMaxDelaySec
  std::int64_t timer_precision_ms = 1000;               // timerPrecisionMs: of TIMER_OUT_MS
  bool watch_sends = true;                              // countRepeatedSends
  bool key_index = true;                                // messageIndexEnable: recall needs it
  std::int32_t default_topic_queues = 8;                // defaultTopicQueueNums
  bool trace_topic = false;                             // traceTopicEnable
  bool cluster_topic = true;                            // clusterTopicEnable
  bool broker_topic = true;                             // brokerTopicEnable
  std::int32_t revive_queues = 8;                       // reviveQueueNum
  std::int64_t channel_expiry_ms = 120'000;             // channelExpiredTimeout
  std::int64_t queue_lock_ms = 60'000;                  // rocketmq.broker.rebalance.lockMaxLiveTime
  std::int64_t file_reserved_hours = 72;                // fileReservedTime
  std::int64_t offsets_interval_ms = 5'000;             // flushConsumerOffsetInterval
  std::int64_t delay_offsets_interval_ms = 10'000;      // flushDelayOffsetInterval
  // What counts as still in memory behind the end of the log (accessMessageInMemoryMaxRatio).
  std::int64_t warm_log_bytes = 4LL << 30;
  // Parked pulls take about 400 bytes each, so the default costs at most 40 MB.
  std::size_t parked_pulls_max = 100'000;
  bool mode_pop = false;               // defaultMessageRequestMode is POP
  std::int32_t pop_share_queues = -1;  // defaultPopShareQueueNum
  // Offsets take about 100 bytes each, so the default costs at most 100 MB.
  std::size_t offsets_max = 1'000'000;
  // Attributes idempotent.* of topics that do not say it themselves: idempotentKey, -Window, -Mode,
  // -Mismatch.
  std::map<std::string, std::string> idempotence;
  std::uint64_t idempotent_keys_max = 20'000'000;  // idempotentKeysMax: about 12 bytes each
  bool allow_faults = false;                       // allowFaults: duplicates on purpose
  std::int64_t delivery_ledger_bytes = 16 << 20;   // deliveryLedgerBytes: 64 for each
  bool threads = true;                 // false: no thread of our own; tests step by hand
  std::size_t topics_max = 100'000;    // auto-creation stops here; about 500 bytes each
  std::size_t groups_max = 100'000;    // the same for groups
  std::size_t channels_max = 100'000;  // (group, channel) pairs in the client registry
};

// Keys that an operator may change while the broker runs. Thread rule: monitor (atomics).
struct Switches {
  std::atomic<std::int32_t> permission{model::perm::kRead |
                                       model::perm::kWrite};  // brokerPermission
  std::atomic<bool> auto_create_topic{true};                  // autoCreateTopicEnable
  std::atomic<bool> auto_create_group{true};                  // autoCreateSubscriptionGroup
  std::atomic<bool> lite_pull{true};                          // litePullMessageEnable
  std::atomic<bool> property_filter{true};                    // enablePropertyFilter
  std::atomic<bool> store_reply{true};                        // storeReplyMessageEnable
  std::atomic<bool> long_polling{true};                       // longPollingEnable
  std::atomic<std::int32_t> short_polling_ms{1000};           // shortPollingTimeMills
  std::atomic<bool> notify_consumer_ids{true};                // notifyConsumerIdsChangedEnable
  std::atomic<bool> register_producer{true};                  // enableRegisterProducer
  std::atomic<bool> slave_read{false};                        // slaveReadEnable
  std::atomic<bool> reject_transaction{false};                // rejectTransactionMessage
  std::atomic<bool> recall{false};                            // recallMessageEnable
  std::atomic<bool> recall_unwritable{false};                 // allowRecallWhenBrokerNotWriteable
  std::atomic<std::int64_t> transaction_timeout_ms{6'000};    // transactionTimeOut
  std::atomic<std::int64_t> transaction_check_interval_ms{30'000};  // transactionCheckInterval
  std::atomic<std::int32_t> transaction_check_max{15};              // transactionCheckMax
  std::atomic<std::int32_t> max_message_size{4 << 20};              // maxMessageSize, bytes of body
  std::atomic<std::int64_t> start_accept_send_ms{0};        // startAcceptSendRequestTimeStamp
  std::atomic<std::int32_t> pull_batch_max{160};            // pullBatchMaxMessageCount
  std::atomic<std::int32_t> transfer_bytes_max{256 << 10};  // maxTransferBytesOnMessageInMemory
  std::atomic<std::int32_t> transfer_count_max{32};         // maxTransferCountOnMessageInMemory
  std::atomic<bool> pop_retry_v1{true};                     // retrieveMessageFromPopRetryTopicV1
  std::atomic<bool> pop_retry_v2{false};                    // enableRetryTopicV2
  std::atomic<std::int32_t> pop_rows_max{10'000};           // popInflightMessageThreshold

  bool writable() const {
    return (permission.load(std::memory_order_relaxed) & model::perm::kWrite) != 0;
  }
  bool readable() const {
    return (permission.load(std::memory_order_relaxed) & model::perm::kRead) != 0;
  }
};

}  // namespace oncemq::broker
