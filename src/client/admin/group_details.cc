#include "client/admin/group_details.h"

#include <algorithm>

#include "client/admin/message_finder.h"
#include "model/config_json.h"
#include "wire/remoting/body/causes.h"
#include "wire/remoting/body/connections.h"
#include "wire/remoting/body/reset_offset.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/broker_admin.h"
#include "wire/remoting/schema/causes.h"
#include "wire/remoting/schema/connections.h"
#include "wire/remoting/schema/groups.h"
#include "wire/remoting/schema/offsets.h"

namespace oncemq::client {

using wire::ResponseCode;

Result<std::vector<std::pair<std::string, model::GroupConfig>>> GroupDetails::configs(
    std::string_view group) {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  std::vector<std::pair<std::string, model::GroupConfig>> found;
  for (const Admin::Master& master : *masters) {
    // The whole table: asking for one group may create it.
    auto answer = admin_.client().call<wire::GetAllGroupConfig>(master.address, {});
    if (!answer) return fail(std::move(answer.error()));
    ONCE_TRY(answer->status());
    const auto json = Json::parse(as_text(answer->body()));
    if (!json) return fail(json.error());
    const Json& row = (*json)["subscriptionGroupTable"][group];
    if (row.is_null()) continue;
    auto config = model::group_config_from_json(row);
    if (!config) return fail(std::move(config.error()));
    found.emplace_back(master.name, std::move(*config));
  }
  if (found.empty()) return fail(Errc::kGroupNotFound, "no broker has group " + std::string(group));
  return found;
}

Result<std::vector<GroupMember>> GroupDetails::members(std::string_view group) {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  std::vector<GroupMember> members;
  for (const Admin::Master& master : *masters) {
    auto answer = admin_.client().call<wire::GetConsumerConnectionList>(master.address,
                                                                        {.consumer_group = group});
    if (!answer) return fail(std::move(answer.error()));
    if (answer->code() == wire::number(ResponseCode::kConsumerNotOnline)) continue;
    ONCE_TRY(answer->status());
    const auto body = wire::decode_body<wire::ConsumerConnections>(answer->body());
    if (!body) return fail(body.error());
    std::vector<std::string> topics;
    for (const auto& [topic, subscription] : body->subscriptions)
      topics.push_back(topic + " " + subscription.expression);
    for (const wire::ClientConnection& client : body->connections) {
      if (std::ranges::any_of(members,
                              [&](const auto& m) { return m.client_id == client.client_id; }))
        continue;
      members.push_back({.client_id = client.client_id,
                         .address = client.address,
                         .language = client.language,
                         .broker = master.name,
                         .topics = topics});
    }
  }
  return members;
}

Result<GroupDetails::Causes> GroupDetails::causes(std::string_view group) {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  Causes causes;
  for (const Admin::Master& master : *masters) {
    auto answer = admin_.client().call<wire::GetGroupCauses>(master.address, {.group = group});
    if (!answer) return fail(std::move(answer.error()));
    if (answer->code() == wire::number(ResponseCode::kSubscriptionGroupNotExist)) continue;
    if (answer->code() == wire::number(ResponseCode::kRequestCodeNotSupported))
      return fail(Errc::kNotSupported, master.name + " is no OnceMQ broker and does not know");
    ONCE_TRY(answer->status());
    const auto body = wire::decode_body<wire::GroupCauses>(answer->body());
    if (!body) return fail(body.error());
    for (const wire::CauseTotal& row : body->totals)
      causes.counts.push_back({.broker = master.name,
                               .cause = row.cause,
                               .messages = row.messages,
                               .sentence = row.sentence});
    for (const wire::CauseEvent& row : body->recent)
      causes.recent.push_back({.time_ms = row.time_ms,
                               .broker = master.name,
                               .cause = row.cause,
                               .topic = row.topic,
                               .queue_id = row.queue_id,
                               .offset = row.offset,
                               .messages = row.messages});
  }
  if (causes.counts.empty())
    return fail(Errc::kGroupNotFound, "no broker has group " + std::string(group));
  std::ranges::stable_sort(causes.recent, std::ranges::greater{}, &CauseMoment::time_ms);
  return causes;
}

Result<std::vector<OffsetMove>> GroupDetails::reset(const Reset& reset) {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  std::vector<OffsetMove> moves;
  bool any = false;
  for (const Admin::Master& master : *masters) {
    wire::ResetOffsetHeader header{.group = reset.group,
                                   .topic = reset.topic,
                                   .queue_id = reset.queue_id,
                                   .offset = {},
                                   .timestamp = reset.time_ms,
                                   .force = true};
    if (reset.offset >= 0) header.offset = reset.offset;
    auto answer = admin_.client().call<wire::InvokeBrokerToResetOffset>(master.address, header);
    if (!answer) return fail(std::move(answer.error()));
    if (answer->code() == wire::number(ResponseCode::kTopicNotExist)) continue;
    ONCE_TRY(answer->status());
    any = true;
    const auto body = wire::decode_body<wire::QueueOffsets>(answer->body());
    if (!body) return fail(body.error());
    for (const auto& [queue, offset] : body->offsets)
      moves.push_back({.broker = master.name, .queue_id = queue.queue_id, .offset = offset});
  }
  if (!any) return fail(Errc::kTopicNotFound, "no broker has topic " + reset.topic);
  return moves;
}

Result<std::vector<OffsetMove>> GroupDetails::preview(const Reset& reset) {
  const auto queues = admin_.topic_queues(reset.topic);
  if (!queues) return fail(queues.error());
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  if (const auto known = configs(reset.group); !known) return fail(known.error());
  std::vector<OffsetMove> moves;
  for (const TopicQueueInfo& queue : *queues) {
    if (reset.queue_id >= 0 && queue.queue_id != reset.queue_id) continue;
    OffsetMove move{.broker = queue.broker, .queue_id = queue.queue_id, .offset = queue.max_offset};
    if (reset.offset >= 0) {
      move.offset = reset.offset;
    } else if (reset.time_ms >= 0) {
      const auto master = std::ranges::find(*masters, queue.broker, &Admin::Master::name);
      if (master == masters->end()) continue;
      auto answer = admin_.client().call<wire::SearchOffsetByTimestamp>(
          master->address,
          {.topic = reset.topic, .queue_id = queue.queue_id, .timestamp = reset.time_ms});
      if (!answer) return fail(std::move(answer.error()));
      const auto reply = answer->fields<wire::SearchOffsetByTimestamp>();
      if (!reply) return fail(reply.error());
      move.offset = std::clamp(reply->offset, queue.min_offset, queue.max_offset);
    }
    moves.push_back(std::move(move));
  }
  return moves;
}

Result<std::vector<BrokerSettings::Row>> BrokerSettings::list() {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  std::vector<Row> rows;
  for (const Admin::Master& master : *masters) {
    auto answer = admin_.client().call<wire::GetBrokerConfig>(master.address, {});
    if (!answer) return fail(std::move(answer.error()));
    ONCE_TRY(answer->status());
    std::string_view text = as_text(answer->body());
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      const std::size_t middle = line.find('=');
      if (middle == std::string_view::npos || line.starts_with('#')) continue;
      rows.push_back({.broker = master.name,
                      .key = std::string(line.substr(0, middle)),
                      .value = std::string(line.substr(middle + 1))});
    }
  }
  return rows;
}

Status BrokerSettings::set(std::string_view key, std::string_view value) {
  auto masters = admin_.masters();
  if (!masters) return fail(std::move(masters.error()));
  const std::string line = std::string(key) + "=" + std::string(value) + "\n";
  for (const Admin::Master& master : *masters) {
    auto answer =
        admin_.client().call<wire::UpdateBrokerConfig>(master.address, {}, as_bytes(line));
    if (!answer) return fail(std::move(answer.error()));
    if (Status status = answer->status(); !status)
      return fail(status.error().code, master.name + ": " + status.error().message);
  }
  return {};
}

}  // namespace oncemq::client
