#include "client/load/load_target.h"

#include <map>
#include <utility>

#include "net/address.h"
#include "wire/remoting/body/route.h"
#include "wire/remoting/schema/name_routes.h"
#include "wire/remoting/schema/offsets.h"
#include "wire/remoting/schema/topics.h"

namespace oncemq::client {
namespace {

constexpr std::int64_t kMaster = 0;
constexpr std::int32_t kReadWrite = 6;

struct Master {
  std::string name;
  std::string address;
  std::int32_t queues = 0;
};

Status create_topic(RemotingClient& client, const TargetOptions& options,
                    const std::string& address) {
  auto answer = client.call<wire::UpdateAndCreateTopic>(address, {.topic = options.topic,
                                                                  .default_topic = "TBW102",
                                                                  .read_queues = options.queues,
                                                                  .write_queues = options.queues,
                                                                  .perm = kReadWrite,
                                                                  .filter_type = "SINGLE_TAG"});
  if (!answer) return fail(std::move(answer.error()));
  return answer->status();
}

Result<std::vector<Master>> masters_of_cluster(RemotingClient& client,
                                               const TargetOptions& options) {
  auto answer = client.call<wire::GetBrokerClusterInfo>(options.name_server, {});
  if (!answer) return fail(std::move(answer.error()));
  ONCE_TRY(answer->status());
  auto info = wire::decode_body<wire::ClusterInfo>(answer->body());
  if (!info) return fail(std::move(info.error()));
  std::vector<Master> masters;
  for (const auto& [name, broker] : info->brokers) {
    const auto master = broker.addresses.find(kMaster);
    if (master != broker.addresses.end())
      masters.push_back({.name = name, .address = master->second, .queues = options.queues});
  }
  if (masters.empty()) return fail(Errc::kNotFound, "the name server knows no broker");
  return masters;
}

Result<std::vector<Master>> masters_of_route(RemotingClient& client, const TargetOptions& options) {
  auto answer =
      client.call<wire::GetRouteInfoByTopic>(options.name_server, {.topic = options.topic});
  if (!answer) return fail(std::move(answer.error()));
  ONCE_TRY(answer->status());
  auto route = wire::decode_body<wire::TopicRoute>(answer->body());
  if (!route) return fail(std::move(route.error()));
  std::map<std::string, std::string> addresses;
  for (const wire::BrokerData& broker : route->brokers) {
    const auto master = broker.addresses.find(kMaster);
    if (master != broker.addresses.end()) addresses[broker.name] = master->second;
  }
  std::vector<Master> masters;
  for (const wire::QueueData& queue : route->queues) {
    const auto address = addresses.find(queue.broker_name);
    if (address != addresses.end())
      masters.push_back(
          {.name = queue.broker_name, .address = address->second, .queues = queue.write_queues});
  }
  if (masters.empty())
    return fail(Errc::kTopicNotFound, "the route of " + options.topic + " has no master");
  return masters;
}

Result<std::vector<Master>> find_masters(RemotingClient& client, const TargetOptions& options) {
  if (!options.broker.empty())
    return std::vector<Master>{{.address = options.broker, .queues = options.queues}};
  return options.create_topic ? masters_of_cluster(client, options)
                              : masters_of_route(client, options);
}

}  // namespace

Result<std::vector<LoadQueue>> find_target(RemotingClient& client, const TargetOptions& options) {
  auto masters = find_masters(client, options);
  if (!masters) return fail(std::move(masters.error()));
  std::vector<LoadQueue> queues;
  for (const Master& master : *masters) {
    if (options.create_topic) ONCE_TRY(create_topic(client, options, master.address));
    auto address = net::resolve(master.address);
    if (!address) return fail(std::move(address.error()));
    for (std::int32_t id = 0; id < master.queues; ++id)
      queues.push_back({.address = address->front(), .broker_name = master.name, .queue_id = id});
  }
  if (queues.empty()) return fail(Errc::kTopicNotFound, options.topic + " has no queue");
  return queues;
}

Result<std::vector<PullQueue>> find_offsets(RemotingClient& client, const std::string& topic,
                                            const std::vector<LoadQueue>& queues, Begin begin) {
  std::vector<PullQueue> result;
  for (const LoadQueue& queue : queues) {
    const std::string address = queue.address.to_string();
    std::int64_t offset = 0;
    if (begin == Begin::kLatest) {
      auto answer =
          client.call<wire::GetMaxOffset>(address, {.topic = topic, .queue_id = queue.queue_id});
      if (!answer) return fail(std::move(answer.error()));
      const auto reply = answer->fields<wire::GetMaxOffset>();
      if (!reply) return fail(reply.error());
      offset = reply->offset;
    } else {
      auto answer =
          client.call<wire::GetMinOffset>(address, {.topic = topic, .queue_id = queue.queue_id});
      if (!answer) return fail(std::move(answer.error()));
      const auto reply = answer->fields<wire::GetMinOffset>();
      if (!reply) return fail(reply.error());
      offset = reply->offset;
    }
    result.push_back({.at = queue, .offset = offset});
  }
  return result;
}

}  // namespace oncemq::client
