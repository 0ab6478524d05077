// Property strings, tag expressions, names, addresses and ids: the texts that clients send inside
// other things.
#include "model/properties.h"

#include <cstdint>
#include <string>

#include "base/address.h"
#include "base/check.h"
#include "model/filter.h"
#include "model/message_id.h"
#include "model/subscription.h"
#include "model/topic.h"

using namespace oncemq;

namespace {

void check_properties(std::string_view text) {
  model::PropertyCursor cursor(text);
  std::string rebuilt;
  for (std::string_view name, value; cursor.next(name, value);) {
    ONCE_CHECK(!name.empty() && !value.empty());
    ONCE_CHECK(model::find_property(text, name).has_value());
    model::append_property(rebuilt, name, value);
  }
  model::PropertyCursor again(rebuilt);
  for (std::string_view name, value; again.next(name, value);) {
    ONCE_CHECK(model::find_property(rebuilt, name) == model::find_property(text, name));
    ONCE_CHECK(!model::find_property(model::without_property(text, name), name).has_value());
  }
  std::string changed(text);
  model::set_property(changed, "fuzz", "value");
  ONCE_CHECK(model::find_property(changed, "fuzz") == "value");
}

void check_hash(std::string_view text) {
  // Split only where no sequence is cut: in front of an ASCII character.
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (static_cast<unsigned char>(text[at]) >= 0x80) continue;
    ONCE_CHECK(model::java_hash(text.substr(at), model::java_hash(text.substr(0, at))) ==
               model::java_hash(text));
    return;
  }
  (void)model::java_hash(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_properties(text);
  check_hash(text);
  if (const auto subscription = model::parse_tag_expression("T", text)) {
    ONCE_CHECK(subscription->tags.size() == subscription->codes.size());
    for (const std::string& tag : subscription->tags)
      ONCE_CHECK(model::Filter(*subscription).passes(model::tags_code(tag)));
  }
  if (const auto host = Address::parse(text))
    ONCE_CHECK(*Address::parse(host->to_string()) == *host);
  if (const auto id = model::parse_offset_message_id(text))
    ONCE_CHECK(model::offset_message_id(id->store_host, id->offset).size() == size);
  if (model::check_topic_name(text)) ONCE_CHECK(size > 0 && size <= 255);
  (void)model::topic::is_system(text);
  return 0;
}
