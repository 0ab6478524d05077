#include "front/http/messages_page.h"

#include <utility>

#include "front/http/message_json.h"

namespace oncemq::front {

Result<MessagesPage> messages_page(const ApiContext& context, const ApiQuestion& question,
                                   store::ConsumeQueue& queue) {
  const auto offset = question.number("offset", queue.min().value, 0, INT64_MAX);
  if (!offset) return fail(offset.error());
  const auto limit = question.number("limit", 10, 1, 64);
  if (!limit) return fail(limit.error());
  const auto body = question.text("body");
  if (!body) return fail(body.error());
  const store::ReadResult read =
      context.parts.store->read({.queue = &queue,
                                 .offset = model::QueueOffset{*offset},
                                 .max_messages = static_cast<std::int32_t>(*limit),
                                 .max_bytes = 1 << 20});
  auto list = messages_json(read, *body == "true");
  if (!list) return fail(std::move(list.error()));
  return MessagesPage{std::move(*list), read.next};
}

}  // namespace oncemq::front
