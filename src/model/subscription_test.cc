#include "model/subscription.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/filter.h"
#include "model/properties.h"

namespace oncemq::model {
namespace {

using ::testing::ElementsAre;

TEST(Subscription, EverythingHasNoTags) {
  for (const char* expression : {"", "*"}) {
    const auto subscription = parse_tag_expression("T", expression);
    ASSERT_TRUE(subscription.has_value());
    EXPECT_EQ(subscription->topic, "T");
    EXPECT_EQ(subscription->expression, "*");
    EXPECT_TRUE(subscription->is_tag());
    EXPECT_TRUE(subscription->matches_all());
    EXPECT_TRUE(Filter(*subscription).passes(0));
    EXPECT_TRUE(Filter(*subscription).passes(123));
  }
}

TEST(Subscription, TagsAreTrimmedSortedAndUnique) {
  const auto subscription = parse_tag_expression("T", " b || a||b || ||c ");
  ASSERT_TRUE(subscription.has_value());
  EXPECT_EQ(subscription->expression, " b || a||b || ||c ");
  EXPECT_THAT(subscription->tags, ElementsAre("a", "b", "c"));
  EXPECT_THAT(subscription->codes, ElementsAre(java_hash("a"), java_hash("b"), java_hash("c")));
}

TEST(Subscription, FilterMatchesTheSignExtendedCode) {
  const auto subscription = parse_tag_expression("T", "a||polygenelubricants");
  ASSERT_TRUE(subscription.has_value());
  const Filter filter(*subscription);
  EXPECT_TRUE(filter.passes(tags_code("a")));
  EXPECT_TRUE(filter.passes(tags_code("polygenelubricants")));
  EXPECT_FALSE(filter.passes(tags_code("b")));
  EXPECT_FALSE(filter.passes(0));
  EXPECT_FALSE(filter.passes(tags_code("a") + (1LL << 32)));
}

TEST(Subscription, NoTagAtAllIsBroken) {
  for (const char* expression : {"||", " ", " || "}) {
    const auto subscription = parse_tag_expression("T", expression);
    ASSERT_FALSE(subscription.has_value()) << expression;
    EXPECT_EQ(subscription.error().code, Errc::kSubscriptionBroken);
  }
}

}  // namespace
}  // namespace oncemq::model
