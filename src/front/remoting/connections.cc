#include "front/remoting/connections.h"

#include <algorithm>
#include <memory>

#include "front/remoting/channel.h"
#include "front/remoting/loop_edge.h"
#include "model/message_id.h"
#include "wire/remoting/body/connections.h"
#include "wire/remoting/body/reset_offset.h"

namespace oncemq::front {
namespace {

// Clients before 3.1.8 do not know how to tell their state.
constexpr std::int32_t kTellsRunningInfo = 62;

wire::ClientConnection connection_of(const broker::ClientInfo& client) {
  return {.address = client.address,
          .client_id = client.client_id,
          .language =
              std::string(wire::language_name(wire::language_of(std::int64_t{client.language}))),
          .version = client.version};
}

wire::ConsumeFrom consume_from_of(std::string_view name) {
  const auto& names = JsonEnum<wire::ConsumeFrom>::names;
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? wire::ConsumeFrom::kLastOffset
                              : static_cast<wire::ConsumeFrom>(found - names.begin());
}

// Asks the client on its own loop and answers the operator with what it says. Strings that the
// header refers to are kept by `owned`.
template <class R, class Owned>
void pass_on(Call call, net::ConnectionRef client, std::shared_ptr<Owned> owned) {
  LoopEdge* edge = call.edge().edge_of(client);
  if (edge == nullptr)
    return call.refuse(wire::ResponseCode::kSystemError, "the client is not connected");
  auto token = std::make_shared<Call>(std::move(call));
  edge->loop().post([edge, client, token, owned] {
    edge->client_calls().template ask<R>(
        client, owned->header, owned->body, ConnectionFamily::kClientTimeoutMs,
        [token](const Result<ClientAnswer>& answer) {
          if (answer) {
            return token->respond(static_cast<wire::ResponseCode>(answer->code), answer->remark,
                                  as_text(answer->body));
          }
          // compat: an unreachable client is a system error, a silent one 207 (upstream
          // AdminBrokerProcessor.callConsumer).
          if (answer.error().code == Errc::kClientTimeout) return token->refuse(answer.error());
          token->refuse(wire::ResponseCode::kSystemError, answer.error().message);
        });
  });
}

struct RunningInfoQuestion {
  std::string group;
  std::string client_id;
  std::string body;
  wire::GetConsumerRunningInfo::Header header;
};

struct ConsumeQuestion {
  std::string group;
  std::string client_id;
  std::string message_id;
  std::string broker_name;
  std::string topic;
  std::string body;
  wire::ConsumeMessageDirectly::Header header;
};

}  // namespace

void ConnectionFamily::handle(Call call, const Request<wire::GetConsumerConnectionList>& request) {
  auto view = broker_.admin().consumer_connection(request.header.consumer_group);
  if (!view) return call.refuse(view.error());
  wire::ConsumerConnections body{.consume_from = consume_from_of(view->consume_from),
                                 .consume_type = view->type,
                                 .message_model = view->model};
  for (const broker::ClientInfo& client : view->clients)
    body.connections.push_back(connection_of(client));
  for (model::Subscription& subscription : view->subscriptions) {
    std::string topic = subscription.topic;
    body.subscriptions.emplace(std::move(topic), std::move(subscription));
  }
  call.ok(wire::encode_body(body));
}

void ConnectionFamily::handle(Call call, const Request<wire::GetProducerConnectionList>& request) {
  wire::ProducerConnections body;
  for (const broker::ClientInfo& client :
       broker_.clients().producers(request.header.producer_group)) {
    body.connections.push_back(connection_of(client));
  }
  if (body.connections.empty()) {
    return call.refuse(
        wire::ResponseCode::kSystemError,
        "the producer group[" + std::string(request.header.producer_group) + "] not exist");
  }
  call.ok(wire::encode_body(body));
}

void ConnectionFamily::handle(Call call, const Request<wire::GetAllProducerInfo>&) {
  wire::ProducerTable body;
  for (const auto& [group, clients] : broker_.clients().all_producers()) {
    for (const broker::ClientInfo& client : clients) {
      body.groups[group].push_back({.client_id = client.client_id,
                                    .language = std::string(wire::language_name(
                                        wire::language_of(std::int64_t{client.language}))),
                                    .last_update_timestamp = client.last_heartbeat_ms,
                                    // compat: Java's text of a socket address without a name.
                                    .remote_ip = "/" + client.address,
                                    .version = client.version});
    }
  }
  call.ok(wire::encode_body(body));
}

Result<net::ConnectionRef> ConnectionFamily::client_of(std::string_view group,
                                                       std::string_view client_id) const {
  const auto client = broker_.clients().consumer(group, client_id);
  if (!client) {
    return fail(Errc::kConsumerOffline, "The Consumer <" + std::string(group) + "> <" +
                                            std::string(client_id) + "> not online");
  }
  if (client->version < kTellsRunningInfo) {
    return fail(Errc::kNotSupported, "The Consumer <" + std::string(client_id) +
                                         "> Version too low to finish, please upgrade it");
  }
  return channel_ref(client->channel);
}

void ConnectionFamily::handle(Call call, const Request<wire::GetConsumerRunningInfo>& request) {
  const auto& header = request.header;
  const auto client = client_of(header.consumer_group, header.client_id);
  if (!client) return call.refuse(wire::ResponseCode::kSystemError, client.error().message);
  auto question = std::make_shared<RunningInfoQuestion>(RunningInfoQuestion{
      std::string(header.consumer_group), std::string(header.client_id), {}, {}});
  question->header = {.consumer_group = question->group,
                      .client_id = question->client_id,
                      .jstack_enable = header.jstack_enable};
  pass_on<wire::GetConsumerRunningInfo>(std::move(call), *client, std::move(question));
}

void ConnectionFamily::handle(Call call, const Request<wire::ConsumeMessageDirectly>& request) {
  const auto& header = request.header;
  const auto client = client_of(header.consumer_group, header.client_id);
  if (!client) return call.refuse(wire::ResponseCode::kSystemError, client.error().message);
  const auto id = model::parse_offset_message_id(header.message_id);
  if (!id) return call.refuse(wire::ResponseCode::kSystemError, id.error().message);
  auto record = broker_.query().by_offset(id->offset);
  if (!record) return call.refuse(wire::ResponseCode::kSystemError, record.error().message);

  auto question =
      std::make_shared<ConsumeQuestion>(ConsumeQuestion{std::string(header.consumer_group),
                                                        std::string(header.client_id),
                                                        std::string(header.message_id),
                                                        options_.name,
                                                        std::string(header.topic),
                                                        std::string(as_text(record->bytes)),
                                                        {}});
  const broker::TopicEntry* topic = broker_.topics().find(header.topic);
  const broker::GroupEntry* group = broker_.groups().find(header.consumer_group);
  question->header = {.consumer_group = question->group,
                      .client_id = question->client_id,
                      .message_id = question->message_id,
                      .broker_name = question->broker_name,
                      .topic = question->topic,
                      .topic_sys_flag = topic != nullptr ? topic->sys_flag() : 0,
                      .group_sys_flag = group != nullptr ? group->sys_flag() : 0};
  pass_on<wire::ConsumeMessageDirectly>(std::move(call), *client, std::move(question));
}

void ConnectionFamily::handle(Call call,
                              const Request<wire::InvokeBrokerToGetConsumerStatus>& request) {
  const auto& header = request.header;
  const auto view = broker_.clients().consumer_group(header.group);
  if (!view || view->clients.empty()) {
    return call.refuse(Error{Errc::kConsumerOffline,
                             "no consumer of group " + std::string(header.group) + " is online"});
  }

  // Asks all clients (or the one named) and puts their tables together.
  struct Gather {
    explicit Gather(Call token) : call(std::move(token)) {}
    ~Gather() {
      if (!call) return;
      if (failure.empty())
        call.ok(wire::encode_body(status));
      else
        call.refuse(wire::ResponseCode::kSystemError, failure);
    }
    Call call;
    Mutex mutex;
    wire::ConsumerStatus status ONCE_GUARDED_BY(mutex);
    std::string failure ONCE_GUARDED_BY(mutex);
    std::string topic;
    std::string group;
  };
  auto gather = std::make_shared<Gather>(std::move(call));
  gather->topic = header.topic;
  gather->group = header.group;
  for (const broker::ClientInfo& client : view->clients) {
    if (!header.client_address.empty() && header.client_address != client.client_id) continue;
    const net::ConnectionRef to = channel_ref(client.channel);
    LoopEdge* edge = gather->call.edge().edge_of(to);
    if (edge == nullptr) continue;
    edge->loop().post([edge, to, gather, id = client.client_id] {
      edge->client_calls().ask<wire::GetConsumerStatusFromClient>(
          to, {.topic = gather->topic, .group = gather->group}, {}, kClientTimeoutMs,
          [gather, id](const Result<ClientAnswer>& answer) {
            auto body = answer ? wire::decode_body<wire::ConsumerStatus>(answer->body)
                               : Result<wire::ConsumerStatus>(fail(answer.error()));
            MutexLock lock(gather->mutex);
            if (body)
              gather->status.clients[id] = std::move(body->queues);
            else
              gather->failure = body.error().message;
          });
    });
  }
}

}  // namespace oncemq::front
