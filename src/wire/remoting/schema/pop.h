#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/remoting/schema.h"

// POP consumption (remoting.md §13). Codes above 32767 wrap in binary headers.
namespace oncemq::wire {

// Handles are made from these by the client; the last three are described in pop_info.h.
struct PopReply {
  std::int64_t pop_time = 0;
  std::int64_t invisible_time = 0;
  std::int32_t revive_queue = 0;
  std::int64_t rest = 0;
  std::string_view start_offsets;
  std::string_view message_offsets;
  std::string_view order_counts;

  static constexpr auto fields =
      fields_of(field("popTime", &PopReply::pop_time, kRequired),
                field("invisibleTime", &PopReply::invisible_time, kRequired),
                field("reviveQid", &PopReply::revive_queue, kRequired),
                field("restNum", &PopReply::rest, kRequired),
                field("startOffsetInfo", &PopReply::start_offsets),
                field("msgOffsetInfo", &PopReply::message_offsets),
                field("orderCountInfo", &PopReply::order_counts));
};

struct PopMessage {
  static constexpr RequestMeta meta{.code = 200050,
                                    .name = "POP_MESSAGE",
                                    .lane = Lane::kPull,
                                    .access = {Resource::kTopicAndGroup, Action::kSub},
                                    .guards = Guard::kStarted | Guard::kReadable};
  struct Header {
    std::string_view consumer_group;
    std::string_view topic;
    std::int32_t queue_id = -1;
    std::int32_t max_messages = 0;
    std::int64_t invisible_time = 0;
    std::int64_t poll_time = 0;
    std::int64_t born_time = 0;
    std::int32_t init_mode = 0;  // 0 MIN, 1 MAX
    std::string_view expression_type;
    std::string_view expression;
    bool order = false;
    std::string_view attempt_id;

    static constexpr auto fields = fields_of(
        field("consumerGroup", &Header::consumer_group, kRequired),
        field("topic", &Header::topic, kRequired), field("queueId", &Header::queue_id, kRequired),
        field("maxMsgNums", &Header::max_messages, kRequired),
        field("invisibleTime", &Header::invisible_time, kRequired),
        field("pollTime", &Header::poll_time, kRequired),
        field("bornTime", &Header::born_time, kRequired),
        field("initMode", &Header::init_mode, kRequired),
        field("expType", &Header::expression_type), field("exp", &Header::expression),
        field("order", &Header::order), field("attemptId", &Header::attempt_id));
  };
  using Reply = PopReply;
};

struct AckMessage {
  static constexpr RequestMeta meta{.code = 200051,
                                    .name = "ACK_MESSAGE",
                                    .lane = Lane::kOffset,
                                    .access = {Resource::kTopicAndGroup, Action::kSub}};
  struct Header {
    std::string_view consumer_group;
    std::string_view topic;
    std::int32_t queue_id = 0;
    std::string_view extra_info;
    std::int64_t offset = 0;

    static constexpr auto fields = fields_of(
        field("consumerGroup", &Header::consumer_group, kRequired),
        field("topic", &Header::topic, kRequired), field("queueId", &Header::queue_id, kRequired),
        field("extraInfo", &Header::extra_info, kRequired),
        field("offset", &Header::offset, kRequired));
  };
  using Reply = NoFields;
};

struct PeekMessage {
  static constexpr RequestMeta meta{.code = 200052,
                                    .name = "PEEK_MESSAGE",
                                    .lane = Lane::kPull,
                                    .access = {Resource::kTopicAndGroup, Action::kSub},
                                    .guards = Guard::kStarted | Guard::kReadable};
  struct Header {
    std::string_view consumer_group;
    std::string_view topic;
    std::int32_t queue_id = -1;
    std::int32_t max_messages = 0;

