#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/causes.h"
#include "broker/client_registry.h"
#include "broker/consumer_offsets.h"
#include "broker/dead_letters.h"
#include "broker/delivery_ledger.h"
#include "broker/duplicate_report.h"
#include "broker/group_table.h"
#include "broker/message_query.h"
#include "broker/topic_table.h"
#include "model/record_codec.h"

namespace oncemq::broker {

// One thing that happened to a message or to a copy of it.
struct TimelineRow {
  std::int64_t at_ms = 0;  // wall clock
  std::string what;        // "stored", "retry copy", "given again", ...
  std::string topic;       // the place that it is about
  std::int32_t queue_id = 0;
  std::int64_t offset = 0;
  std::string group;     // empty: of no group
  std::string who;       // a producer's address, an operator
  std::string sentence;  // for the person who asks why
};

struct Timeline {
  std::string topic;
  std::vector<std::string> unique_keys;  // of the messages that it tells about
  std::vector<TimelineRow> rows;         // by time
  std::vector<std::string> notes;        // what is not known, and how groups stand
};

// What happened to a message, and why: from the log, and from the latest events that are kept in
// memory (docs/message-why.md). Thread rule: monitor. Reads pages of the log: for operators.
class Timelines {
 public:
  static constexpr std::size_t kCopiesMax = 64;   // copies that are looked at
  static constexpr std::size_t kGroupsMax = 100;  // whose retry topics are looked into
  static constexpr std::size_t kTopicsMax = 256;  // when no topic is said
  static constexpr std::size_t kStepsMax = 100;   // deliveries and acks of a copy

  struct Parts {
    TopicTable& topics;
    const ConsumerOffsets& offsets;
    const MessageQuery& query;
    const DeadLetters& letters;
    const DuplicateReport& duplicates;
    const Causes& causes;
    const DeliveryLedger& ledger;
    const GroupTable& groups;
    const ClientRegistry& clients;
  };
  explicit Timelines(const Parts& parts) : parts_(parts) {}

  // `name`: an offset message id, a unique key (clients' msgId) or a key. Without a topic all are
  // tried, as far as there are few. kMessageNotFound, kInvalidArgument (say the topic).
  Result<Timeline> of(std::string_view topic, std::string_view name) const;

 private:
  struct Work;

  Status find(std::string_view topic, std::string_view name, Work& work) const;
  void add_copies(std::string_view topic, std::string_view key, bool unique, Work& work) const;
  void tell_copies(Work& work) const;
  void tell_letter(const model::RecordView& record, Work& work) const;
  void tell_deliveries(Work& work) const;
  void tell_redeliveries(Work& work) const;
  void tell_duplicates(Work& work) const;
  void tell_groups(Work& work) const;

  const Parts parts_;
};

}  // namespace oncemq::broker
