#pragma once

#include <cstdint>
#include <string_view>

#include "wire/remoting/schema.h"
#include "wire/remoting/schema/groups.h"
#include "wire/remoting/schema/reply.h"

// What the broker asks of clients on their own connections.
namespace oncemq::wire {

// One-way.
struct NotifyConsumerIdsChanged {
  static constexpr RequestMeta meta{.code = 40,
                                    .name = "NOTIFY_CONSUMER_IDS_CHANGED",
                                    .to = Peer::kClient,
                                    .lane = Lane::kClient};
  struct Header {
    std::string_view consumer_group;

    static constexpr auto fields =
        fields_of(field("consumerGroup", &Header::consumer_group, kRequired));
  };
  using Reply = NoFields;
};

// One-way. Body: body/reset_offset.h.
struct ResetConsumerClientOffset {
  static constexpr RequestMeta meta{.code = 220,
                                    .name = "RESET_CONSUMER_CLIENT_OFFSET",
                                    .to = Peer::kClient,
                                    .lane = Lane::kClient};
  using Header = ResetOffsetHeader;
  using Reply = NoFields;
};

struct GetConsumerStatusFromClient {
  static constexpr RequestMeta meta{.code = 221,
                                    .name = "GET_CONSUMER_STATUS_FROM_CLIENT",
                                    .to = Peer::kClient,
                                    .lane = Lane::kClient};
  struct Header {
    std::string_view topic;
    std::string_view group;
    std::string_view client_address;

    static constexpr auto fields = fields_of(field("topic", &Header::topic, kRequired),
                                             field("group", &Header::group, kRequired),
                                             field("clientAddr", &Header::client_address));
  };
  using Reply = NoFields;
};

// One-way; the client answers with EndTransaction. Body: the half message as a stored record that
// names its real topic and queue.
struct CheckTransactionState {
  static constexpr RequestMeta meta{
      .code = 39, .name = "CHECK_TRANSACTION_STATE", .to = Peer::kClient, .lane = Lane::kClient};
  struct Header {
    std::string_view topic;
    std::int64_t half_offset = 0;
    std::int64_t log_offset = 0;
    std::string_view message_id;  // UNIQ_KEY
    std::string_view transaction_id;
    std::string_view offset_message_id;
    std::string_view broker_name;

    static constexpr auto fields = fields_of(
        field("topic", &Header::topic),
        field("tranStateTableOffset", &Header::half_offset, kRequired),
        field("commitLogOffset", &Header::log_offset, kRequired),
        field("msgId", &Header::message_id), field("transactionId", &Header::transaction_id),
        field("offsetMsgId", &Header::offset_message_id), field("bname", &Header::broker_name));
  };
  using Reply = NoFields;
};

using ClientCalls =
    RequestList<NotifyConsumerIdsChanged, CheckTransactionState, ResetConsumerClientOffset,
                GetConsumerStatusFromClient, PushReplyMessageToClient>;

}  // namespace oncemq::wire
