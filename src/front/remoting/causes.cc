#include "front/remoting/causes.h"

#include <string>
#include <vector>

#include "wire/remoting/body/causes.h"

namespace oncemq::front {

void CauseFamily::handle(Call call, const Request<wire::GetGroupCauses>& request) {
  const std::string_view group = request.header.group;
  if (broker_.groups().find(group) == nullptr)
    return call.refuse(Error{Errc::kGroupNotFound, "no consumer group " + std::string(group)});
  const broker::Causes& causes = broker_.stats().causes();
  const std::vector<std::string> topics = broker_.offsets().topics_of(group);
  const broker::CauseCounts counts = causes.of_group(group, topics);
  wire::GroupCauses answer;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto cause = static_cast<broker::Cause>(i);
    answer.totals.push_back({.cause = std::string(broker::cause_name(cause)),
                             .messages = static_cast<std::int64_t>(counts[i]),
                             .sentence = std::string(broker::cause_sentence(cause))});
  }
  for (const broker::Causes::Event& event : causes.recent(group, topics)) {
    if (answer.recent.size() == kRecentMax) break;
    answer.recent.push_back({.time_ms = event.at_ms,
                             .cause = std::string(broker::cause_name(event.cause)),
                             .topic = event.topic,
                             .queue_id = event.queue_id,
                             .offset = event.offset,
                             .messages = static_cast<std::int64_t>(event.messages)});
  }
  call.ok(wire::encode_body(answer));
}

}  // namespace oncemq::front
