#include "model/subscription.h"

#include <algorithm>

#include "model/properties.h"

namespace oncemq::model {
namespace {

constexpr std::string_view kSeparator = "||";

std::string_view trimmed(std::string_view text) {
  // compat: java.lang.String.trim takes every character up to the blank for white space.
  while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

Result<Subscription> parse_tag_expression(std::string_view topic, std::string_view expression) {
  Subscription result;
  result.topic = topic;
  if (expression.empty() || expression == "*") return result;
  result.expression = expression;
  for (std::string_view rest = expression; !rest.empty();) {
    const std::size_t end = rest.find(kSeparator);
    const std::string_view tag = trimmed(rest.substr(0, end));
    if (!tag.empty()) result.tags.emplace_back(tag);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + kSeparator.size());
  }
  if (result.tags.empty())
    return fail(Errc::kSubscriptionBroken,
                "expression '" + std::string(expression) + "' names no tag");
  std::sort(result.tags.begin(), result.tags.end());
  result.tags.erase(std::unique(result.tags.begin(), result.tags.end()), result.tags.end());
  for (const std::string& tag : result.tags) result.codes.push_back(java_hash(tag));
  return result;
}

}  // namespace oncemq::model
