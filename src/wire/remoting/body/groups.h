#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/subscription.h"
#include "wire/remoting/body/body.h"

// 300, 345, 353 and 309.
namespace oncemq::wire {

struct GroupList {
  std::vector<std::string> groups;

  static constexpr auto members = json_members(json_member("groupList", &GroupList::groups));
};

struct GroupSubscription {
  std::string group;
  std::optional<model::Subscription> subscription;
  std::string topic;

  static constexpr auto members =
      json_members(json_member("group", &GroupSubscription::group),
                   json_member("subscriptionData", &GroupSubscription::subscription),
                   json_member("topic", &GroupSubscription::topic));
};

struct GroupForbidden {
  std::string group;
  std::optional<bool> readable;
  std::string topic;

  static constexpr auto members = json_members(json_member("group", &GroupForbidden::group),
                                               json_member("readable", &GroupForbidden::readable),
                                               json_member("topic", &GroupForbidden::topic));
};

// What a consumer says about a message that it was handed by CONSUME_MESSAGE_DIRECTLY (309).
struct ConsumeDirectlyResult {
  bool auto_commit = true;
  std::string result;  // "CR_SUCCESS", "CR_LATER", ...
  bool order = false;
  std::optional<std::string> remark;
  std::int64_t spent_ms = 0;

  static constexpr auto members =
      json_members(json_member("autoCommit", &ConsumeDirectlyResult::auto_commit),
                   json_member("consumeResult", &ConsumeDirectlyResult::result),
                   json_member("order", &ConsumeDirectlyResult::order),
                   json_member("remark", &ConsumeDirectlyResult::remark),
                   json_member("spentTimeMills", &ConsumeDirectlyResult::spent_ms));
};

}  // namespace oncemq::wire
