#include "client/admin/message_timeline.h"

#include <algorithm>

#include "wire/remoting/body/timeline.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/timeline.h"

namespace oncemq::client {
namespace {

Status known(const Answer& answer, const Admin::Master& master) {
  if (answer.code() == wire::number(wire::ResponseCode::kRequestCodeNotSupported))
    return fail(Errc::kNotSupported, master.name + " is no OnceMQ broker and does not know");
  return {};
}

}  // namespace

Result<MessageTimeline> message_timeline(Admin& admin, std::string_view topic,
                                         std::string_view name) {
  auto masters = admin.masters();
  if (!masters) return fail(std::move(masters.error()));
  MessageTimeline timeline;
  Error missing{Errc::kMessageNotFound, "no broker knows it"};
  for (const Admin::Master& master : *masters) {
    auto answer =
        admin.client().call<wire::ExplainMessage>(master.address, {.id = name, .topic = topic});
    if (!answer) return fail(std::move(answer.error()));
    ONCE_TRY(known(*answer, master));
    if (const auto status = answer->status(); !status) {
      if (answer->code() != wire::number(wire::ResponseCode::kQueryNotFound))
        return fail(status.error());
      missing = status.error();
      continue;
    }
    auto body = wire::decode_body<wire::MessageTimeline>(answer->body());
    if (!body) return fail(std::move(body.error()));
    for (wire::TimelineEvent& event : body->events)
      timeline.entries.push_back({.time_ms = event.time_ms,
                                  .broker = master.name,
                                  .what = std::move(event.what),
                                  .topic = std::move(event.topic),
                                  .queue_id = event.queue_id,
                                  .queue_offset = event.queue_offset,
                                  .group = std::move(event.group),
                                  .who = std::move(event.who),
                                  .sentence = std::move(event.sentence)});
    for (std::string& note : body->notes) timeline.notes.emplace_back(master.name, std::move(note));
  }
  if (timeline.entries.empty()) return fail(std::move(missing));
  std::ranges::stable_sort(timeline.entries, {}, &TimelineEntry::time_ms);
  return timeline;
}

Result<std::vector<DuplicateCount>> duplicates(Admin& admin, std::string_view topic,
                                               std::string_view group) {
  auto masters = admin.masters();
  if (!masters) return fail(std::move(masters.error()));
  std::vector<DuplicateCount> list;
  for (const Admin::Master& master : *masters) {
    auto answer = admin.client().call<wire::ReportDuplicates>(master.address,
                                                              {.topic = topic, .group = group});
    if (!answer) return fail(std::move(answer.error()));
    ONCE_TRY(known(*answer, master));
    ONCE_TRY(answer->status());
    auto body = wire::decode_body<wire::DuplicateCounts>(answer->body());
    if (!body) return fail(std::move(body.error()));
    for (wire::DuplicateCount& row : body->rows)
      list.push_back({.broker = master.name,
                      .topic = std::move(row.topic),
                      .group = std::move(row.group),
                      .what = std::move(row.what),
                      .sentence = std::move(row.sentence),
                      .copies = row.copies,
                      .of = row.of,
                      .known = row.known,
                      .median_ms = row.median_ms,
                      .longest_ms = row.longest_ms});
  }
  return list;
}

}  // namespace oncemq::client
