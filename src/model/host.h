#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace oncemq::model {

// IPv4 or IPv6 address with port. Thread rule: immutable value.
struct HostAddress {
  std::array<std::byte, 16> ip{};  // first 4 bytes used for IPv4
  bool is_v6 = false;
  std::int32_t port = 0;

  bool operator==(const HostAddress&) const = default;
  Bytes ip_bytes() const { return Bytes(ip.data(), is_v6 ? 16U : 4U); }
  // Bytes that the address takes in a record: ip + int32 port.
  std::size_t encoded_size() const { return is_v6 ? 20U : 8U; }
  std::string to_string() const;  // "10.0.0.1:10911", "[::1]:10911"
  std::string ip_string() const;  // without port and brackets
  // Accepts the forms that to_string prints. kInvalidArgument.
  static Result<HostAddress> parse(std::string_view text);
};

}  // namespace oncemq::model
