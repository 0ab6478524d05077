#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace oncemq {

// IPv4 or IPv6 address with port: of a socket, and of a host in a record. Thread rule: immutable
// value.
struct Address {
  std::array<std::byte, 16> ip{};  // network order; the first 4 bytes are used for IPv4
  bool is_v6 = false;
  std::uint16_t port = 0;

  bool operator==(const Address&) const = default;
  Bytes ip_bytes() const { return Bytes(ip.data(), is_v6 ? 16U : 4U); }
  bool is_loopback() const;
  std::string ip_string() const;  // without port and brackets
  std::string to_string() const;  // "10.0.0.1:10911", "[::1]:10911"

  static Address loopback(std::uint16_t port);
  // Numbers only: the forms that to_string prints. kInvalidArgument.
  static Result<Address> parse(std::string_view text);
};

}  // namespace oncemq
