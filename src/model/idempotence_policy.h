#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace oncemq::model {

// What a topic's attributes say of sends that come twice (docs/idempotent-produce.md). Thread rule:
// immutable value.
struct IdempotencePolicy {
  enum class Source : std::uint8_t { kUniqueKey, kKeys, kProperty };
  static constexpr std::int64_t kWindowDefaultMs = 86'400'000;
  static constexpr std::int64_t kWindowMinMs = 1'000;
  static constexpr std::int64_t kWindowMaxMs = 30LL * 86'400'000;

  Source source = Source::kUniqueKey;
  std::string property;  // of kProperty
  std::int64_t window_ms = kWindowDefaultMs;
  bool shadow = false;  // stores everything, and counts
  bool refuse_other_body = false;

  bool operator==(const IdempotencePolicy&) const = default;

  // As the attribute idempotent.key has it.
  std::string source_text() const;

  using Attributes = std::map<std::string, std::string>;
  static bool is_attribute(std::string_view name) { return name.starts_with("idempotent."); }
  // kInvalidArgument with what the attribute may be.
  static Status check(std::string_view name, std::string_view value);
  // Of checked attributes; nothing when the topic has no idempotent.key or its mode is off.
  static std::optional<IdempotencePolicy> of(const Attributes& attributes);
};

}  // namespace oncemq::model
