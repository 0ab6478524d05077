#include "client/admin/admin.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/json.h"
#include "model/config_json.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/body/stats.h"
#include "wire/remoting/schema/broker_admin.h"
#include "wire/remoting/schema/groups.h"
#include "wire/remoting/schema/name_routes.h"
#include "wire/remoting/schema/topics.h"

namespace oncemq::client {
namespace {

constexpr std::int64_t kMasterId = 0;

// The answer's body as T; a refusal is an error.
template <class T>
Result<T> body_of(Result<Answer>&& answer) {
  if (!answer) return fail(std::move(answer.error()));
  ONCE_TRY(answer->status());
  return wire::decode_body<T>(answer->body());
}

Status status_of(Result<Answer>&& answer) {
  if (!answer) return fail(std::move(answer.error()));
  return answer->status();
}

std::string first_word(const std::string& text) {
  return text.substr(0, text.find(' '));
}

std::string value_of(const wire::KvTable& table, const std::string& name) {
  const auto found = table.table.find(name);
  return found == table.table.end() ? std::string() : found->second;
}

// Errors in front say at which broker.
tl::unexpected<Error> at(std::string_view broker, Error error) {
  error.message = std::string(broker) + ": " + error.message;
  return fail(std::move(error));
}

}  // namespace

Result<std::vector<BrokerInfo>> Admin::brokers() {
  auto cluster =
      body_of<wire::ClusterInfo>(client_.call<wire::GetBrokerClusterInfo>(name_server_, {}));
  if (!cluster) return fail(std::move(cluster.error()));
  std::vector<BrokerInfo> result;
  for (const auto& [name, broker] : cluster->brokers) {
    for (const auto& [id, address] : broker.addresses) {
      BrokerInfo info{.cluster = broker.cluster, .name = name, .id = id, .address = address};
      const auto runtime =
          body_of<wire::KvTable>(client_.call<wire::GetBrokerRuntimeInfo>(address, {}));
      if (runtime) {
        info.version = value_of(*runtime, "brokerVersionDesc");
        info.put_tps = first_word(value_of(*runtime, "putTps"));
        info.get_tps = first_word(value_of(*runtime, "getTransferredTps"));
      }
      result.push_back(std::move(info));
    }
  }
  std::ranges::stable_sort(result, {}, &BrokerInfo::cluster);
  return result;
}

Result<std::vector<Admin::Master>> Admin::masters() {
  auto cluster =
      body_of<wire::ClusterInfo>(client_.call<wire::GetBrokerClusterInfo>(name_server_, {}));
  if (!cluster) return fail(std::move(cluster.error()));
  std::vector<Master> result;
  for (const auto& [name, broker] : cluster->brokers) {
    const auto master = broker.addresses.find(kMasterId);
    if (master == broker.addresses.end()) continue;
    if (broker_.empty() || broker_ == name || broker_ == master->second)
      result.push_back({name, master->second});
  }
  if (result.empty())
    return fail(Errc::kNotFound, broker_.empty() ? "the name server knows no broker"
                                                 : "the name server knows no broker " + broker_);
  return result;
}

Result<std::vector<std::string>> Admin::topics() {
  auto list =
      body_of<wire::TopicList>(client_.call<wire::GetAllTopicListFromNameServer>(name_server_, {}));
  if (!list) return fail(std::move(list.error()));
  std::ranges::sort(list->topics);
  return std::move(list->topics);
}

Status Admin::create_topic(const model::TopicConfig& topic) {
  auto all = masters();
  if (!all) return fail(std::move(all.error()));
  for (const Master& master : *all) {
    Status created = status_of(client_.call<wire::UpdateAndCreateTopic>(
        master.address, {.topic = topic.name,
                         .default_topic = model::topic::kAutoCreate,
                         .read_queues = topic.read_queues,
                         .write_queues = topic.write_queues,
                         .perm = topic.perm,
                         .filter_type = topic.multi_tag ? "MULTI_TAG" : "SINGLE_TAG",
                         .sys_flag = topic.sys_flag,
                         .order = topic.order}));
    if (!created) return at(master.name, std::move(created.error()));
  }
  return {};
}

Status Admin::delete_topic(std::string_view name) {
  auto all = masters();
  if (!all) return fail(std::move(all.error()));
  for (const Master& master : *all) {
    Status deleted =
        status_of(client_.call<wire::DeleteTopicInBroker>(master.address, {.topic = name}));
    if (!deleted) return at(master.name, std::move(deleted.error()));
  }
  return status_of(client_.call<wire::DeleteTopicInNameServer>(name_server_, {.topic = name}));
}

Result<std::vector<TopicQueueInfo>> Admin::topic_queues(std::string_view name) {
  auto all = masters();
  if (!all) return fail(std::move(all.error()));
  std::vector<TopicQueueInfo> result;
  Error last{.code = Errc::kTopicNotFound, .message = "no broker has it"};
  for (const Master& master : *all) {
    auto stats = body_of<wire::TopicStats>(
        client_.call<wire::GetTopicStatsInfo>(master.address, {.topic = name}));
    if (!stats) {
      last = at(master.name, std::move(stats.error())).value();
      continue;
    }
    for (const auto& [queue, numbers] : stats->queues)
      result.push_back({.broker = master.name,
                        .queue_id = queue.queue_id,
                        .min_offset = numbers.min_offset,
                        .max_offset = numbers.max_offset,
                        .last_ms = numbers.last_update_timestamp});
  }
  if (result.empty()) return fail(std::move(last));
  return result;
}

Result<std::vector<std::string>> Admin::groups() {
  auto all = masters();
  if (!all) return fail(std::move(all.error()));
  std::set<std::string> names;
  for (const Master& master : *all) {
    auto answer = client_.call<wire::GetAllGroupConfig>(master.address, {});
    if (!answer) return at(master.name, std::move(answer.error()));
    if (Status status = answer->status(); !status) return at(master.name, status.error());
    const auto json = Json::parse(as_text(answer->body()));
    if (!json) return at(master.name, json.error());
    for (const auto& [name, config] : (*json)["subscriptionGroupTable"].members())
      names.insert(name);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Status Admin::create_group(const model::GroupConfig& group) {
  auto all = masters();
  if (!all) return fail(std::move(all.error()));
  const std::string body = model::to_json(group).dump();
  for (const Master& master : *all) {
    Status created =
        status_of(client_.call<wire::UpdateAndCreateGroup>(master.address, {}, as_bytes(body)));
    if (!created) return at(master.name, std::move(created.error()));
  }
  return {};
}

Status Admin::delete_group(std::string_view name) {
  auto all = masters();
  if (!all) return fail(std::move(all.error()));
  for (const Master& master : *all) {
    Status deleted = status_of(
        client_.call<wire::DeleteGroup>(master.address, {.group = name, .clean_offset = true}));
    if (!deleted) return at(master.name, std::move(deleted.error()));
  }
  return {};
}

Result<std::vector<GroupQueueInfo>> Admin::group_progress(std::string_view name) {
  auto all = masters();
  if (!all) return fail(std::move(all.error()));
  std::vector<GroupQueueInfo> result;
  for (const Master& master : *all) {
    auto stats = body_of<wire::ConsumeStats>(
        client_.call<wire::GetConsumeStats>(master.address, {.consumer_group = name}));
    if (!stats) return at(master.name, std::move(stats.error()));
    for (const auto& [queue, numbers] : stats->queues)
      result.push_back({.topic = queue.topic,
                        .broker = master.name,
                        .queue_id = queue.queue_id,
                        .broker_offset = numbers.broker_offset,
                        .consumer_offset = numbers.consumer_offset,
                        .last_ms = numbers.last_timestamp});
  }
  std::ranges::stable_sort(result, {}, &GroupQueueInfo::topic);
  return result;
}

}  // namespace oncemq::client
