#include "client/admin/message_timeline.h"

#include <algorithm>

#include "wire/remoting/body/timeline.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/schema/timeline.h"

namespace oncemq::client {

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
    if (answer->code() == wire::number(wire::ResponseCode::kRequestCodeNotSupported))
      return fail(Errc::kNotSupported, master.name + " is no OnceMQ broker and does not know");
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

}  // namespace oncemq::client
