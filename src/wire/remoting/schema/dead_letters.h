#pragma once

#include <cstdint>
#include <string_view>

#include "wire/remoting/schema.h"

// Orders for dead letters: requests of ours, which Apache's brokers do not know. See
// docs/dead-letters.md.
namespace oncemq::wire {

struct OrderDeadLetter {
  static constexpr RequestMeta meta{.code = 31001,
                                    .name = "ORDER_DEAD_LETTER",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kUpdate},
                                    .guards = Guard::kStarted | Guard::kWritable};
  struct Header {
    std::string_view group;
    std::int64_t offset = 0;  // of the letter in the log
    std::string_view order;   // "group" or "topic": replay to it; "purge"
    std::string_view by;      // the operator

    static constexpr auto fields = fields_of(
        field("group", &Header::group, kRequired), field("offset", &Header::offset, kRequired),
        field("order", &Header::order, kRequired), field("by", &Header::by));
  };
  // What holds: this order, or an earlier one.
  struct Reply {
    bool already = false;
    std::string_view order;
    std::string_view by;
    std::int64_t time_ms = 0;
    std::string_view message_id;  // offset message id of the copy; empty after a purge

    static constexpr auto fields =
        fields_of(field("already", &Reply::already, kRequired),
                  field("order", &Reply::order, kRequired), field("by", &Reply::by),
                  field("time", &Reply::time_ms, kRequired), field("msgId", &Reply::message_id));
  };
};

// Body: DeadLetterOffsets; the answer's: DeadLetterMarks (body/dead_letters.h).
struct GetDeadLetterMarks {
  static constexpr RequestMeta meta{.code = 31002,
                                    .name = "GET_DEAD_LETTER_MARKS",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kGet}};
  using Header = NoFields;
  using Reply = NoFields;
};

using DeadLetterRequests = RequestList<OrderDeadLetter, GetDeadLetterMarks>;

}  // namespace oncemq::wire
