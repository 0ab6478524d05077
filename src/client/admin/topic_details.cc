#include "client/admin/topic_details.h"

#include <algorithm>
#include <set>

#include "model/config_json.h"
#include "model/properties.h"
#include "wire/remoting/body/groups.h"
#include "wire/remoting/body/idempotency.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/idempotency.h"
#include "wire/remoting/schema/name_routes.h"
#include "wire/remoting/schema/send.h"
#include "wire/remoting/schema/topics.h"

namespace oncemq::client {

using wire::ResponseCode;

Result<std::vector<std::pair<std::string, model::TopicConfig>>> TopicDetails::configs(
    std::string_view topic) {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  std::vector<std::pair<std::string, model::TopicConfig>> found;
  for (const Admin::Master& master : *masters) {
    auto answer = admin_.client().call<wire::GetTopicConfig>(master.address, {.topic = topic});
    if (!answer) return fail(std::move(answer.error()));
    if (answer->code() == wire::number(ResponseCode::kTopicNotExist)) continue;
    ONCE_TRY(answer->status());
    const auto json = Json::parse(as_text(answer->body()));
    if (!json) return fail(json.error());
    auto config = model::topic_config_from_json(*json);
    if (!config) return fail(std::move(config.error()));
    found.emplace_back(master.name, std::move(*config));
  }
  if (found.empty()) return fail(Errc::kTopicNotFound, "no broker has topic " + std::string(topic));
  return found;
}

Status TopicDetails::update(const model::TopicConfig& topic, std::string_view attributes) {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  for (const Admin::Master& master : *masters) {
    auto answer = admin_.client().call<wire::UpdateAndCreateTopic>(
        master.address, {.topic = topic.name,
                         .default_topic = model::topic::kAutoCreate,
                         .read_queues = topic.read_queues,
                         .write_queues = topic.write_queues,
                         .perm = topic.perm,
                         .filter_type = topic.multi_tag ? "MULTI_TAG" : "SINGLE_TAG",
                         .sys_flag = topic.sys_flag,
                         .order = topic.order,
                         .attributes = attributes});
    if (!answer) return fail(std::move(answer.error()));
    ONCE_TRY(answer->status());
  }
  return {};
}

Result<std::vector<RouteRow>> TopicDetails::route(std::string_view topic) {
  auto answer =
      admin_.client().call<wire::GetRouteInfoByTopic>(admin_.name_server(), {.topic = topic});
  if (!answer) return fail(std::move(answer.error()));
  ONCE_TRY(answer->status());
  const auto route = wire::decode_body<wire::TopicRoute>(answer->body());
  if (!route) return fail(route.error());
  std::vector<RouteRow> rows;
  for (const wire::QueueData& queue : route->queues) {
    RouteRow row{.broker = queue.broker_name,
                 .address = {},
                 .read_queues = queue.read_queues,
                 .write_queues = queue.write_queues,
                 .perm = queue.perm};
    for (const wire::BrokerData& broker : route->brokers)
      if (const auto master = broker.addresses.find(0);
          broker.name == row.broker && master != broker.addresses.end())
        row.address = master->second;
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<std::vector<std::string>> TopicDetails::groups(std::string_view topic) {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  std::set<std::string> groups;
  for (const Admin::Master& master : *masters) {
    auto answer =
        admin_.client().call<wire::QueryTopicConsumeByWho>(master.address, {.topic = topic});
    if (!answer) return fail(std::move(answer.error()));
    ONCE_TRY(answer->status());
    const auto list = wire::decode_body<wire::GroupList>(answer->body());
    if (!list) return fail(list.error());
    groups.insert(list->groups.begin(), list->groups.end());
  }
  return std::vector<std::string>(groups.begin(), groups.end());
}

Result<TopicDetails::Repeats> TopicDetails::repeats(std::string_view topic) {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  Repeats repeats;
  for (const Admin::Master& master : *masters) {
    auto answer =
        admin_.client().call<wire::GetIdempotencyReport>(master.address, {.topic = topic});
    if (!answer) return fail(std::move(answer.error()));
    if (answer->code() == wire::number(ResponseCode::kTopicNotExist)) continue;
    if (answer->code() == wire::number(ResponseCode::kRequestCodeNotSupported))
      return fail(Errc::kNotSupported, master.name + " is no OnceMQ broker and does not know");
    ONCE_TRY(answer->status());
    const auto body = wire::decode_body<wire::IdempotencyReport>(answer->body());
    if (!body) return fail(body.error());
    for (const wire::RepeatTotal& row : body->totals)
      repeats.counts.push_back({.broker = master.name,
                                .mode = body->mode,
                                .what = row.what,
                                .messages = row.messages,
                                .sentence = row.sentence});
    for (const wire::RepeatExample& row : body->latest)
      repeats.latest.push_back({.time_ms = row.time_ms,
                                .broker = master.name,
                                .what = row.what,
                                .key = row.key,
                                .original_ms = row.original_ms,
                                .original_id = row.original_id,
                                .queue_id = row.queue_id,
                                .queue_offset = row.queue_offset});
  }
  if (repeats.counts.empty())
    return fail(Errc::kTopicNotFound, "no broker has topic " + std::string(topic));
  std::ranges::stable_sort(repeats.latest, std::ranges::greater{}, &RepeatMoment::time_ms);
  return repeats;
}

Result<SentMessage> TopicDetails::send(const NewMessage& message) {
  auto rows = route(message.topic);
  if (!rows) return fail(std::move(rows.error()));
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  const auto row = std::find_if(rows->begin(), rows->end(), [&](const RouteRow& one) {
    return one.write_queues > 0 && (one.perm & model::perm::kWrite) != 0 &&
           std::ranges::any_of(*masters, [&](const auto& m) { return m.address == one.address; });
  });
  if (row == rows->end())
    return fail(Errc::kNoPermission, "no broker takes messages for topic " + message.topic);
  std::string properties;
  for (const auto& [name, value] : message.properties)
    model::append_property(properties, name, value);
  if (!message.tags.empty())
    model::append_property(properties, model::property::kTags, message.tags);
  if (!message.keys.empty())
    model::append_property(properties, model::property::kKeys, message.keys);
  if (message.delay_level > 0)
    model::append_property(properties, model::property::kDelayLevel,
                           std::to_string(message.delay_level));
  model::append_property(properties, model::property::kWait, "true");
  auto answer =
      admin_.client().call<wire::SendMessageV2>(row->address,
                                                {.producer_group = "TOOLS_PRODUCER",
                                                 .topic = message.topic,
                                                 .default_topic = model::topic::kAutoCreate,
                                                 .default_topic_queue_nums = row->write_queues,
                                                 .queue_id = message.queue_id,
                                                 .properties = properties},
                                                as_bytes(message.body));
  if (!answer) return fail(std::move(answer.error()));
  const auto reply = answer->fields<wire::SendMessageV2>();
  if (!reply) return fail(reply.error());
  return SentMessage{.broker = row->broker,
                     .id = std::string(reply->message_id),
                     .unique_key = std::string(reply->transaction_id),
                     .queue_id = reply->queue_id,
                     .offset = reply->queue_offset};
}

}  // namespace oncemq::client
