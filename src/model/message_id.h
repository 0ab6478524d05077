#pragma once

#include <string>
#include <string_view>

#include "base/address.h"
#include "base/result.h"
#include "model/offsets.h"

namespace oncemq::model {

// "offset message id": upper-case hex of store host ip, int32 port, int64 log offset; 32 or 56
// characters.
std::string offset_message_id(const Address& store_host, LogOffset offset);
// The same into a caller's buffer of at least 56 bytes; returns the length.
std::size_t write_offset_message_id(const Address& store_host, LogOffset offset, char* into);

struct ParsedMessageId {
  Address store_host;
  LogOffset offset;
};
// kInvalidArgument when it is not 32 or 56 hex characters.
Result<ParsedMessageId> parse_offset_message_id(std::string_view id);

}  // namespace oncemq::model
