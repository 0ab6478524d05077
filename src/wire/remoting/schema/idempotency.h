#pragma once

#include <string_view>

#include "wire/remoting/schema.h"

// What was sent twice to an idempotent topic: a request of ours, which Apache's brokers do not
// know.
namespace oncemq::wire {

// Body of the answer: IdempotencyReport (body/idempotency.h).
struct GetIdempotencyReport {
  static constexpr RequestMeta meta{.code = 31031,
                                    .name = "GET_IDEMPOTENCY_REPORT",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view topic;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired));
  };
  using Reply = NoFields;
};

using IdempotencyRequests = RequestList<GetIdempotencyReport>;

}  // namespace oncemq::wire
