#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace oncemq {

// Upper-case hexadecimal text. write_hex needs 2 * bytes.size() characters of room and returns that
// number.
std::string to_hex(Bytes bytes);
std::size_t write_hex(Bytes bytes, char* into);

// Reads hex.size() / 2 bytes, either case. False when a character is no hex digit, the number of
// characters is odd, or `into` is too small; `into` is then undefined.
[[nodiscard]] bool read_hex(std::string_view hex, MutableBytes into);

}  // namespace oncemq
