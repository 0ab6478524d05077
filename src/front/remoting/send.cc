#include "front/remoting/send.h"

#include "wire/remoting/body/message_batch.h"

namespace oncemq::front {

void SendFamily::handle(Call call, const Request<wire::SendMessage>& request) {
  send(std::move(call), request.header, request.command, request.connection, request.header.batch);
}
void SendFamily::handle(Call call, const Request<wire::SendMessageV2>& request) {
  send(std::move(call), request.header, request.command, request.connection, request.header.batch);
}
void SendFamily::handle(Call call, const Request<wire::SendBatchMessage>& request) {
  send(std::move(call), request.header, request.command, request.connection, true);
}

void SendFamily::send(Call call, const wire::SendHeader& header, const wire::Command& command,
                      net::Connection& connection, bool batch) {
  broker::SendRequest send{
      .default_topic = header.default_topic,
      .default_topic_queues = header.default_topic_queue_nums,
      .queue_id = header.queue_id,
      .sys_flag = header.sys_flag,
      .born_timestamp = header.born_timestamp,
      .flag = header.flag,
      .reconsume_times = header.reconsume_times,
      .unit_mode = header.unit_mode,
      .born_host = connection.peer(),
      .body = command.body,
      .is_batch = batch,
  };
  if (command.version >= wire::version::kV3_4_9)
    send.max_reconsume_times = header.max_reconsume_times;
  // The frame stays until the end of the tick, but strings of a JSON header that carried escapes
  // lie in the command's scratch, which the next frame reuses: as good as always the properties,
  // whose separators are escaped, and hardly ever a name.
  const auto lasting = [&](std::string_view text) {
    return command.in_scratch(text) ? lane_.keep(text) : text;
  };
  send.producer_group = lasting(header.producer_group);
  send.topic = lasting(header.topic);
  send.properties = lasting(header.properties);
  if (batch) {
    std::vector<broker::BatchPart>& parts = lane_.parts();
    wire::BatchReader reader(command.body);
    wire::BatchedMessage message;
    for (;;) {
      const Result<bool> more = reader.next(message);
      if (!more) return call.refuse(wire::ResponseCode::kMessageIllegal, more.error().message);
      if (!*more) break;
      parts.push_back(
          {.flag = message.flag, .body = message.body, .properties = message.properties});
    }
    send.parts = parts;
  }
  const Result<std::size_t> staged = broker_.sender().stage(send, lane_.batch());
  if (!staged) return call.refuse(staged.error());
  lane_.staged(std::move(call), *staged, SendLane::Kind::kSend);
}

void SendFamily::handle(Call call, const Request<wire::ConsumerSendMessageBack>& request) {
  const auto& header = request.header;
  broker::SendBackRequest back{
      .group = request.command.in_scratch(header.group) ? lane_.keep(header.group) : header.group,
      .offset = model::LogOffset{header.offset},
      .delay_level = header.delay_level,
      .unit_mode = header.unit_mode,
      .consumer = lane_.keep(request.connection.peer().to_string()),
  };
  if (request.command.version >= wire::version::kV3_4_9)
    back.max_reconsume_times = header.max_reconsume_times;
  const Result<std::size_t> staged = broker_.send_back().stage(back, lane_.batch());
  if (!staged) {
    // compat: a message that is gone is a system error here (upstream
    // AbstractSendMessageProcessor.consumerSendMsgBack), elsewhere "not found".
    if (staged.error().code == Errc::kMessageNotFound)
      return call.refuse(wire::ResponseCode::kSystemError, staged.error().message);
    return call.refuse(staged.error());
  }
  lane_.staged(std::move(call), *staged, SendLane::Kind::kSendBack);
}

}  // namespace oncemq::front
