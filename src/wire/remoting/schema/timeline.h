#pragma once

#include <string_view>

#include "wire/remoting/schema.h"

// What happened to a message, and why: a request of ours, which Apache's brokers do not know.
namespace oncemq::wire {

// Body of the answer: MessageTimeline (body/timeline.h).
struct ExplainMessage {
  static constexpr RequestMeta meta{.code = 31051,
                                    .name = "EXPLAIN_MESSAGE",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view id;     // offset message id, unique key or key
    std::string_view topic;  // empty: all are tried

    static constexpr auto fields =
        fields_of(field("id", &Header::id, kRequired), field("topic", &Header::topic));
  };
  using Reply = NoFields;
};

using TimelineRequests = RequestList<ExplainMessage>;

}  // namespace oncemq::wire
