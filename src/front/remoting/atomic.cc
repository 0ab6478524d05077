#include "front/remoting/atomic.h"

#include <utility>

#include "front/remoting/channel.h"
#include "front/remoting/loop_edge.h"
#include "front/remoting/pop.h"
#include "model/message_id.h"
#include "model/topic.h"
#include "wire/remoting/body/atomic.h"

namespace oncemq::front {

void AtomicFamily::handle(Call call, const Request<wire::CommitAtomically>& request) {
  const auto parts = wire::decode_atomic_parts(request.command.body);
  if (!parts) return call.refuse(wire::ResponseCode::kMessageIllegal, parts.error().message);
  acks_.clear();
  moves_.clear();
  sends_.clear();
  for (const wire::AtomicParts::Ack& ack : parts->acks) {
    const auto handle = handle_of(ack.group, ack.topic, ack.queue_id, ack.offset, ack.handle,
                                  channel_id(call.connection()));
    if (!handle) return call.refuse(wire::ResponseCode::kMessageIllegal, handle.error().message);
    acks_.push_back(*handle);
  }
  for (const wire::AtomicParts::Move& move : parts->moves)
    moves_.push_back({.group = move.group,
                      .topic = move.topic,
                      .queue_id = move.queue_id,
                      .from = move.from,
                      .to = move.to});
  for (const wire::AtomicParts::Send& send : parts->sends)
    sends_.push_back({.producer_group = request.header.producer_group,
                      .topic = send.topic,
                      .default_topic = model::topic::kAutoCreate,
                      .queue_id = send.queue_id,
                      .sys_flag = send.sys_flag,
                      .born_timestamp = send.born_ms,
                      .flag = send.flag,
                      .properties = send.properties,
                      .born_host = request.connection.peer(),
                      .body = send.body});
  const auto outcome = broker_.atomic_commits().commit(
      {.id = request.header.id, .acks = acks_, .moves = moves_, .sends = sends_}, scratch_);
  if (!outcome) return call.refuse(outcome.error());
  std::string frame;
  const std::string body = outcome->repeated ? std::string() : answer(sends_.size());
  wire::encode_reply(frame, call.kind(),
                     {.code = wire::number(wire::ResponseCode::kSuccess), .opaque = call.opaque()},
                     wire::CommitAtomically::Reply{.repeated = outcome->repeated}, body.size());
  frame += body;
  broker::Faults* const faults = broker_.faults();
  if (faults != nullptr && !sends_.empty() &&
      faults->strikes(broker::FaultKind::kLoseSendResponse, sends_.front().topic,
                      request.header.producer_group))
    frame.clear();
  lane_.hold_appended(std::move(call), outcome->end, frame);
}

std::string AtomicFamily::answer(std::size_t sends) const {
  wire::AtomicAnswer answer;
  for (std::size_t i = 0; i < sends; ++i) {
    const broker::SendOutcome outcome = scratch_.outcome(i);
    const store::Appended& stored = outcome.items.front().result;
    answer.sent.push_back(
        {.duplicate = outcome.duplicates > 0,
         .message_id = std::string(outcome.unique_key),
         .offset_id = model::offset_message_id(options_.address, stored.log_offset),
         .queue_id = outcome.queue_id,
         .queue_offset = stored.queue_offset.value});
  }
  return wire::encode_body(answer);
}

}  // namespace oncemq::front
