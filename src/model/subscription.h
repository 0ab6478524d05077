#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace oncemq::model {

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

  bool operator==(const Subscription&) const = default;
  bool is_tag() const { return expression_type.empty() || expression_type == "TAG"; }
  bool matches_all() const { return codes.empty(); }
};

// `*` or empty = all; otherwise tags separated by `||`. kSubscriptionBroken with the reason.
Result<Subscription> parse_tag_expression(std::string_view topic, std::string_view expression);

// Decides on the tag hash alone. Views into a Subscription that must outlive it.
class TagFilter {
 public:
  TagFilter() = default;  // everything
  explicit TagFilter(const Subscription& subscription)
      : codes_(subscription.codes.empty() ? nullptr : &subscription.codes) {}
  bool matches(std::int64_t tags_code) const {
    if (codes_ == nullptr) return true;
    for (std::int32_t code : *codes_)
      if (code == tags_code) return true;
    return false;
  }

 private:
  const std::vector<std::int32_t>* codes_ = nullptr;
};

}  // namespace oncemq::model
