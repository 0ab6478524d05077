#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/json_members.h"
#include "base/result.h"

// Bodies of requests and answers that are JSON. Each is a struct with json_members; these functions
// work for all structs of this folder that are in the list at the end of body.cc.
namespace oncemq::wire {

// The text as upstream writes it: members by name, maps with numeric keys quoted, maps keyed by a
// queue with the bare object as key (which old tools and the Go client expect).
template <class Body>
std::string encode_body(const Body& body);

// kBadBytes with the place. An empty body is refused.
template <class Body>
Result<Body> decode_body(Bytes text);

// A message queue as clients name it (upstream MessageQueue).
struct Queue {
  std::string broker_name;
  std::int32_t queue_id = 0;
  std::string topic;

  auto operator<=>(const Queue&) const = default;
  static constexpr auto members =
      json_members(json_member("brokerName", &Queue::broker_name),
                   json_member("queueId", &Queue::queue_id), json_member("topic", &Queue::topic));
};

}  // namespace oncemq::wire
