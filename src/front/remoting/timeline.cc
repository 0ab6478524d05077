#include "front/remoting/timeline.h"

#include "wire/remoting/body/timeline.h"

namespace oncemq::front {

broker::Timelines timelines_of(broker::Broker& broker) {
  return broker::Timelines({.topics = broker.topics(),
                            .offsets = broker.offsets(),
                            .query = broker.query(),
                            .letters = broker.dead_letters(),
                            .duplicates = broker.idempotence().report(),
                            .causes = broker.stats().causes(),
                            .ledger = broker.stats().ledger(),
                            .groups = broker.groups(),
                            .clients = broker.clients()});
}

void TimelineFamily::handle(Call call, const Request<wire::ExplainMessage>& request) {
  auto told = timelines_of(broker_).of(request.header.topic, request.header.id);
  if (!told) return call.refuse(told.error());
  wire::MessageTimeline answer{.topic = std::move(told->topic),
                               .unique_keys = std::move(told->unique_keys),
                               .events = {},
                               .notes = std::move(told->notes)};
  for (broker::TimelineRow& row : told->rows)
    answer.events.push_back({.time_ms = row.at_ms,
                             .what = std::move(row.what),
                             .topic = std::move(row.topic),
                             .queue_id = row.queue_id,
                             .queue_offset = row.offset,
                             .group = std::move(row.group),
                             .who = std::move(row.who),
                             .sentence = std::move(row.sentence)});
  call.ok(wire::encode_body(answer));
}

}  // namespace oncemq::front
