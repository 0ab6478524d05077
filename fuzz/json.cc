// Bodies and config files. What parses is the same value after writing and reading it again.
#include "base/json.h"

#include <cstdint>
#include <string>

#include "base/check.h"

using namespace oncemq;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = Json::parse(text);
  if (!value) {
    ONCE_CHECK(value.error().code == Errc::kBadBytes && !value.error().message.empty());
    return 0;
  }
  const std::string compact = value->dump();
  const auto again = Json::parse(compact);
  ONCE_CHECK(again.has_value() && again->dump() == compact);
  const std::string pretty = value->dump_pretty();
  const auto from_pretty = Json::parse(pretty);
  ONCE_CHECK(from_pretty.has_value() && from_pretty->dump_pretty() == pretty);
  (void)value->dump(true);
  (void)value->as_int();
  (void)value->as_bool();
  (void)value->as_double();
  (void)value->as_string();
  return 0;
}
