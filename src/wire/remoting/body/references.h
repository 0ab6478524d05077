#pragma once

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"

namespace oncemq::wire {

// Parses a body as Java peers write it. Where they write a value a second time as a reference to
// the first ({"$ref":"$.path"}), it is copied. kBadBytes also when a reference leads nowhere, to
// what it stands in or to a later one, and when following them all would make the body too large.
Result<Json> parse_body(Bytes text);

}  // namespace oncemq::wire
