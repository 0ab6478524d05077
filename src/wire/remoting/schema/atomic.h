#pragma once

#include <string_view>

#include "wire/remoting/schema.h"

// Consume-process-produce in one step (docs/atomic-commits.md).
namespace oncemq::wire {

// Ours. Acks and messages that count together or not at all: body/atomic.h, also of the answer.
struct CommitAtomically {
  static constexpr RequestMeta meta{.code = 31061,
                                    .name = "COMMIT_ATOMICALLY",
                                    .lane = Lane::kSend,
                                    .access = {Resource::kTopicAndGroup, Action::kPub},
                                    .guards = Guard::kStarted | Guard::kWritable};
  struct Header {
    std::string_view id;  // the same in each attempt; 1..64 bytes
    std::string_view producer_group;

    static constexpr auto fields =
        fields_of(field("transactionId", &Header::id, kRequired),
                  field("producerGroup", &Header::producer_group, kRequired));
  };
  struct Reply {
    bool repeated = false;  // an earlier attempt did it; the body is empty

    static constexpr auto fields = fields_of(field("repeated", &Reply::repeated, kRequired));
  };
};

using AtomicRequests = RequestList<CommitAtomically>;

}  // namespace oncemq::wire
