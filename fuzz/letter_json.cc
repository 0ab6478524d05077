// Lines that "dlq import" reads. What is taken has a body, and its properties can be walked.
#include "cli/letter_json.h"

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "model/properties.h"

using namespace oncemq;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto message = cli::letter_from_json(text);
  if (!message) {
    ONCE_CHECK(!message.error().message.empty());
    return 0;
  }
  ONCE_CHECK(!message->body.empty());
  client::Letter letter;
  letter.message = *message;
  const auto again = cli::letter_from_json(cli::letter_to_json(letter).dump());
  ONCE_CHECK(again.has_value() && again->body == message->body && again->flag == message->flag);
  // The end of the last pair may be added.
  ONCE_CHECK(again->properties == message->properties ||
             again->properties == message->properties + model::kPairEnd);
  return 0;
}
