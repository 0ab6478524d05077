#pragma once

#include <string>
#include <vector>

#include "model/group.h"
#include "model/topic.h"
#include "wire/remoting/body/body.h"

// Lists of settings: 18 and 225. Tables of them are in model/config_json.h.
namespace oncemq::wire {

struct TopicConfigList {
  std::vector<model::TopicConfig> topics;

  static constexpr auto members =
      json_members(json_member("topicConfigList", &TopicConfigList::topics));
};

struct GroupConfigList {
  std::vector<model::GroupConfig> groups;

  static constexpr auto members =
      json_members(json_member("groupConfigList", &GroupConfigList::groups));
};

}  // namespace oncemq::wire
