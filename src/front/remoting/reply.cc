#include "front/remoting/reply.h"

#include <algorithm>
#include <string>
#include <utility>

#include "front/remoting/channel.h"
#include "front/remoting/loop_edge.h"
#include "front/remoting/send_request.h"
#include "model/properties.h"

namespace oncemq::front {
namespace property = model::property;

// A reply on its way to the asker, with its own copy of everything.
struct ReplyFamily::Push {
  explicit Push(Call token) : call(std::move(token)) {}

  Call call;
  std::string client_id;
  std::string producer_group;
  std::string topic;
  std::string default_topic;
  std::string properties;
  std::string born_host;
  std::string store_host;
  std::string body;
  std::string region;
  bool trace_on = false;
  wire::PushReplyMessageToClient::Header header;
};

void ReplyFamily::handle(Call call, const Request<wire::SendReplyMessage>& request) {
  reply(std::move(call), request.header, request.command, request.connection);
}
void ReplyFamily::handle(Call call, const Request<wire::SendReplyMessageV2>& request) {
  reply(std::move(call), request.header, request.command, request.connection);
}

void ReplyFamily::reply(Call call, const wire::SendHeader& header, const wire::Command& command,
                        net::Connection& connection) {
  if (switches_.store_reply.load(std::memory_order_relaxed)) {
    const Result<std::size_t> staged =
        broker_.sender().stage(send_request(lane_, header, command, connection), lane_.batch());
    if (!staged) return call.refuse(staged.error());
    lane_.staged_unasked(*staged);
  }
  // compat: all that keeps a reply from its asker is a system error (upstream
  // ReplyMessageProcessor).
  const auto asker = model::find_property(header.properties, property::kReplyToClient);
  if (!asker)
    return call.refuse(wire::ResponseCode::kSystemError,
                       "reply message properties[REPLY_TO_CLIENT] is null");
  const auto client = broker_.clients().producer(*asker);
  if (!client)
    return call.refuse(wire::ResponseCode::kSystemError, "push reply message fail, channel of <" +
                                                             std::string(*asker) + "> not found.");

  auto made = std::make_shared<Push>(std::move(call));
  made->client_id = *asker;
  made->producer_group = header.producer_group;
  made->topic = header.topic;
  made->default_topic = header.default_topic;
  made->properties = header.properties;
  model::set_property(made->properties, property::kPushReplyTime, std::to_string(clock_.wall_ms()));
  made->born_host = connection.peer().to_string();
  made->store_host = options_.address.to_string();
  made->body = as_text(command.body);
  made->region = options_.region;
  made->trace_on = options_.trace_on;
  made->header = {.producer_group = made->producer_group,
                  .topic = made->topic,
                  .default_topic = made->default_topic,
                  .default_topic_queue_nums = header.default_topic_queue_nums,
                  .queue_id = header.queue_id,
                  .sys_flag = header.sys_flag,
                  .born_timestamp = header.born_timestamp,
                  .flag = header.flag,
                  .properties = made->properties,
                  .reconsume_times = header.reconsume_times,
                  .unit_mode = header.unit_mode,
                  .born_host = made->born_host,
                  .store_host = made->store_host,
                  .store_timestamp = clock_.wall_ms()};
  push(std::move(made), channel_ref(client->channel));
}

void ReplyFamily::push(std::shared_ptr<Push> push, net::ConnectionRef asker) {
  LoopEdge* edge = push->call.edge().edge_of(asker);
  if (edge == nullptr)
    return push->call.refuse(wire::ResponseCode::kSystemError, "the asker is not connected");
  edge->loop().post([edge, asker, push = std::move(push)] {
    edge->client_calls().ask<wire::PushReplyMessageToClient>(
        asker, push->header, push->body, kClientTimeoutMs,
        [push](const Result<ClientAnswer>& answer) {
          if (!answer || answer->code != wire::number(wire::ResponseCode::kSuccess)) {
            const std::string why = answer ? std::string(answer->remark) : answer.error().message;
            return push->call.refuse(wire::ResponseCode::kSystemError,
                                     "push reply message to " + push->client_id + " fail: " + why);
          }
          // compat: a reply has no message id of its own here; clients want one that they can read
          // (upstream ReplyMessageProcessor.handlePushReplyResult).
          push->call.reply(wire::SendReply{.message_id = "0",
                                           .queue_id = std::max(push->header.queue_id, 0),
                                           .queue_offset = 0,
                                           .region = push->region,
                                           .trace_on = push->trace_on});
        });
    // The connection has its copy; while the asker is silent only the rest is kept.
    std::string().swap(push->body);
  });
}

}  // namespace oncemq::front
