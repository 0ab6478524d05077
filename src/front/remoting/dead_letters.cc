#include "front/remoting/dead_letters.h"

#include "model/message_id.h"
#include "wire/remoting/body/dead_letters.h"

namespace oncemq::front {

std::string DeadLetterFamily::id_of(model::LogOffset copy) const {
  return copy.value < 0 ? std::string() : model::offset_message_id(options_.address, copy);
}

void DeadLetterFamily::handle(Call call, const Request<wire::OrderDeadLetter>& request) {
  const auto& header = request.header;
  const auto order = broker::parse_order(header.order);
  if (!order || header.offset < 0)
    return call.refuse(wire::ResponseCode::kInvalidParameter,
                       "order must be group, topic or purge, and the offset not negative");
  const auto done = broker_.dead_letters().order(
      {.group = header.group, .letter = {header.offset}, .order = *order, .by = header.by});
  if (!done) return call.refuse(done.error());
  const std::string id = id_of(done->mark.copy);
  const wire::OrderDeadLetter::Reply reply{.already = done->already,
                                           .order = broker::order_text(done->mark.order),
                                           .by = done->mark.by,
                                           .time_ms = done->mark.time_ms,
                                           .message_id = id};
  if (done->already) return call.reply(reply);
  std::string frame;
  wire::encode_reply(frame, call.kind(),
                     {.code = wire::number(wire::ResponseCode::kSuccess), .opaque = call.opaque()},
                     reply);
  lane_.hold(std::move(call), done->end, frame);
}

void DeadLetterFamily::handle(Call call, const Request<wire::GetDeadLetterMarks>& request) {
  const auto body = wire::decode_body<wire::DeadLetterOffsets>(request.command.body);
  if (!body) return call.refuse(body.error());
  if (body->offsets.size() > wire::DeadLetterOffsets::kMax)
    return call.refuse(wire::ResponseCode::kInvalidParameter,
                       "more than " + std::to_string(wire::DeadLetterOffsets::kMax) + " offsets");
  wire::DeadLetterMarks answer;
  for (const std::int64_t offset : body->offsets) {
    const auto mark = broker_.dead_letters().mark_of({offset});
    if (!mark) return call.refuse(mark.error());
    if (!*mark) continue;
    answer.marks.push_back({.by = (*mark)->by,
                            .message_id = id_of((*mark)->copy),
                            .offset = offset,
                            .order = std::string(broker::order_text((*mark)->order)),
                            .time_ms = (*mark)->time_ms});
  }
  call.ok(wire::encode_body(answer));
}

}  // namespace oncemq::front
