#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The syntax of broker.conf, which is that of java.util.Properties.
namespace oncemq::model {

struct SettingAssignment {
  std::string name;
  std::string value;
  int line = 0;
};

// java.util.Properties syntax: `key=value`, `key: value`, `#` and `!` comments, `\` continuation
// and escapes. kBadBytes with the line.
Result<std::vector<SettingAssignment>> parse_properties(std::string_view text);

// `value` with escapes, so that parse_properties() gives it back (without blanks at its ends).
std::string escape_property(std::string_view value);

// `text` (a broker.conf) with `name` set to `value`: its last assignment is replaced, or a line is
// added; everything else is kept.
std::string rewrite_properties(std::string_view text, std::string_view name,
                               std::string_view value);

}  // namespace oncemq::model
