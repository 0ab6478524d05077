#pragma once

#include <string_view>

#include "wire/remoting/schema.h"

// What happened to a message, and how often messages come twice: requests of ours, which Apache's
// brokers do not know.
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

// Body of the answer: DuplicateCounts (body/timeline.h).
struct ReportDuplicates {
  static constexpr RequestMeta meta{.code = 31052,
                                    .name = "REPORT_DUPLICATES",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kTopic, Action::kGet}};
  struct Header {
    std::string_view topic;  // empty: all
    std::string_view group;  // empty: all, and sends

    static constexpr auto fields =
        fields_of(field("topic", &Header::topic), field("group", &Header::group));
  };
  using Reply = NoFields;
};

using TimelineRequests = RequestList<ExplainMessage, ReportDuplicates>;

}  // namespace oncemq::wire
