#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "broker/topic_table.h"
#include "model/idempotence_policy.h"

namespace oncemq::broker {

namespace {

using Attributes = std::map<std::string, std::string>;

Status bad(std::string message) {
  return fail(Errc::kInvalidArgument, std::move(message));
}

// What a topic attribute may be; names and values as mqadmin knows them.
Status check_attribute(std::string_view key, std::string_view value, bool creating) {
  const std::string name(key);
  if (key == "queue.type" || key == "cleanup.policy") {
    if (!creating) return bad("attribute " + name + " cannot be changed once the topic exists");
    if (value == (key == "queue.type" ? "SimpleCQ" : "DELETE")) return {};
    if (value == (key == "queue.type" ? "BatchCQ" : "COMPACTION"))
      return fail(Errc::kNotSupported, name + "=" + std::string(value) + " is not served");
    return bad("attribute " + name + " cannot be " + std::string(value));
  }
  if (key == "message.type") {
    static constexpr std::array<std::string_view, 6> kTypes = {
        "NORMAL", "FIFO", "DELAY", "TRANSACTION", "MIXED", "UNSPECIFIED"};
    if (std::find(kTypes.begin(), kTypes.end(), value) != kTypes.end()) return {};
    return bad("attribute message.type cannot be " + std::string(value));
  }
  if (key == "reserve.time") {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc{} && end == value.data() + value.size() && number >= -1) return {};
    return bad("attribute reserve.time must be a number of at least -1");
  }
  if (model::IdempotencePolicy::is_attribute(key))
    return model::IdempotencePolicy::check(key, value);
  return bad("there is no attribute " + name);
}

}  // namespace

Result<Attributes> parse_attribute_changes(std::string_view text) {
  Attributes changes;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    if (part.empty()) continue;
    const std::size_t equals = part.find('=');
    const bool adds = part.front() == '+';
    if ((!adds && part.front() != '-') || part.size() < 2 ||
        adds != (equals != std::string_view::npos))
      return fail(Errc::kInvalidArgument,
                  "an attribute change is +key=value or -key, not " + std::string(part));
    const std::string key(part.substr(0, equals));
    const std::string value(adds ? part.substr(equals + 1) : std::string_view{});
    if (!changes.emplace(key, value).second)
      return fail(Errc::kInvalidArgument, "attribute " + key.substr(1) + " stands there twice");
  }
  return changes;
}

Result<Attributes> apply_attribute_changes(const Attributes& current, const Attributes& changes,
                                           bool creating) {
  Attributes result = current;
  for (const auto& [change, value] : changes) {
    if (change.size() < 2 || (change.front() != '+' && change.front() != '-'))
      return fail(Errc::kInvalidArgument, "an attribute change begins with + or -, not " + change);
    const std::string key = change.substr(1);
    if (change.front() == '+') {
      if (changes.contains("-" + key))
        return fail(Errc::kInvalidArgument, "attribute " + key + " stands there twice");
      ONCE_TRY(check_attribute(key, value, creating));
      result[key] = value;
      continue;
    }
    if (creating)
      return fail(Errc::kInvalidArgument, "a new topic has no attribute " + key + " to delete");
    if (result.erase(key) == 0)
      return fail(Errc::kInvalidArgument, "the topic has no attribute " + key);
  }
  return result;
}

}  // namespace oncemq::broker
