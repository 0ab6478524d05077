// broker.conf and the properties that operators send: parsing, applying, rewriting.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "model/conf_file.h"
#include "model/delay_levels.h"
#include "model/settings.h"

using namespace oncemq;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto assignments = model::parse_properties(text);
  if (!assignments) return 0;
  model::Settings settings;
  if (model::apply_properties(settings, text, "fuzz")) {
    model::Settings again;
    ONCE_CHECK(
        model::apply_properties(again, model::print_settings(settings), "again").has_value());
    ONCE_CHECK(again == settings);
  }
  (void)model::check_settings(settings);
  (void)model::parse_delay_levels(text);

  const std::string rewritten = model::rewrite_properties(text, "maxMessageSize", "12345");
  const auto reread = model::parse_properties(rewritten);
  ONCE_CHECK(reread.has_value());
  std::string last;
  for (const auto& one : *reread)
    if (one.name == "maxMessageSize") last = one.value;
  ONCE_CHECK(last == "12345");
  return 0;
}
