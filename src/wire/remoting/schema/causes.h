#pragma once

#include <string_view>

#include "wire/remoting/schema.h"

// Why a group was given messages again: a request of ours, which Apache's brokers do not know.
namespace oncemq::wire {

// Body of the answer: GroupCauses (body/causes.h).
struct GetGroupCauses {
  static constexpr RequestMeta meta{.code = 31011,
                                    .name = "GET_GROUP_CAUSES",
                                    .lane = Lane::kAdmin,
                                    .access = {Resource::kGroup, Action::kGet}};
  struct Header {
    std::string_view group;

    static constexpr auto fields = fields_of(field("group", &Header::group, kRequired));
  };
  using Reply = NoFields;
};

using CauseRequests = RequestList<GetGroupCauses>;

}  // namespace oncemq::wire
