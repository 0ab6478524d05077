#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/remoting/schema.h"
#include "wire/remoting/schema/send.h"

// Request-reply: a consumer's reply goes through the broker to the client that asked. The frame
// body is the message body.
namespace oncemq::wire {

struct SendReplyMessage {
  static constexpr RequestMeta meta{.code = 324,
                                    .name = "SEND_REPLY_MESSAGE",
                                    .lane = Lane::kSend,
                                    .access = {Resource::kTopic, Action::kPub}};
  using Header = SendHeader;
  using Reply = SendReply;
};

struct SendReplyMessageV2 {
  static constexpr RequestMeta meta{.code = 325,
                                    .name = "SEND_REPLY_MESSAGE_V2",
                                    .lane = Lane::kSend,
                                    .access = {Resource::kTopic, Action::kPub},
                                    .names = Names::kShort};
  using Header = SendHeader;
  using Reply = SendReply;
};

using ReplyRequests = RequestList<SendReplyMessage, SendReplyMessageV2>;

// What the broker sends to the client that asked.
struct PushReplyMessageToClient {
  static constexpr RequestMeta meta{.code = 326,
                                    .name = "PUSH_REPLY_MESSAGE_TO_CLIENT",
                                    .to = Peer::kClient,
                                    .lane = Lane::kClient};
  struct Header {
    std::string_view producer_group;
    std::string_view topic;
    std::string_view default_topic;
    std::int32_t default_topic_queue_nums = 0;
    std::int32_t queue_id = 0;
    std::int32_t sys_flag = 0;
    std::int64_t born_timestamp = 0;
    std::int32_t flag = 0;
    std::string_view properties;
    std::int32_t reconsume_times = 0;
    bool unit_mode = false;
    std::string_view born_host;  // "10.0.0.1:51234"
    std::string_view store_host;
    std::int64_t store_timestamp = 0;  // ms since epoch

    static constexpr auto fields = fields_of(
        field("producerGroup", &Header::producer_group, kRequired),
        field("topic", &Header::topic, kRequired),
        field("defaultTopic", &Header::default_topic, kRequired),
        field("defaultTopicQueueNums", &Header::default_topic_queue_nums, kRequired),
        field("queueId", &Header::queue_id, kRequired),
        field("sysFlag", &Header::sys_flag, kRequired),
        field("bornTimestamp", &Header::born_timestamp, kRequired),
        field("flag", &Header::flag, kRequired), field("properties", &Header::properties),
        field("reconsumeTimes", &Header::reconsume_times), field("unitMode", &Header::unit_mode),
        field("bornHost", &Header::born_host, kRequired),
        field("storeHost", &Header::store_host, kRequired),
        field("storeTimestamp", &Header::store_timestamp, kRequired));
  };
  using Reply = NoFields;
};

}  // namespace oncemq::wire
