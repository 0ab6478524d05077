#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "broker/broker_stats.h"
#include "broker/group_table.h"
#include "broker/options.h"
#include "broker/send_batch.h"
#include "broker/topic_table.h"
#include "model/offsets.h"
#include "os/clock.h"
#include "store/message_store.h"

namespace oncemq::broker {

// A consumer could not handle a message (request 36).
struct SendBackRequest {
  std::string_view group;
  model::LogOffset offset;       // of the failed message
  std::int32_t delay_level = 0;  // < 0: straight to the DLQ; 0: 3 + reconsume times
  bool unit_mode = false;
  std::optional<std::int32_t> max_reconsume_times;  // as in SendRequest
  std::string_view consumer;                        // "host:port" of who failed, for the record
  // How often it was delivered, when the record does not say it (POP delivers in place).
  std::int32_t deliveries = 1;
  std::string_view dead_cause;  // DEAD_CAUSE when the level does not say it
};

// Puts a failed message into the group's retry topic over the delay levels, or into its DLQ when
// the retries are used up (remoting.md §7.2). Thread rule: monitor.
class SendBack {
 public:
  SendBack(const Options& options, const Switches& switches, TopicTable& topics, GroupTable& groups,
           store::MessageStore& store, BrokerStats& stats, os::Clock& clock);

  // As Sender::stage; Sender::commit stores it. The outcome has no items when the group wants no
  // retries. kGroupNotFound, kNoPermission, kMessageNotFound, kCorrupt,
  // kMessageIllegal (no room for more properties), kBusy.
  Result<std::size_t> stage(const SendBackRequest& request, SendBatch& batch);

 private:
  // What divert() and the encoder may add: REAL_TOPIC, REAL_QID, the property CRC.
  static constexpr std::size_t kPropertiesReserve = 400;

  Result<const TopicEntry*> retry_topic(const SendBackRequest& request, const GroupEntry& group);
  Result<const TopicEntry*> dead_letter_topic(const SendBackRequest& request);

  const Options& options_;
  const Switches& switches_;
  TopicTable& topics_;
  GroupTable& groups_;
  store::MessageStore& store_;
  BrokerStats& stats_;
  os::Clock& clock_;
};

}  // namespace oncemq::broker
