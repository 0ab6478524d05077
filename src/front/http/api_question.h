#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "front/http/http_parts.h"
#include "model/live_settings.h"

namespace oncemq::front {

// What answers are made from. Outlives every question. Thread rule: external.
struct ApiContext {
  const HttpParts& parts;
  const os::Clock& clock;
  const model::LiveSettings& settings;
};

// What stood behind /api/v1/, decoded, and the parameters. Thread rule: external.
struct ApiQuestion {
  // Rows in one answer.
  static constexpr std::int64_t kLimit = 100;  // unless asked otherwise
  static constexpr std::int64_t kLimitMax = 1'000;

  std::vector<std::string> path;
  std::string_view target;

  // kBadBytes: a bad escape.
  Result<std::string> text(std::string_view name) const;
  // kInvalidArgument: not a number inside [min, max].
  Result<std::int64_t> number(std::string_view name, std::int64_t fallback, std::int64_t min,
                              std::int64_t max) const;
  Result<std::int64_t> limit() const { return number("limit", kLimit, 1, kLimitMax); }
};

// A kind of question and who answers it, on the http loop.
struct ApiRoute {
  std::string_view pattern;  // "topics/{}"; {} is one name
  Result<Json> (*handler)(const ApiContext&, const ApiQuestion&);
  std::string_view help;
  bool needs_broker = true;
};

// The families, each in api_<family>.cc.
std::span<const ApiRoute> api_topic_routes();
std::span<const ApiRoute> api_group_routes();
std::span<const ApiRoute> api_message_routes();
std::span<const ApiRoute> api_transaction_routes();
std::span<const ApiRoute> api_fault_routes();

}  // namespace oncemq::front
