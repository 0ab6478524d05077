#pragma once

#include <span>
#include <string>
#include <vector>

#include "oncemq/message.h"

namespace oncemq::sdk {

// Names of brokers, then numbers: the order in which all members of a group see the queues of a
// topic.
bool comes_before(const Queue& left, const Queue& right);

// The part of `queues` (of one topic, any order) that the member `id` of a group takes: members in
// the order of their ids get consecutive parts, the first ones one queue more. Equal to Apache's
// AllocateMessageQueueAveragely, so that groups may be mixed. Empty when `id` is not in `members`.
std::vector<Queue> allocate(std::vector<Queue> queues, std::vector<std::string> members,
                            const std::string& id);

}  // namespace oncemq::sdk
