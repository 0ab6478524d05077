#pragma once

#include "base/json.h"
#include "base/result.h"
#include "broker/topic_table.h"
#include "front/http/api_question.h"

namespace oncemq::front {

// Some messages of a queue. Thread rule: external.
struct MessagesPage {
  Json list;
  model::QueueOffset next;  // where the next page begins
};

// What ?offset= (the queue's first), ?limit= (10, at most 64) and ?body=true ask for.
// kInvalidArgument, kBadBytes, kCorrupt.
Result<MessagesPage> messages_page(const ApiContext& context, const ApiQuestion& question,
                                   store::ConsumeQueue& queue);

}  // namespace oncemq::front
