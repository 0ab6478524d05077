#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/remoting/answer.h"
#include "model/subscription.h"
#include "oncemq/message.h"
#include "oncemq/result.h"

namespace oncemq::sdk {

// What the requests say that bring a handle back. Thread rule: external.
struct HandleParts {
  std::string topic;        // that the message stands in
  std::string route_topic;  // that was popped: its route has the broker
  std::string broker;
  std::int32_t queue_id = 0;
  std::int64_t offset = 0;
  std::string text;  // the handle
};
// kInvalidArgument: the delivery is of no PopConsumer of that group.
Result<HandleParts> handle_parts(const std::string& group, const Delivery& delivery);
// The handle of the same delivery with the time that the broker gave it.
std::string changed_handle(const HandleParts& old, std::int64_t pop_time, std::int64_t invisible_ms,
                           std::int32_t revive_queue);

// What an answer to a pop brought. Thread rule: external.
struct Popped {
  std::vector<Delivery> deliveries{};
  std::vector<Delivery> unwanted{};    // of tags with the same hash: nobody's
  std::vector<Delivery> unreadable{};  // compressed in a way that is not known
};
// kBadBytes | kCorrupt.
oncemq::Result<Popped> read_popped(const client::Answer& answer, const std::string& group,
                                   const std::string& broker,
                                   const model::Subscription& subscription);

}  // namespace oncemq::sdk
