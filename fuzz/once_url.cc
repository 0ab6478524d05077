// URLs of databases: what is taken names an engine and something to connect to, what is refused is
// not repeated.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "once/url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace oncemq;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto target = once::parse_url(text)) {
    ONCE_CHECK(!target->connect.empty());
    ONCE_CHECK(target->connect.find('\0') == std::string::npos);
    ONCE_CHECK(target->engine == once::Engine::kPostgresql ||
               target->connect.find('=') == std::string::npos);
  }
  if (once::check_table(text))
    ONCE_CHECK(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == text.npos);
  return 0;
}
