#include "oncemq/once/horizon.h"

#include <gtest/gtest.h>

namespace oncemq::once {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;

TEST(HorizonTest, AddsUpAllWaysBack) {
  // The log, sixteen retries from level 3 on, the dead letters, the retries again.
  const auto retries = 4h + 45min + 40s;
  EXPECT_EQ(*horizon({}), 72h + retries + 72h + retries);
}

TEST(HorizonTest, FurtherAttemptsWaitAsLongAsTheLastLevel) {
  EXPECT_EQ(*horizon({.delay_levels = "1s 2s 3s 4s",
                      .attempts = 4,
                      .log_retention = 0h,
                      .letter_retention = 0h}),
            2 * (3s + 4s + 4s + 4s));
  EXPECT_EQ(*horizon({.attempts = 0, .log_retention = 1h, .letter_retention = 2h}), 3h);
}

TEST(HorizonTest, NonsenseIsRefused) {
  EXPECT_FALSE(horizon({.delay_levels = "soon"}));
  EXPECT_FALSE(horizon({.attempts = -1}));
  EXPECT_FALSE(horizon({.log_retention = -1h}));
}

}  // namespace
}  // namespace oncemq::once
