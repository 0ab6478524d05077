#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker_stats.h"
#include "broker/duplicate_report.h"
#include "broker/message_query.h"
#include "broker/topic_table.h"
#include "store/message_store.h"

namespace oncemq::broker {

// Copies of one kind since the start: what a group was given again, what a topic took or left out
// again.
struct DuplicateRow {
  std::string topic;
  std::string group;          // empty: sends, which every group of the topic gets
  std::string_view what;      // cause_name() or repeat_name()
  std::string_view sentence;  // for the person who asks why
  std::uint64_t copies = 0;
  std::uint64_t of = 0;  // messages that the group was given or the topic stored, copies included
  // Time from a message to its next copy, of the latest copies for which both are still known.
  std::size_t known = 0;
  std::int64_t median_ms = 0;
  std::int64_t longest_ms = 0;
};

// How often messages come twice (docs/message-why.md). Thread rule: monitor. Walks through the
// ledger and reads pages of the log: for operators.
class Duplicates {
 public:
  static constexpr std::size_t kSendsMax = 100;  // repeated sends whose records are read

  struct Parts {
    const TopicTable& topics;
    const MessageQuery& query;
    const DuplicateReport& left_out;
    const BrokerStats& stats;
    store::MessageStore& store;
  };
  explicit Duplicates(const Parts& parts) : parts_(parts) {}

  // Empty: of all. By topic and group, most copies first.
  std::vector<DuplicateRow> report(std::string_view topic, std::string_view group) const;

 private:
  class Work;
  void count_deliveries(Work& work) const;
  void count_sends(Work& work) const;
  void measure_deliveries(Work& work) const;
  void measure_sends(Work& work) const;
  std::int64_t time_since_sent(const Causes::Event& copy) const;

  const Parts parts_;
};

}  // namespace oncemq::broker
