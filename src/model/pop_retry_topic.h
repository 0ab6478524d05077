#pragma once

#include <string>
#include <string_view>

#include "model/topic.h"

namespace oncemq::model::topic {

// Where Apache's broker puts what a popping group did not ack: version 1 or 2.
inline std::string pop_retry_topic(int version, std::string_view group, std::string_view topic) {
  return retry_topic(group).append(version == 1 ? "_" : "+").append(topic);
}

}  // namespace oncemq::model::topic
