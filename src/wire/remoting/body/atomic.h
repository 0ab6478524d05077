#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/remoting/body/body.h"

// COMMIT_ATOMICALLY (31061).
namespace oncemq::wire {

// Views into the body. Numbers are variable-length (base/varint.h).
struct AtomicParts {
  struct Ack {
    std::string_view group;
    std::string_view topic;  // the one that the message stands in
    std::int32_t queue_id = 0;
    std::int64_t offset = 0;
    std::string_view handle;  // its receipt handle
  };
  // A queue of a pulling group goes on at `to`, if it is at `from` or has no offset yet.
  struct Move {
    std::string_view group;
    std::string_view topic;
    std::int32_t queue_id = 0;
    std::int64_t from = -1;
    std::int64_t to = 0;
  };
  struct Send {
    std::string_view topic;
    std::int32_t queue_id = -1;  // -1: any
    std::int32_t flag = 0;
    std::int32_t sys_flag = 0;
    std::int64_t born_ms = 0;  // since epoch
    std::string_view properties;
    Bytes body;
  };
  // Of each kind.
  static constexpr std::size_t kMax = 1024;

  std::vector<Ack> acks;
  std::vector<Move> moves;
  std::vector<Send> sends;
};
std::string encode_atomic_parts(const AtomicParts& parts);
// kBadBytes.
Result<AtomicParts> decode_atomic_parts(Bytes body);

// Of each message, in their order.
struct AtomicSent {
  bool duplicate = false;  // an idempotent topic had it already
  std::string message_id;  // its unique key
  std::string offset_id;
  std::int32_t queue_id = 0;
  std::int64_t queue_offset = 0;

  static constexpr auto members =
      json_members(json_member("duplicate", &AtomicSent::duplicate),
                   json_member("msgId", &AtomicSent::message_id),
                   json_member("offsetMsgId", &AtomicSent::offset_id),
                   json_member("queueId", &AtomicSent::queue_id),
                   json_member("queueOffset", &AtomicSent::queue_offset));
};
struct AtomicAnswer {
  std::vector<AtomicSent> sent;

  static constexpr auto members = json_members(json_member("sent", &AtomicAnswer::sent));
};

}  // namespace oncemq::wire
