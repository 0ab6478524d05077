#include "broker/timeline.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "broker/transaction_reads.h"
#include "model/message_id.h"
#include "model/properties.h"
#include "model/topic.h"

namespace oncemq::broker {
namespace {

namespace property = model::property;

std::string_view property_of(const model::RecordView& record, std::string_view name) {
  return model::find_property(record.properties, name).value_or(std::string_view{});
}

TimelineRow row_of(const model::RecordView& record, std::string what, std::string sentence) {
  return {.at_ms = record.store_timestamp,
          .what = std::move(what),
          .topic = std::string(record.topic),
          .queue_id = record.queue_id,
          .offset = record.queue_offset.value,
          .group = {},
          .who = {},
          .sentence = std::move(sentence)};
}

// Topics that hold copies on their way, which nobody consumes.
bool waits(std::string_view topic) {
  return topic == model::topic::kSchedule || topic == model::topic::kTimer ||
         topic == model::topic::kHalf || topic == model::topic::kTransCheckMax;
}

std::string_view step_name(DeliveryStep step) {
  switch (step) {
    case DeliveryStep::kPulled:
      return "pulled";
    case DeliveryStep::kPopped:
      return "popped";
    case DeliveryStep::kAcked:
      return "acked";
    case DeliveryStep::kChanged:
      return "extended";
    case DeliveryStep::kStale:
      return "too late";
    case DeliveryStep::kPassed:
      return "passed";
  }
  return {};
}

std::string step_sentence(const DeliveryEntry& entry) {
  const std::string handle = "handle " + std::to_string(entry.token);
  switch (entry.step) {
    case DeliveryStep::kPulled:
      return entry.messages == entry.range ? "given to the consumer"
                                           : "given to the consumer, unless its filter left it out";
    case DeliveryStep::kPopped:
      return "given to the consumer: delivery " + std::to_string(entry.attempt) + ", " + handle;
    case DeliveryStep::kAcked:
      return "the consumer is done with it: " + handle;
    case DeliveryStep::kChanged:
      return "invisible for another time: " + handle + " gave way to a new one";
    case DeliveryStep::kStale:
      return "an ack or a change came when the delivery was over, and was refused: " + handle;
    case DeliveryStep::kPassed:
      return "the group's offset went past it";
  }
  return {};
}

}  // namespace

struct Timelines::Work {
  Timeline told;
  // By log offset, so that a copy that is found twice counts once.
  std::map<std::int64_t, store::LogSpan> spans;
  std::vector<std::string> groups;  // that have consumed the topic
};

void Timelines::add_copies(std::string_view topic, std::string_view key, bool unique,
                           Work& work) const {
  const auto found = parts_.query.by_key({.topic = topic,
                                          .key = key,
                                          .max = MessageQuery::kQueryMax,
                                          .begin_ms = 0,
                                          .end_ms = INT64_MAX,
                                          .unique = unique});
  if (!found) return;
  for (const store::LogSpan& span : found->records) {
    const auto record = message_of(span);
    // The index knows hashes: another key may have the same one.
    if (!record || (unique && property_of(*record, property::kUniqueKey) != key)) continue;
    if (work.spans.size() == kCopiesMax) return;
    work.spans.emplace(record->log_offset.value, span);
  }
}

Status Timelines::find(std::string_view topic, std::string_view name, Work& work) const {
  std::string home(topic);
  if (const auto id = model::parse_offset_message_id(name)) {
    // A unique key of 32 hex digits looks the same; then no record begins there.
    if (const auto span = parts_.query.by_offset(id->offset)) {
      if (const auto record = message_of(*span)) {
        if (home.empty()) {
          home = property_of(*record, property::kRealTopic);
          if (model::topic::is_retry(home) || home.empty())
            home = property_of(*record, property::kRetryTopic);
          if (home.empty()) home = record->topic;
        }
        work.spans.emplace(record->log_offset.value, *span);
      }
    }
  }
  if (work.spans.empty()) {
    std::vector<std::string> topics;
    if (home.empty()) {
      for (const model::TopicConfig& config : parts_.topics.snapshot().topics) {
        if (model::topic::is_retry(config.name) || config.name.starts_with("%DLQ%")) continue;
        if (topics.size() == kTopicsMax)
          return fail(Errc::kInvalidArgument, "there are many topics: say which one");
        topics.push_back(config.name);
      }
    } else {
      topics.push_back(home);
    }
    for (const std::string& one : topics) {
      add_copies(one, name, true, work);
      if (work.spans.empty()) add_copies(one, name, false, work);
      if (work.spans.empty()) continue;
      home = one;
      break;
    }
  }
  if (work.spans.empty())
    return fail(Errc::kMessageNotFound, "no message has the id or key " +
                                            std::string(name.substr(0, 80)) +
                                            "; it may have been deleted with its log file");
  work.told.topic = home;

  for (const auto& [offset, span] : work.spans) {
    const auto record = message_of(span);
    const std::string key(record ? property_of(*record, property::kUniqueKey) : "");
    if (!key.empty() &&
        std::ranges::find(work.told.unique_keys, key) == work.told.unique_keys.end())
      work.told.unique_keys.push_back(key);
  }
  work.groups = parts_.offsets.groups_of(home);
  if (work.groups.size() > kGroupsMax) {
    work.groups.resize(kGroupsMax);
    work.told.notes.push_back("the topic has more than " + std::to_string(kGroupsMax) +
                              " groups; copies for further ones are not told");
  }
  for (const std::string& key : work.told.unique_keys) {
    for (const std::string_view place :
         {std::string_view(home), model::topic::kSchedule, model::topic::kTimer,
          model::topic::kHalf, model::topic::kTransCheckMax})
      add_copies(place, key, true, work);
    for (const std::string& group : work.groups) {
      add_copies(std::string(model::topic::kRetryPrefix) + group, key, true, work);
      add_copies(std::string(model::topic::kDlqPrefix) + group, key, true, work);
    }
  }
  if (work.spans.size() == kCopiesMax)
    work.told.notes.push_back("there are more than " + std::to_string(kCopiesMax) +
                              " copies; further ones are not told");
  return {};
}

void Timelines::tell_letter(const model::RecordView& record, Work& work) const {
  TimelineRow row = row_of(record, "dead", "given up: it is in the group's dead-letter queue");
  row.group = record.topic.substr(model::topic::kDlqPrefix.size());
  if (const std::string_view cause = property_of(record, property::kDeadCause); !cause.empty())
    row.sentence.append(" (").append(cause).append(")");
  work.told.rows.push_back(std::move(row));
  const auto mark = parts_.letters.mark_of(record.log_offset);
  if (!mark || !mark->has_value()) return;
  const bool purged = (*mark)->order == LetterOrder::kPurge;
  work.told.rows.push_back(
      {.at_ms = (*mark)->time_ms,
       .what = purged ? "purged" : "replayed",
       .topic = std::string(record.topic),
       .queue_id = record.queue_id,
       .offset = record.queue_offset.value,
       .group = (*mark)->group,
       .who = (*mark)->by,
       .sentence = purged ? "an operator marked it as dealt with" : "an operator gave it back"});
}

void Timelines::tell_copies(Work& work) const {
  std::unordered_map<std::string, int> stored;  // by unique key
  for (const auto& [offset, span] : work.spans) {
    const auto record = message_of(span);
    if (!record) continue;
    const std::string_view topic = record->topic;
    const std::string_view replayed_by = property_of(*record, property::kReplayBy);
    if (topic.starts_with(model::topic::kDlqPrefix)) {
      tell_letter(*record, work);
    } else if (topic == model::topic::kHalf) {
      work.told.rows.push_back(
          row_of(*record, "half", "stored as a half message: invisible until the verdict"));
      work.told.rows.back().who = record->born_host.to_string();
    } else if (topic == model::topic::kTransCheckMax) {
      work.told.rows.push_back(
          row_of(*record, "discarded", "no producer gave a verdict; nobody is asked any more"));
    } else if (waits(topic)) {
      work.told.rows.push_back(row_of(*record, "waiting", "kept until its time"));
    } else if (model::topic::is_retry(topic)) {
      TimelineRow row = row_of(*record, "retry copy", "");
      row.group = topic.substr(model::topic::kRetryPrefix.size());
      row.sentence = replayed_by.empty()
                         ? "the consumer sent it back: round " +
                               std::to_string(record->reconsume_times) + " for the group"
                         : "an operator gave a dead letter back";
      row.who = replayed_by;
      work.told.rows.push_back(std::move(row));
    } else {
      const std::string key(property_of(*record, property::kUniqueKey));
      const int before = key.empty() ? 0 : stored[key]++;
      TimelineRow row = row_of(*record, "stored", "stored and visible");
      row.who = record->born_host.to_string();
      if (!replayed_by.empty()) {
        row.sentence = "an operator gave a dead letter back to all groups";
        row.who = replayed_by;
      } else if (before > 0) {
        row.what = "stored again";
        row.sentence = "copy " + std::to_string(before + 1) +
                       ": sent again with the same UNIQ_KEY, by a client that did not hear an "
                       "answer or an application that sent the same object twice";
      } else if (record->transaction_type() == model::sysflag::kTransactionCommit) {
        row.sentence = "its transaction was committed: visible";
      }
      if (before == 0 && replayed_by.empty() && record->born_timestamp > 0) {
        TimelineRow born = row;
        born.at_ms = record->born_timestamp;
        born.what = "sent";
        born.sentence = "made by the producer, by its own clock";
        work.told.rows.push_back(std::move(born));
      }
      work.told.rows.push_back(std::move(row));
    }
  }
}

void Timelines::tell_deliveries(Work& work) const {
  std::unordered_map<std::uint64_t, std::string> groups;
  for (const model::GroupConfig& config : parts_.groups.snapshot().groups)
    groups.emplace(DeliveryLedger::group_key(config.name), config.name);
  std::int64_t stored_ms = INT64_MAX;
  std::int64_t since_ms = parts_.ledger.start_ms();
  for (const auto& [offset, span] : work.spans) {
    const auto record = message_of(span);
    if (!record || waits(record->topic)) continue;
    const auto found = parts_.ledger.of(DeliveryLedger::queue_key(record->topic, record->queue_id),
                                        record->queue_offset.value, kStepsMax);
    stored_ms = std::min(stored_ms, record->store_timestamp);
    since_ms = std::max(since_ms, found.since_ms);
    for (const DeliveryEntry& entry : found.entries) {
      const auto group = groups.find(entry.group);
      if (group == groups.end()) continue;  // deleted
      TimelineRow row = row_of(*record, std::string(step_name(entry.step)), step_sentence(entry));
      row.at_ms = entry.at_ms;
      row.group = group->second;
      row.who = parts_.clients.consumer_of(entry.channel);
      work.told.rows.push_back(std::move(row));
    }
    if (found.more)
      work.told.notes.push_back("queue " + std::to_string(record->queue_id) + " offset " +
                                std::to_string(record->queue_offset.value) + " has more than " +
                                std::to_string(kStepsMax) +
                                " deliveries and acks; the newest are not told");
  }
  if (!parts_.ledger.keeps())
    work.told.notes.push_back("deliveries and acks are not recorded (deliveryLedgerBytes)");
  else if (stored_ms < since_ms)
    work.told.rows.push_back({.at_ms = since_ms,
                              .what = "known from here",
                              .topic = work.told.topic,
                              .queue_id = -1,
                              .offset = -1,
                              .group = {},
                              .who = {},
                              .sentence = "earlier deliveries and acks are not known any more"});
}

void Timelines::tell_redeliveries(Work& work) const {
  for (const std::string& group : work.groups) {
    for (const Causes::Event& event : parts_.causes.recent(group)) {
      // The letter's mark tells it.
      if (event.cause == Cause::kReplayed) continue;
      for (const auto& [offset, span] : work.spans) {
        const auto record = message_of(span);
        if (!record || record->topic != event.topic || record->queue_id != event.queue_id ||
            record->queue_offset.value < event.offset ||
            record->queue_offset.value - event.offset >= static_cast<std::int64_t>(event.messages))
          continue;
        const bool back = event.cause == Cause::kConsumerAsked;
        TimelineRow row = row_of(*record, back ? "sent back" : "given again",
                                 std::string(cause_sentence(event.cause)));
        row.at_ms = event.at_ms;
        row.group = group;
        work.told.rows.push_back(std::move(row));
      }
    }
  }
}

void Timelines::tell_duplicates(Work& work) const {
  for (const DuplicateReport::Example& example : parts_.duplicates.of(work.told.topic).latest) {
    const bool here =
        std::ranges::find(work.told.unique_keys, example.key) != work.told.unique_keys.end() ||
        (example.original && work.spans.contains(example.original->log_offset.value));
    if (!here) continue;
    work.told.rows.push_back(
        {.at_ms = example.at_ms,
         .what = std::string(repeat_name(example.repeat)),
         .topic = work.told.topic,
         .queue_id = example.original ? example.original->queue_id : -1,
         .offset = example.original ? example.original->queue_offset.value : -1,
         .group = {},
         .who = {},
         .sentence = std::string(repeat_sentence(example.repeat))});
  }
}

void Timelines::tell_groups(Work& work) const {
  for (const auto& [log_offset, span] : work.spans) {
    const auto record = message_of(span);
    if (!record || record->topic != work.told.topic) continue;
    for (const std::string& group : work.groups) {
      const auto offset = parts_.offsets.query(group, work.told.topic, record->queue_id);
      if (!offset) continue;
      work.told.notes.push_back(
          "group " + group +
          (offset->value > record->queue_offset.value ? " is done with" : " is not done with") +
          " queue " + std::to_string(record->queue_id) + " offset " +
          std::to_string(record->queue_offset.value) + ": it stands at " +
          std::to_string(offset->value));
    }
  }
}

Result<Timeline> Timelines::of(std::string_view topic, std::string_view name) const {
  Work work;
  ONCE_TRY(find(topic, name, work));
  tell_copies(work);
  tell_deliveries(work);
  tell_redeliveries(work);
  tell_duplicates(work);
  std::ranges::stable_sort(work.told.rows, {}, &TimelineRow::at_ms);
  tell_groups(work);
  work.told.notes.push_back("of redeliveries the latest " + std::to_string(Causes::kRecent) +
                            " of the broker since its start are known, of duplicates that were "
                            "left out the latest " +
                            std::to_string(DuplicateReport::kExamples) + " of the topic");
  return std::move(work.told);
}

}  // namespace oncemq::broker
