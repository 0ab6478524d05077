#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "net/address.h"

namespace oncemq::net {

// The header that a proxy may put in front of a stream to tell who the client is (HAProxy's PROXY
// protocol). No remoting frame begins like either version: its first byte is 0 or 1.
struct ProxyHeader {
  enum class State : std::uint8_t {
    kAbsent,      // the stream begins with something else
    kIncomplete,  // may become one
    kPresent,
    kBad,  // begins like one and is wrong
  };
  State state = State::kAbsent;
  std::size_t size = 0;           // kPresent: bytes to take off
  std::optional<Address> client;  // kPresent: unless LOCAL / UNKNOWN
};

// Version 1 is at most 107 bytes, version 2 is accepted up to 16 + 4096.
ProxyHeader parse_proxy_header(Bytes stream);

}  // namespace oncemq::net
