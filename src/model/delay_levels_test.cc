#include "model/delay_levels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq::model {
namespace {

TEST(DelayLevels, AreReadWithUnits) {
  const auto levels = parse_delay_levels(" 1s 5m  2h 1d ");
  ASSERT_TRUE(levels.has_value());
  EXPECT_THAT(*levels, ::testing::ElementsAre(1000, 300'000, 7'200'000, 86'400'000));
  EXPECT_FALSE(parse_delay_levels("").has_value());
  EXPECT_FALSE(parse_delay_levels("5").has_value());
  EXPECT_FALSE(parse_delay_levels("s").has_value());
  EXPECT_FALSE(parse_delay_levels("-1s").has_value());
}

}  // namespace
}  // namespace oncemq::model
