#include "front/remoting/offsets.h"

#include "front/remoting/channel.h"

namespace oncemq::front {

void OffsetFamily::handle(Call call, const Request<wire::QueryConsumerOffset>& request) {
  const auto& header = request.header;
  const auto offset =
      broker_.query().consumer_offset(header.consumer_group, header.topic, header.queue_id,
                                      header.set_zero_if_not_found.value_or(true));
  if (!offset) return call.refuse(offset.error());
  call.reply(wire::QueryConsumerOffset::Reply{.offset = offset->value});
}

void OffsetFamily::handle(Call call, const Request<wire::UpdateConsumerOffset>& request) {
  const auto& header = request.header;
  if (broker_.groups().find(header.consumer_group) == nullptr) {
    return call.refuse(
        Error{Errc::kGroupNotFound, "no group named " + std::string(header.consumer_group)});
  }
  if (broker_.topics().find(header.topic) == nullptr) {
    return call.refuse(Error{Errc::kTopicNotFound, "no topic named " + std::string(header.topic)});
  }
  if (!header.commit_offset)
    return call.refuse(Error{Errc::kInvalidArgument, "commitOffset is missing"});
  broker::Faults* const faults = broker_.faults();
  if (faults != nullptr &&
      faults->strikes(broker::FaultKind::kLoseAck, header.topic, header.consumer_group))
    return call.abandon();
  const Status status =
      broker_.puller().commit({.group = header.consumer_group,
                               .topic = header.topic,
                               .queue_id = header.queue_id,
                               .offset = model::ConsumeOffset{*header.commit_offset},
                               .channel = channel_id(call.connection())});
  if (!status) return call.refuse(status.error());
  call.ok();
}

void OffsetFamily::handle(Call call, const Request<wire::SearchOffsetByTimestamp>& request) {
  const auto& header = request.header;
  const auto boundary =
      header.boundary == wire::Boundary::kUpper ? store::Boundary::kUpper : store::Boundary::kLower;
  const auto offset =
      broker_.query().offset_by_time(header.topic, header.queue_id, header.timestamp, boundary);
  if (!offset) return call.refuse(offset.error());
  call.reply(wire::SearchOffsetByTimestamp::Reply{.offset = offset->value});
}

void OffsetFamily::handle(Call call, const Request<wire::GetMaxOffset>& request) {
  const auto offset = broker_.query().max_offset(request.header.topic, request.header.queue_id);
  if (!offset) return call.refuse(offset.error());
  call.reply(wire::GetMaxOffset::Reply{.offset = offset->value});
}

void OffsetFamily::handle(Call call, const Request<wire::GetMinOffset>& request) {
  const auto offset = broker_.query().min_offset(request.header.topic, request.header.queue_id);
  if (!offset) return call.refuse(offset.error());
  call.reply(wire::GetMinOffset::Reply{.offset = offset->value});
}

void OffsetFamily::handle(Call call, const Request<wire::GetEarliestMessageStoreTime>& request) {
  const auto time =
      broker_.query().earliest_store_time(request.header.topic, request.header.queue_id);
  if (!time) return call.refuse(time.error());
  call.reply(wire::GetEarliestMessageStoreTime::Reply{.timestamp = *time});
}

}  // namespace oncemq::front
