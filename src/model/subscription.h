#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oncemq::model {

class SqlFilter;

// One topic of a group's subscription, as heartbeats and pulls carry it (upstream
// SubscriptionData).
struct Subscription {
  std::string topic;
  std::string expression = "*";
  std::string expression_type = "TAG";  // TAG | SQL92
  std::vector<std::string> tags;        // sorted; empty = everything
  std::vector<std::int32_t> codes;      // java_hash of each tag, same order
  std::int64_t version = 0;             // subVersion: ms since epoch at the client
  bool class_filter = false;
  // The compiled expression of a SQL92 subscription, shared by all that have the same one; null for
  // tags, and for an expression that was not compiled or is broken.
  std::shared_ptr<const SqlFilter> sql;

  bool operator==(const Subscription&) const = default;
  bool is_tag() const { return expression_type.empty() || expression_type == "TAG"; }
  bool matches_all() const { return is_tag() && codes.empty(); }
};

// `*` or empty = all; otherwise tags separated by `||`. kSubscriptionBroken with the reason.
Result<Subscription> parse_tag_expression(std::string_view topic, std::string_view expression);

}  // namespace oncemq::model
