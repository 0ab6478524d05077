#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace oncemq::cli {

// Rows for people (aligned columns) and for machines (an array of objects).
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<Json>> rows;  // as many values as columns

  std::string text() const;  // ends with a line break; numbers to the right
  std::string json() const;
};

// Bytes as text: as they are when they are UTF-8, otherwise with each byte beyond ASCII as \\xNN.
std::string bytes_text(std::string_view bytes);

// "2024-05-06 07:08:09.123" in UTC; "-" for 0.
std::string time_text(std::int64_t ms);

}  // namespace oncemq::cli
