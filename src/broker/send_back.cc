#include "broker/send_back.h"

#include <string>
#include <utility>

#include "broker/dead_letters.h"
#include "broker/delay.h"
#include "broker/record_copy.h"
#include "broker/send_properties.h"
#include "model/message_id.h"
#include "model/properties.h"
#include "model/record_codec.h"

namespace oncemq::broker {

namespace property = model::property;

SendBack::SendBack(const Options& options, const Switches& switches, TopicTable& topics,
                   GroupTable& groups, store::MessageStore& store, BrokerStats& stats,
                   os::Clock& clock)
    : options_(options),
      switches_(switches),
      topics_(topics),
      groups_(groups),
      store_(store),
      stats_(stats),
      clock_(clock) {}

Result<const TopicEntry*> SendBack::retry_topic(const SendBackRequest& request,
                                                const GroupEntry& group) {
  model::TopicConfig config;
  config.name = model::topic::retry_topic(request.group);
  config.read_queues = group.retry_queues();
  config.write_queues = group.retry_queues();
  config.sys_flag = request.unit_mode ? 2 : 0;
  return topics_.ensure(config);
}

Result<const TopicEntry*> SendBack::dead_letter_topic(const SendBackRequest& request) {
  model::TopicConfig config;
  config.name = model::topic::dlq_topic(request.group);
  config.read_queues = 1;
  config.write_queues = 1;
  return topics_.ensure(config);
}

Result<std::size_t> SendBack::stage(const SendBackRequest& request, SendBatch& batch) {
  const GroupEntry* group = groups_.find(request.group);
  if (group == nullptr)
    return fail(Errc::kGroupNotFound, "no consumer group " + std::string(request.group));
  if (!switches_.writable())
    return fail(Errc::kNoPermission, "the broker takes no messages at the moment");
  if (group->retry_queues() <= 0) {
    batch.requests_.emplace_back();  // the group wants no retries: nothing to store
    return batch.requests_.size() - 1;
  }
  auto destination = retry_topic(request, *group);
  if (!destination.has_value()) return fail(std::move(destination.error()));
  if (!(*destination)->writable())
    return fail(Errc::kNoPermission, "no messages are taken for " + (*destination)->name());

  auto span = store_.read_record(request.offset);
  if (!span.has_value()) return fail(std::move(span.error()));
  auto decoded = model::decode_record(span->bytes, model::Verify::kBody);
  if (!decoded.has_value()) return fail(std::move(decoded.error()));
  if (decoded->kind != model::RecordKind::kMessage)
    return fail(Errc::kMessageNotFound, "no message at that offset");
  const model::RecordView& failed = decoded->record;

  const std::int32_t limit = request.max_reconsume_times.value_or(group->retry_max_times());
  const bool dead = failed.reconsume_times >= limit || request.delay_level < 0;
  const std::int32_t asked =
      request.delay_level > 0 ? request.delay_level : 3 + failed.reconsume_times;
  const std::int32_t level = dead ? 0 : clip_level(options_, asked);
  std::int32_t queue_id = 0;
  if (dead) {
    destination = dead_letter_topic(request);
    if (!destination.has_value()) return fail(std::move(destination.error()));
  } else {
    // Any queue does; going round spreads better than chance.
    queue_id = static_cast<std::int32_t>(batch.round_robin_++ %
                                         static_cast<std::uint32_t>(group->retry_queues()));
    if (queue_id >= (*destination)->write_queues()) queue_id = 0;
  }
  const TopicEntry* schedule = level > 0 ? topics_.find(model::topic::kSchedule) : nullptr;
  if (level > 0 && schedule == nullptr)
    return fail(Errc::kInternal, "the schedule topic is missing");

  // Where the message came from first stays on it through all rounds. It says WAIT=false, as
  // upstream writes it, but the answer waits like any other: the consumer gives up its copy on it.
  const SendProperties seen = scan_properties(failed.properties);
  std::string properties(copy_without(
      failed.properties,
      {.foreign = true, .real = true, .delay = !seen.delay_level.empty(), .wait = seen.has_wait},
      batch.arena_));
  if (!model::find_property(properties, property::kRetryTopic).has_value())
    model::append_property(properties, property::kRetryTopic, failed.topic);
  if (!model::find_property(properties, property::kOriginMessageId).has_value())
    model::append_property(properties, property::kOriginMessageId,
                           model::offset_message_id(failed.store_host, failed.log_offset));
  model::append_property(properties, property::kWait, "false");
  if (level > 0) model::append_property(properties, property::kDelayLevel, std::to_string(level));
  if (dead)
    model::append_property(properties, property::kDeadCause,
                           !request.dead_cause.empty() ? request.dead_cause
                           : request.delay_level < 0   ? "refused"
                                                       : "retries");
  note_attempt(properties, clock_.wall_ms(), request.consumer,
               model::kMaxPropertiesSize - kPropertiesReserve);
  if (properties.size() + kPropertiesReserve > model::kMaxPropertiesSize)
    return fail(Errc::kMessageIllegal, "the message's properties leave no room for a retry");

  store::AppendItem& item = batch.items_.emplace_back();
  model::Message& message = item.message = plain_copy_of(failed);
  message.topic = (*destination)->name();
  message.queue_id = queue_id;
  message.store_host = options_.address;
  message.reconsume_times += request.deliveries;
  message.properties = batch.arena_.copy(properties);
  item.queue = (*destination)->queue(queue_id);
  if (schedule != nullptr)
    divert(options_, *schedule, level, item, batch.arena_);
  else
    message.tags_code = model::tags_code(seen.tags);

  const std::string_view source =
      model::find_property(message.properties, property::kRetryTopic).value_or(failed.topic);
  stats_.sent_back(source, request.group);
  if (dead)
    stats_.dead_letter(source, request.group);
  else
    stats_.causes().count({.cause = Cause::kConsumerAsked,
                           .group = request.group,
                           .topic = failed.topic,
                           .queue_id = failed.queue_id,
                           .offset = failed.queue_offset.value});
  SendBatch::Request row;
  row.first = static_cast<std::uint32_t>(batch.items_.size() - 1);
  row.count = 1;
  row.queue_id = queue_id;
  row.topic = *destination;
  row.unique_key = model::find_property(message.properties, property::kUniqueKey).value_or("");
  batch.bytes_ += failed.body.size() + properties.size();
  batch.pins_.push_back(std::move(*span));
  batch.requests_.push_back(std::move(row));
  return batch.requests_.size() - 1;
}

}  // namespace oncemq::broker
