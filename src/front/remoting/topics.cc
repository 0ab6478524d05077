#include "front/remoting/topics.h"

#include <algorithm>

#include "base/json.h"
#include "front/remoting/when_saved.h"
#include "model/config_json.h"
#include "wire/remoting/body/groups.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/body/stats.h"
#include "wire/remoting/body/topics.h"

namespace oncemq::front {

void TopicFamily::handle(Call call, const Request<wire::UpdateAndCreateTopic>& request) {
  const auto& header = request.header;
  auto changes = broker::parse_attribute_changes(header.attributes);
  // compat: attributes that do not parse are a system error, all else about a topic is 29 (upstream
  // AdminBrokerProcessor.updateAndCreateTopic).
  if (!changes) return call.refuse(wire::ResponseCode::kSystemError, changes.error().message);
  const Status status = broker_.topics().update({.name = std::string(header.topic),
                                                 .read_queues = header.read_queues,
                                                 .write_queues = header.write_queues,
                                                 .perm = header.perm,
                                                 .multi_tag = header.filter_type == "MULTI_TAG",
                                                 .sys_flag = header.sys_flag,
                                                 .order = header.order,
                                                 .attributes = std::move(*changes)});
  if (!status) return call.refuse(status.error());
  answer_when_saved(broker_, std::move(call));
}

void TopicFamily::handle(Call call, const Request<wire::UpdateAndCreateTopicList>& request) {
  auto body = wire::decode_body<wire::TopicConfigList>(request.command.body);
  if (!body) return call.refuse(body.error());
  for (const model::TopicConfig& topic : body->topics) {
    if (const Status status = broker_.topics().update(topic); !status)
      return call.refuse(status.error());
  }
  answer_when_saved(broker_, std::move(call));
}

void TopicFamily::handle(Call call, const Request<wire::DeleteTopicInBroker>& request) {
  if (const Status status = broker_.admin().delete_topic(request.header.topic); !status)
    return call.refuse(status.error());
  answer_when_saved(broker_, std::move(call));
}

void TopicFamily::handle(Call call, const Request<wire::GetAllTopicConfig>& request) {
  const auto& header = request.header;
  const broker::TopicSnapshot snapshot = broker_.topics().snapshot();
  // Large tables are asked for in pages: from the position `topicSeq`, at most `maxTopicNum`.
  const auto total = static_cast<std::int32_t>(snapshot.topics.size());
  const std::int32_t first = std::clamp(header.first.value_or(0), std::int32_t{0}, total);
  const std::int32_t count =
      std::clamp(header.max_topics.value_or(total), std::int32_t{0}, total - first);
  model::TopicTableMap page;
  for (std::int32_t i = first; i < first + count; ++i) {
    const model::TopicConfig& topic = snapshot.topics[static_cast<std::size_t>(i)];
    page.emplace(topic.name, topic);
  }
  Json body = model::topic_table_to_json(page, snapshot.version);
  body.set("mappingDataVersion", model::to_json(snapshot.version));
  body.set("topicQueueMappingDetailMap", Json::object());
  body.set("topicQueueMappingInfoMap", Json::object());
  call.reply(wire::GetAllTopicConfig::Reply{.total = total}, body.dump());
}

void TopicFamily::handle(Call call, const Request<wire::GetTopicConfig>& request) {
  const auto config = broker_.topics().config(request.header.topic);
  if (!config) {
    return call.refuse(
        Error{Errc::kTopicNotFound, "no topic named " + std::string(request.header.topic)});
  }
  call.ok(model::to_json(*config).dump());
}

void TopicFamily::handle(Call call, const Request<wire::GetTopicStatsInfo>& request) {
  const auto stats = broker_.admin().topic_stats(request.header.topic);
  if (!stats) return call.refuse(stats.error());
  wire::TopicStats body{.put_tps = stats->put_tps};
  for (const auto& row : stats->rows) {
    body.queues[{
        .broker_name = options_.name, .queue_id = row.queue.queue_id, .topic = row.queue.topic}] = {
        .last_update_timestamp = row.last_update_ms,
        .max_offset = row.max.value,
        .min_offset = row.min.value};
  }
  call.ok(wire::encode_body(body));
}

void TopicFamily::handle(Call call, const Request<wire::GetSystemTopicListFromBroker>&) {
  call.ok(wire::encode_body(wire::TopicList{.topics = broker_.topics().system_topics()}));
}

void TopicFamily::handle(Call call, const Request<wire::CleanUnusedTopic>&) {
  broker_.admin().clean_unused_topics();
  call.ok();
}

void TopicFamily::handle(Call call, const Request<wire::QueryTopicConsumeByWho>& request) {
  call.ok(wire::encode_body(
      wire::GroupList{.groups = broker_.admin().groups_of_topic(request.header.topic)}));
}

}  // namespace oncemq::front
