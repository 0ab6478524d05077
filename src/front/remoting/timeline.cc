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

broker::Duplicates duplicates_of(broker::Broker& broker, store::MessageStore& store) {
  return broker::Duplicates({.topics = broker.topics(),
                             .query = broker.query(),
                             .left_out = broker.idempotence().report(),
                             .stats = broker.stats(),
                             .store = store});
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

void TimelineFamily::handle(Call call, const Request<wire::ReportDuplicates>& request) {
  wire::DuplicateCounts answer;
  for (broker::DuplicateRow& row :
       duplicates_of(broker_, store_).report(request.header.topic, request.header.group))
    answer.rows.push_back({.topic = std::move(row.topic),
                           .group = std::move(row.group),
                           .what = std::string(row.what),
                           .sentence = std::string(row.sentence),
                           .copies = static_cast<std::int64_t>(row.copies),
                           .of = static_cast<std::int64_t>(row.of),
                           .known = static_cast<std::int64_t>(row.known),
                           .median_ms = row.median_ms,
                           .longest_ms = row.longest_ms});
  call.ok(wire::encode_body(answer));
}

}  // namespace oncemq::front
