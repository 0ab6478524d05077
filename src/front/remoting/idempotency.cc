#include "front/remoting/idempotency.h"

#include <string>

#include "model/message_id.h"
#include "wire/remoting/body/idempotency.h"

namespace oncemq::front {

void IdempotencyFamily::handle(Call call, const Request<wire::GetIdempotencyReport>& request) {
  const std::string_view topic = request.header.topic;
  const auto config = broker_.topics().config(topic);
  if (!config) return call.refuse(Error{Errc::kTopicNotFound, "no topic " + std::string(topic)});
  wire::IdempotencyReport answer{.mode = "off", .key = {}, .totals = {}, .latest = {}};
  if (const auto policy = broker_.topics().policy_of(*config)) {
    answer.mode = policy->shadow ? "shadow" : "enforce";
    answer.key = policy->source_text();
    answer.window_ms = policy->window_ms;
  }
  const broker::DuplicateReport::Topic told = broker_.idempotence().report().of(topic);
  for (const broker::Repeat repeat : {broker::Repeat::kLeftOut, broker::Repeat::kShadowed,
                                      broker::Repeat::kOtherBody, broker::Repeat::kRefused})
    answer.totals.push_back(
        {.what = std::string(broker::repeat_name(repeat)),
         .messages = static_cast<std::int64_t>(told.counts[static_cast<std::size_t>(repeat)]),
         .sentence = std::string(broker::repeat_sentence(repeat))});
  for (const broker::DuplicateReport::Example& example : told.latest) {
    wire::RepeatExample& row = answer.latest.emplace_back();
    row.time_ms = example.at_ms;
    row.what = broker::repeat_name(example.repeat);
    row.key = example.key;
    if (!example.original) continue;
    row.original_ms = example.original->time_ms;
    row.original_id = model::offset_message_id(options_.address, example.original->log_offset);
    row.queue_id = example.original->queue_id;
    row.queue_offset = example.original->queue_offset.value;
  }
  call.ok(wire::encode_body(answer));
}

}  // namespace oncemq::front
