#include "client/sdk/subscriptions.h"

#include <set>
#include <string>
#include <utility>

#include "client/sdk/failure.h"
#include "model/topic.h"

namespace oncemq::sdk {

Result<model::Subscription> subscription_of(const Subscription& wanted, std::int64_t version) {
  if (const auto named = model::check_topic_name(wanted.topic); !named)
    return failure(Errc::kInvalidArgument, named.error().message);
  model::Subscription made;
  if (wanted.kind == Subscription::Kind::kTags) {
    auto parsed = model::parse_tag_expression(wanted.topic, wanted.expression);
    if (!parsed) return failure(Errc::kInvalidArgument, parsed.error().message);
    made = std::move(*parsed);
  } else {
    if (wanted.expression.empty())
      return failure(Errc::kInvalidArgument, "the SQL92 expression is empty");
    made.topic = wanted.topic;
    made.expression = wanted.expression;
    made.expression_type = "SQL92";
  }
  made.version = version;
  return made;
}

Result<std::vector<model::Subscription>> subscriptions_of(std::span<const Subscription> wanted,
                                                          std::int64_t version) {
  std::set<std::string> topics;
  std::vector<model::Subscription> all;
  for (const Subscription& one : wanted) {
    if (!topics.insert(one.topic).second)
      return failure(Errc::kInvalidArgument, "topic " + one.topic + " is subscribed to twice");
    auto made = subscription_of(one, version);
    if (!made) return tl::unexpected(std::move(made.error()));
    all.push_back(std::move(*made));
  }
  return all;
}

}  // namespace oncemq::sdk
