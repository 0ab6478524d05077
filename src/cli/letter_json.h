#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "client/admin/dead_letters.h"

namespace oncemq::cli {

// A dead letter as "dlq export" writes and "dlq import" reads it: one object of one line. Bodies
// that are no UTF-8 and properties that an object cannot tell stand in base64 under "bodyBase64"
// and "propertiesBase64".
Json letter_to_json(const client::Letter& letter);
// What import needs of it. kBadBytes with what is wrong.
Result<client::StoredMessage> letter_from_json(std::string_view line);

}  // namespace oncemq::cli
