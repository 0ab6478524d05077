#include "model/idempotence_policy.h"

#include <array>
#include <utility>

#include "base/text.h"

namespace oncemq::model {

namespace {

constexpr std::string_view kKey = "idempotent.key";
constexpr std::string_view kWindow = "idempotent.window";
constexpr std::string_view kMode = "idempotent.mode";
constexpr std::string_view kMismatch = "idempotent.mismatch";
constexpr std::string_view kPropertyPrefix = "property:";

Status bad(std::string_view name, std::string_view what) {
  return fail(Errc::kInvalidArgument,
              "attribute " + std::string(name) + " must be " + std::string(what));
}

std::string_view value_of(const IdempotencePolicy::Attributes& attributes, std::string_view name) {
  const auto found = attributes.find(std::string(name));
  return found == attributes.end() ? std::string_view{} : found->second;
}

}  // namespace

Status IdempotencePolicy::check(std::string_view name, std::string_view value) {
  if (name == kKey) {
    const bool property =
        value.starts_with(kPropertyPrefix) && value.size() > kPropertyPrefix.size();
    if (value == "UNIQ_KEY" || value == "KEYS" || property) return {};
    return bad(name, "UNIQ_KEY, KEYS or property:<name>");
  }
  if (name == kWindow) {
    const auto window = parse_duration_ms(value);
    if (window && *window >= kWindowMinMs && *window <= kWindowMaxMs) return {};
    return bad(name, "a duration from 1s to 30d, such as 90s, 15m, 24h or 7d");
  }
  if (name == kMode) {
    if (value == "enforce" || value == "shadow" || value == "off") return {};
    return bad(name, "enforce, shadow or off");
  }
  if (name == kMismatch) {
    if (value == "store" || value == "reject") return {};
    return bad(name, "store or reject");
  }
  return fail(Errc::kInvalidArgument, "there is no attribute " + std::string(name) +
                                          "; idempotent.key, .window, .mode and .mismatch are");
}

std::string IdempotencePolicy::source_text() const {
  switch (source) {
    case Source::kUniqueKey:
      return "UNIQ_KEY";
    case Source::kKeys:
      return "KEYS";
    case Source::kProperty:
      return std::string(kPropertyPrefix) + property;
  }
  return {};
}

std::optional<IdempotencePolicy> IdempotencePolicy::of(const Attributes& attributes) {
  const std::string_view key = value_of(attributes, kKey);
  const std::string_view mode = value_of(attributes, kMode);
  if (key.empty() || mode == "off") return std::nullopt;
  IdempotencePolicy policy;
  if (key == "KEYS") policy.source = Source::kKeys;
  if (key.starts_with(kPropertyPrefix)) {
    policy.source = Source::kProperty;
    policy.property = key.substr(kPropertyPrefix.size());
  }
  policy.window_ms = parse_duration_ms(value_of(attributes, kWindow)).value_or(kWindowDefaultMs);
  policy.shadow = mode == "shadow";
  policy.refuse_other_body = value_of(attributes, kMismatch) == "reject";
  return policy;
}

}  // namespace oncemq::model
