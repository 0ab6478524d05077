#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oncemq::model {

// "1s 5s 2m" as milliseconds. kInvalidArgument.
Result<std::vector<std::int64_t>> parse_delay_levels(std::string_view text);

}  // namespace oncemq::model
