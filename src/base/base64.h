#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace oncemq {

// RFC 4648 with padding.
std::string to_base64(Bytes bytes);
// kBadBytes: other characters, wrong padding.
Result<std::string> from_base64(std::string_view text);

// Well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates)?
bool is_utf8(std::string_view text);

}  // namespace oncemq
