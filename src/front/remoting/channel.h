#pragma once

#include <cstdint>

#include "base/check.h"
#include "broker/ids.h"
#include "net/connection.h"

namespace oncemq::front {

// A connection's name as one number, which broker and name service hand back: loop (8 bits), slot
// (24), generation (32). Both bounds are far above what a process can hold.
inline std::uint64_t channel_number(net::ConnectionRef ref) {
  ONCE_CHECK(ref.loop < (1U << 8) && ref.slot < (1U << 24));
  return std::uint64_t{ref.loop} << 56 | std::uint64_t{ref.slot} << 32 | ref.generation;
}
inline net::ConnectionRef channel_ref(std::uint64_t number) {
  return {.loop = static_cast<std::uint32_t>(number >> 56),
          .slot = static_cast<std::uint32_t>(number >> 32 & 0xffffffU),
          .generation = static_cast<std::uint32_t>(number)};
}
inline broker::ChannelId channel_id(net::ConnectionRef ref) {
  return broker::ChannelId{channel_number(ref)};
}
inline net::ConnectionRef channel_ref(broker::ChannelId id) {
  return channel_ref(static_cast<std::uint64_t>(id));
}

}  // namespace oncemq::front
