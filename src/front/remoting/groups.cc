#include "front/remoting/groups.h"

#include <algorithm>

#include "base/json.h"
#include "front/remoting/when_saved.h"
#include "model/config_json.h"
#include "wire/remoting/body/assignment.h"
#include "wire/remoting/body/groups.h"
#include "wire/remoting/body/reset_offset.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/body/topics.h"

namespace oncemq::front {

wire::Queue GroupFamily::queue(const std::string& topic, std::int32_t queue_id) const {
  return {.broker_name = options_.name, .queue_id = queue_id, .topic = topic};
}

void GroupFamily::handle(Call call, const Request<wire::UpdateAndCreateGroup>& request) {
  const auto json = Json::parse(as_text(request.command.body));
  if (!json) return call.refuse(json.error());
  const auto config = model::group_config_from_json(*json);
  if (!config) return call.refuse(config.error());
  if (const Status status = broker_.groups().update(*config); !status)
    return call.refuse(status.error());
  answer_when_saved(broker_, std::move(call));
}

void GroupFamily::handle(Call call, const Request<wire::UpdateAndCreateGroupList>& request) {
  const auto body = wire::decode_body<wire::GroupConfigList>(request.command.body);
  if (!body) return call.refuse(body.error());
  for (const model::GroupConfig& group : body->groups) {
    if (const Status status = broker_.groups().update(group); !status)
      return call.refuse(status.error());
  }
  answer_when_saved(broker_, std::move(call));
}

void GroupFamily::handle(Call call, const Request<wire::GetAllGroupConfig>& request) {
  const auto& header = request.header;
  const broker::GroupSnapshot snapshot = broker_.groups().snapshot();
  const auto total = static_cast<std::int32_t>(snapshot.groups.size());
  const std::int32_t first = std::clamp(header.first.value_or(0), std::int32_t{0}, total);
  const std::int32_t count =
      std::clamp(header.max_groups.value_or(total), std::int32_t{0}, total - first);
  model::GroupTableMap page;
  for (std::int32_t i = first; i < first + count; ++i) {
    const model::GroupConfig& group = snapshot.groups[static_cast<std::size_t>(i)];
    page.emplace(group.name, group);
  }
  call.reply(wire::GetAllGroupConfig::Reply{.total = total},
             model::group_table_to_json(page, snapshot.forbidden, snapshot.version).dump());
}

void GroupFamily::handle(Call call, const Request<wire::DeleteGroup>& request) {
  const Status status =
      broker_.admin().delete_group(request.header.group, request.header.clean_offset);
  if (!status) return call.refuse(status.error());
  answer_when_saved(broker_, std::move(call));
}

void GroupFamily::handle(Call call, const Request<wire::GetGroupConfig>& request) {
  const auto config = broker_.groups().config(request.header.group);
  if (!config) {
    return call.refuse(
        Error{Errc::kGroupNotFound, "no group named " + std::string(request.header.group)});
  }
  call.ok(model::to_json(*config).dump());
}

void GroupFamily::handle(Call call, const Request<wire::UpdateAndGetGroupForbidden>& request) {
  const auto& header = request.header;
  const wire::GroupForbidden body{
      .group = std::string(header.group),
      .readable = header.readable.value_or(broker_.groups().readable(header.group, header.topic)),
      .topic = std::string(header.topic)};
  if (!header.readable) return call.ok(wire::encode_body(body));
  broker_.groups().set_readable(header.group, header.topic, *header.readable);
  answer_when_saved(broker_, std::move(call), wire::encode_body(body));
}

wire::ConsumeStats GroupFamily::stats_body(const broker::ConsumeStats& stats) const {
  wire::ConsumeStats body{.consume_tps = stats.consume_tps};
  for (const auto& row : stats.rows) {
    body.queues[queue(row.queue.topic, row.queue.queue_id)] = {
        .broker_offset = row.broker_offset.value,
        .consumer_offset = row.consumer_offset.value,
        .last_timestamp = row.last_timestamp_ms,
        .pull_offset = row.pull_offset.value};
  }
  return body;
}

void GroupFamily::handle(Call call, const Request<wire::GetConsumeStats>& request) {
  const auto& header = request.header;
  std::vector<std::string> topics;
  if (!header.topic.empty()) topics.emplace_back(header.topic);
  std::string_view rest = header.topic_list;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    if (end > 0) topics.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  call.ok(
      wire::encode_body(stats_body(broker_.admin().consume_stats(header.consumer_group, topics))));
}

void GroupFamily::handle(Call call, const Request<wire::GetBrokerConsumeStats>& request) {
  wire::BrokerConsumeStats body{.broker_address = options_.address.to_string()};
  for (const auto& [group, all] : broker_.admin().all_consume_stats(request.header.order)) {
    std::vector<wire::ConsumeStats> list;
    for (const broker::ConsumeStats& stats : all) {
      for (const auto& row : stats.rows) {
        body.total_diff += row.broker_offset.value - row.consumer_offset.value;
        body.total_inflight_diff += row.pull_offset.value - row.consumer_offset.value;
      }
      list.push_back(stats_body(stats));
    }
    body.groups.push_back({{group, std::move(list)}});
  }
  call.ok(wire::encode_body(body));
}

void GroupFamily::handle(Call call, const Request<wire::QueryConsumeTimeSpan>& request) {
  const auto spans = broker_.admin().consume_time_span(request.header.topic, request.header.group);
  if (!spans) return call.refuse(spans.error());
  wire::ConsumeTimeSpans body;
  for (const broker::ConsumeTimeSpan& span : *spans) {
    body.queues.push_back({.consume_timestamp = span.consume_ms,
                           .delay_ms = span.delay_ms,
                           .max_timestamp = span.max_ms,
                           .queue = queue(span.queue.topic, span.queue.queue_id),
                           .min_timestamp = span.min_ms});
  }
  call.ok(wire::encode_body(body));
}

void GroupFamily::handle(Call call, const Request<wire::QueryTopicsByConsumer>& request) {
  call.ok(wire::encode_body(
      wire::TopicList{.topics = broker_.admin().topics_of_group(request.header.group)}));
}

void GroupFamily::handle(Call call, const Request<wire::QuerySubscriptionByConsumer>& request) {
  const auto& header = request.header;
  call.ok(wire::encode_body(wire::GroupSubscription{
      .group = std::string(header.group),
      .subscription = broker_.admin().subscription(header.group, header.topic),
      .topic = std::string(header.topic)}));
}

void GroupFamily::handle(Call call, const Request<wire::CloneGroupOffset>& request) {
  const auto& header = request.header;
  const Status status =
      broker_.admin().clone_offsets(header.source, header.destination, header.topic);
  if (!status) return call.refuse(status.error());
  answer_when_saved(broker_, std::move(call));
}

void GroupFamily::handle(Call call, const Request<wire::InvokeBrokerToResetOffset>& request) {
  const auto& header = request.header;
  // compat: -1 means "by time" (upstream ResetOffsetRequestHeader, 5.3.3).
  const auto given = header.offset.value_or(-1) >= 0 ? header.offset : std::nullopt;
  const auto offsets = broker_.admin().reset_offset({.topic = header.topic,
                                                     .group = header.group,
                                                     .timestamp_ms = header.timestamp,
                                                     .force = header.force,
                                                     .queue_id = header.queue_id,
                                                     .offset = given});
  if (!offsets) {
    // compat: an offset outside the queue is a system error (upstream
    // AdminBrokerProcessor.resetOffset).
    if (offsets.error().code == Errc::kInvalidArgument)
      return call.refuse(wire::ResponseCode::kSystemError, offsets.error().message);
    return call.refuse(offsets.error());
  }
  wire::QueueOffsets body;
  for (const auto& [queue_id, offset] : *offsets)
    body.offsets[queue(std::string(header.topic), queue_id)] = offset.value;
  answer_when_saved(broker_, std::move(call), wire::encode_body(body));
}

void GroupFamily::handle(Call call, const Request<wire::GetAllConsumerOffset>&) {
  call.ok(broker_.offsets().dump());
}

void GroupFamily::handle(Call call, const Request<wire::GetAllDelayOffset>&) {
  call.ok(broker_.schedule().dump());
}

void GroupFamily::handle(Call call, const Request<wire::SetMessageRequestMode>& request) {
  const auto body = wire::decode_body<wire::GroupRequestMode>(request.command.body);
  if (!body) return call.refuse(body.error());
  if (model::topic::is_retry(body->topic)) {
    return call.refuse(wire::ResponseCode::kNoPermission, "retry topic is not allowed to set mode");
  }
  if (broker_.topics().find(body->topic) == nullptr)
    return call.refuse(Error{Errc::kTopicNotFound, "no topic named " + body->topic});
  if (broker_.groups().find(body->group) == nullptr)
    return call.refuse(Error{Errc::kGroupNotFound, "no group named " + body->group});
  broker_.request_modes().set(
      body->topic, body->group,
      {.pop = body->mode == wire::RequestMode::kPop, .share_queues = body->pop_share_queues});
  answer_when_saved(broker_, std::move(call));
}

void GroupFamily::handle(Call call, const Request<wire::GetAllMessageRequestMode>&) {
  wire::RequestModes body;
  for (const auto& [topic, groups] : broker_.request_modes().all())
    for (const auto& [group, mode] : groups)
      body.modes[topic][group] = {
          .group = group,
          .mode = mode.pop ? wire::RequestMode::kPop : wire::RequestMode::kPull,
          .pop_share_queues = mode.share_queues,
          .topic = topic};
  call.ok(wire::encode_body(body));
}

}  // namespace oncemq::front
