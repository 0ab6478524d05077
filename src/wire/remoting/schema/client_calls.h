#pragma once

#include <cstdint>
#include <string_view>

#include "wire/remoting/schema.h"
#include "wire/remoting/schema/groups.h"

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

using ClientCalls =
    RequestList<NotifyConsumerIdsChanged, ResetConsumerClientOffset, GetConsumerStatusFromClient>;

}  // namespace oncemq::wire
