#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/remoting/schema.h"

// Sending. The frame body is the message body.
namespace oncemq::wire {

// Names of code 10, and the one-letter names of 310 and 320.
struct SendHeader {
  std::string_view producer_group;
  std::string_view topic;          // may be %RETRY%group
  std::string_view default_topic;  // model of the topic when it is created by this send
  std::int32_t default_topic_queue_nums = 0;
  std::int32_t queue_id = 0;  // < 0: any
  std::int32_t sys_flag = 0;
  std::int64_t born_timestamp = 0;  // ms since epoch at the producer
  std::int32_t flag = 0;            // the application's
  std::string_view properties;
  std::int32_t reconsume_times = 0;
  bool unit_mode = false;
  std::optional<std::int32_t> max_reconsume_times;  // retry topics only
  bool batch = false;
  std::string_view broker_name;

  static constexpr auto fields = fields_of(
      field("producerGroup", "a", &SendHeader::producer_group, kRequired),
      field("topic", "b", &SendHeader::topic, kRequired),
      field("defaultTopic", "c", &SendHeader::default_topic, kRequired),
      field("defaultTopicQueueNums", "d", &SendHeader::default_topic_queue_nums, kRequired),
      field("queueId", "e", &SendHeader::queue_id, kRequired),
      field("sysFlag", "f", &SendHeader::sys_flag, kRequired),
      field("bornTimestamp", "g", &SendHeader::born_timestamp, kRequired),
      field("flag", "h", &SendHeader::flag, kRequired),
      field("properties", "i", &SendHeader::properties),
      field("reconsumeTimes", "j", &SendHeader::reconsume_times),
      field("unitMode", "k", &SendHeader::unit_mode),
      field("maxReconsumeTimes", "l", &SendHeader::max_reconsume_times),
      field("batch", "m", &SendHeader::batch), field("bname", "n", &SendHeader::broker_name));
};

// Clients read all required fields in every answer that says "stored" (0, 10, 11, 12).
struct SendReply {
  std::string_view message_id;  // offset message id; comma-separated for a batch
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;    // of the first message
  std::string_view transaction_id;  // the message's UNIQ_KEY
  std::string_view batch_unique_id;
  std::string_view region;
  std::optional<bool> trace_on;
  std::string_view recall_handle;  // timers only
  // Ours: how many messages of the request were stored before (idempotent topics); the places are
  // those of the first time.
  std::optional<std::int32_t> duplicates;

  static constexpr auto fields = fields_of(
      field("msgId", &SendReply::message_id, kRequired),
      field("queueId", &SendReply::queue_id, kRequired),
      field("queueOffset", &SendReply::queue_offset, kRequired),
      field("transactionId", &SendReply::transaction_id),
      field("batchUniqId", &SendReply::batch_unique_id), field("MSG_REGION", &SendReply::region),
      field("TRACE_ON", &SendReply::trace_on), field("recallHandle", &SendReply::recall_handle),
      field("onceDuplicates", &SendReply::duplicates));
};

struct SendMessage {
  static constexpr RequestMeta meta{.code = 10,
                                    .name = "SEND_MESSAGE",
                                    .lane = Lane::kSend,
                                    .access = {Resource::kTopic, Action::kPub}};
  using Header = SendHeader;
  using Reply = SendReply;
};

struct SendMessageV2 {
  static constexpr RequestMeta meta{.code = 310,
                                    .name = "SEND_MESSAGE_V2",
                                    .lane = Lane::kSend,
                                    .access = {Resource::kTopic, Action::kPub},
                                    .names = Names::kShort};
  using Header = SendHeader;
  using Reply = SendReply;
};

// Body: see body/message_batch.h.
struct SendBatchMessage {
  static constexpr RequestMeta meta{.code = 320,
                                    .name = "SEND_BATCH_MESSAGE",
                                    .lane = Lane::kSend,
                                    .access = {Resource::kTopic, Action::kPub},
                                    .names = Names::kShort};
  using Header = SendHeader;
  using Reply = SendReply;
};

struct ConsumerSendMessageBack {
  static constexpr RequestMeta meta{.code = 36,
                                    .name = "CONSUMER_SEND_MSG_BACK",
                                    .lane = Lane::kSend,
                                    .access = {Resource::kGroup, Action::kSub},
                                    .guards = Guard::kStarted | Guard::kWritable};
  struct Header {
    std::int64_t offset = 0;  // of the failed message in the log
    std::string_view group;
    std::int32_t delay_level = 0;  // 0: by the number of retries; < 0: straight to the dead letters
    std::string_view origin_message_id;
    std::string_view origin_topic;
    bool unit_mode = false;
    std::optional<std::int32_t> max_reconsume_times;
    std::string_view broker_name;

    static constexpr auto fields = fields_of(
        field("offset", &Header::offset, kRequired), field("group", &Header::group, kRequired),
        field("delayLevel", &Header::delay_level, kRequired),
        field("originMsgId", &Header::origin_message_id),
        field("originTopic", &Header::origin_topic), field("unitMode", &Header::unit_mode),
        field("maxReconsumeTimes", &Header::max_reconsume_times),
        field("bname", &Header::broker_name));
  };
  using Reply = NoFields;
};

using SendRequests =
    RequestList<SendMessage, SendMessageV2, SendBatchMessage, ConsumerSendMessageBack>;

}  // namespace oncemq::wire
