#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace oncemq {

// CRC-32 (IEEE 802.3, as zlib). `seed` continues an earlier result.
std::uint32_t crc32(Bytes bytes, std::uint32_t seed = 0);

// What RocketMQ stores: the CRC-32 without its sign bit; 0 for empty input (UtilAll.crc32).
inline std::int32_t crc32_rocketmq(Bytes bytes) {
  return bytes.empty() ? 0 : static_cast<std::int32_t>(crc32(bytes) & 0x7fffffffU);
}

}  // namespace oncemq
