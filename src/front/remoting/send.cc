#include "front/remoting/send.h"

#include "front/remoting/send_request.h"
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
  broker::SendRequest send = send_request(lane_, header, command, connection);
  send.is_batch = batch;
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
  broker::Faults* const faults = broker_.faults();
  const bool lost =
      faults != nullptr && !call.oneway() &&
      faults->strikes(broker::FaultKind::kLoseSendResponse, header.topic, header.producer_group);
  lane_.staged(std::move(call), *staged, lost ? SendLane::Kind::kLost : SendLane::Kind::kSend);
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