    static constexpr auto fields = fields_of(
        field("consumerGroup", &Header::consumer_group, kRequired),
        field("topic", &Header::topic, kRequired), field("queueId", &Header::queue_id, kRequired),
        field("maxMsgNums", &Header::max_messages, kRequired));
  };
  using Reply = PopReply;
};

struct ChangeInvisibleTime {
  static constexpr RequestMeta meta{.code = 200053,
                                    .name = "CHANGE_MESSAGE_INVISIBLETIME",
                                    .lane = Lane::kOffset,
                                    .access = {Resource::kTopicAndGroup, Action::kSub}};
  struct Header {
    std::string_view consumer_group;
    std::string_view topic;
    std::int32_t queue_id = 0;
    std::string_view extra_info;
    std::int64_t offset = 0;
    std::int64_t invisible_time = 0;

    static constexpr auto fields = fields_of(
        field("consumerGroup", &Header::consumer_group, kRequired),
        field("topic", &Header::topic, kRequired), field("queueId", &Header::queue_id, kRequired),
        field("extraInfo", &Header::extra_info, kRequired),
        field("offset", &Header::offset, kRequired),
        field("invisibleTime", &Header::invisible_time, kRequired));
  };
  struct Reply {
    std::int64_t pop_time = 0;
    std::int64_t invisible_time = 0;
    std::int32_t revive_queue = 0;

    static constexpr auto fields =
        fields_of(field("popTime", &Reply::pop_time, kRequired),
                  field("invisibleTime", &Reply::invisible_time, kRequired),
                  field("reviveQid", &Reply::revive_queue, kRequired));
  };
};

struct Notification {
  static constexpr RequestMeta meta{.code = 200054,
                                    .name = "NOTIFICATION",
                                    .lane = Lane::kPull,
                                    .access = {Resource::kTopicAndGroup, Action::kSub},
                                    .guards = Guard::kStarted | Guard::kReadable};
  struct Header {
    std::string_view consumer_group;
    std::string_view topic;
    std::int32_t queue_id = -1;
    std::int64_t poll_time = 0;
    std::int64_t born_time = 0;
    bool order = false;
    std::string_view attempt_id;

    static constexpr auto fields = fields_of(
        field("consumerGroup", &Header::consumer_group, kRequired),
        field("topic", &Header::topic, kRequired), field("queueId", &Header::queue_id, kRequired),
        field("pollTime", &Header::poll_time, kRequired),
        field("bornTime", &Header::born_time, kRequired), field("order", &Header::order),
        field("attemptId", &Header::attempt_id));
  };
  struct Reply {
    bool has_message = false;
    bool polling_full = false;

    static constexpr auto fields = fields_of(field("hasMsg", &Reply::has_message, kRequired),
                                             field("pollingFull", &Reply::polling_full));
  };
};

struct PollingInfo {
  static constexpr RequestMeta meta{.code = 200055,
                                    .name = "POLLING_INFO",
                                    .lane = Lane::kQuery,
                                    .access = {Resource::kTopicAndGroup, Action::kSub}};
  struct Header {
    std::string_view consumer_group;
    std::string_view topic;
    std::int32_t queue_id = -1;

    static constexpr auto fields = fields_of(
        field("consumerGroup", &Header::consumer_group, kRequired),
        field("topic", &Header::topic, kRequired), field("queueId", &Header::queue_id, kRequired));
  };
  struct Reply {
    std::int32_t polling = 0;

    static constexpr auto fields = fields_of(field("pollingNum", &Reply::polling, kRequired));
  };
};

// The handles stand in the body (body/pop_info.h).
struct BatchAckMessage {
  static constexpr RequestMeta meta{.code = 200151,
                                    .name = "BATCH_ACK_MESSAGE",
                                    .lane = Lane::kOffset,
                                    .access = {Resource::kTopicAndGroup, Action::kSub}};
  using Header = NoFields;
  using Reply = NoFields;
};

using PopRequests = RequestList<PopMessage, AckMessage, PeekMessage, ChangeInvisibleTime,
                                Notification, PollingInfo, BatchAckMessage>;

}  // namespace oncemq::wire
