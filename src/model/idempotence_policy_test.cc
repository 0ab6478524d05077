#include "model/idempotence_policy.h"

#include <gtest/gtest.h>

namespace oncemq::model {
namespace {

using Policy = IdempotencePolicy;

TEST(IdempotencePolicy, WithoutAKeyATopicIsOrdinary) {
  EXPECT_FALSE(Policy::of({}));
  EXPECT_FALSE(Policy::of({{"idempotent.window", "1h"}, {"idempotent.mode", "enforce"}}));
  EXPECT_FALSE(Policy::of({{"idempotent.key", "KEYS"}, {"idempotent.mode", "off"}}));
}

TEST(IdempotencePolicy, SaysWhatTheAttributesSay) {
  const auto plain = Policy::of({{"idempotent.key", "UNIQ_KEY"}});
  ASSERT_TRUE(plain);
  EXPECT_EQ(*plain, Policy{});
  const auto all = Policy::of({{"idempotent.key", "property:order"},
                               {"idempotent.window", "90s"},
                               {"idempotent.mode", "shadow"},
                               {"idempotent.mismatch", "reject"}});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->source, Policy::Source::kProperty);
  EXPECT_EQ(all->property, "order");
  EXPECT_EQ(all->window_ms, 90'000);
  EXPECT_TRUE(all->shadow);
  EXPECT_TRUE(all->refuse_other_body);
  EXPECT_EQ(Policy::of({{"idempotent.key", "KEYS"}})->source, Policy::Source::kKeys);
}

TEST(IdempotencePolicy, RefusesWhatItDoesNotKnowAndSaysWhatItDoes) {
  for (const auto& [name, value] : Policy::Attributes{{"idempotent.key", "ORDER"},
                                                      {"idempotent.window", "24"},
                                                      {"idempotent.mode", "on"},
                                                      {"idempotent.mismatch", "drop"},
                                                      {"idempotent.keys", "KEYS"}}) {
    const Status status = Policy::check(name, value);
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().code, Errc::kInvalidArgument);
    EXPECT_NE(status.error().message.find(name), std::string::npos);
  }
  EXPECT_FALSE(Policy::check("idempotent.key", "property:"));
  for (const char* window : {"", "h", "0s", "31d", "-1h", "1h ", "1w", "99999999999d", "1.5h"})
    EXPECT_FALSE(Policy::check("idempotent.window", window)) << window;
  for (const char* window : {"1s", "15m", "24h", "7d", "30d"})
    EXPECT_TRUE(Policy::check("idempotent.window", window)) << window;
}

}  // namespace
}  // namespace oncemq::model
