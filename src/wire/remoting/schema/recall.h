#pragma once

#include <string_view>

#include "wire/remoting/schema.h"

// Taking back a message that waits for its delivery time.
namespace oncemq::wire {

struct RecallMessage {
  static constexpr RequestMeta meta{.code = 370,
                                    .name = "RECALL_MESSAGE",
                                    .lane = Lane::kSend,
                                    .access = {Resource::kTopic, Action::kPub},
                                    .guards = Guard::kStarted};
  struct Header {
    std::string_view producer_group;
    std::string_view topic;
    std::string_view recall_handle;  // from the answer of the send
    std::string_view broker_name;

    static constexpr auto fields = fields_of(
        field("producerGroup", &Header::producer_group), field("topic", &Header::topic, kRequired),
        field("recallHandle", &Header::recall_handle, kRequired),
        field("bname", &Header::broker_name));
  };
  struct Reply {
    std::string_view message_id;  // UNIQ_KEY of the message that will not be delivered

    static constexpr auto fields = fields_of(field("msgId", &Reply::message_id, kRequired));
  };
};

using RecallRequests = RequestList<RecallMessage>;

}  // namespace oncemq::wire
