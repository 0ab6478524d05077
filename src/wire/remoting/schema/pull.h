#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/remoting/schema.h"

// Pulling. The body of the answer is records as they stand in the log.
namespace oncemq::wire {

namespace pullflag {
inline constexpr std::int32_t kCommitOffset = 0x1;  // commitOffset is to be stored
inline constexpr std::int32_t kSuspend = 0x2;       // may be parked until something arrives
inline constexpr std::int32_t kSubscription = 0x4;  // the subscription comes along
inline constexpr std::int32_t kClassFilter = 0x8;   // obsolete
inline constexpr std::int32_t kLitePull = 0x10;
}  // namespace pullflag

struct PullHeader {
  std::string_view consumer_group;
  std::string_view topic;
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;
  std::int32_t max_messages = 0;
  std::int32_t sys_flag = 0;  // see pullflag
  std::int64_t commit_offset = 0;
  std::int64_t suspend_timeout_ms = 0;
  std::string_view subscription;
  std::int64_t sub_version = 0;
  std::string_view expression_type;  // TAG or SQL92; empty = TAG
  std::optional<std::int32_t> max_bytes;
  std::optional<std::int32_t> request_source;

  static constexpr auto fields =
      fields_of(field("consumerGroup", &PullHeader::consumer_group, kRequired),
                field("topic", &PullHeader::topic, kRequired),
                field("queueId", &PullHeader::queue_id, kRequired),
                field("queueOffset", &PullHeader::queue_offset, kRequired),
                field("maxMsgNums", &PullHeader::max_messages, kRequired),
                field("sysFlag", &PullHeader::sys_flag, kRequired),
                field("commitOffset", &PullHeader::commit_offset, kRequired),
                field("suspendTimeoutMillis", &PullHeader::suspend_timeout_ms, kRequired),
                field("subscription", &PullHeader::subscription),
                field("subVersion", &PullHeader::sub_version, kRequired),
                field("expressionType", &PullHeader::expression_type),
                field("maxMsgBytes", &PullHeader::max_bytes),
                field("requestSource", &PullHeader::request_source));
};

// Clients read the four required fields in every answer that is a pull result (0, 19, 20, 21).
struct PullReply {
  std::int64_t suggested_broker_id = 0;
  std::int64_t next_begin_offset = 0;
  std::int64_t min_offset = 0;
  std::int64_t max_offset = 0;
  std::optional<std::int64_t> offset_delta;
  std::optional<std::int32_t> topic_sys_flag;
  std::optional<std::int32_t> group_sys_flag;
  std::optional<std::int32_t> forbidden_type;

  static constexpr auto fields =
      fields_of(field("suggestWhichBrokerId", &PullReply::suggested_broker_id, kRequired),
                field("nextBeginOffset", &PullReply::next_begin_offset, kRequired),
                field("minOffset", &PullReply::min_offset, kRequired),
                field("maxOffset", &PullReply::max_offset, kRequired),
                field("offsetDelta", &PullReply::offset_delta),
                field("topicSysFlag", &PullReply::topic_sys_flag),
                field("groupSysFlag", &PullReply::group_sys_flag),
                field("forbiddenType", &PullReply::forbidden_type));
};

struct PullMessage {
  static constexpr RequestMeta meta{.code = 11,
                                    .name = "PULL_MESSAGE",
                                    .lane = Lane::kPull,
                                    .access = {Resource::kTopicAndGroup, Action::kSub},
                                    .guards = Guard::kStarted | Guard::kReadable};
  using Header = PullHeader;
  using Reply = PullReply;
};

struct LitePullMessage {
  static constexpr RequestMeta meta{.code = 361,
                                    .name = "LITE_PULL_MESSAGE",
                                    .lane = Lane::kPull,
                                    .access = {Resource::kTopicAndGroup, Action::kSub},
                                    .guards = Guard::kStarted | Guard::kReadable};
  using Header = PullHeader;
  using Reply = PullReply;
};

using PullRequests = RequestList<PullMessage, LitePullMessage>;

}  // namespace oncemq::wire
