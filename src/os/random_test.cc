#include "os/random.h"

#include <set>

#include <gtest/gtest.h>

namespace oncemq::os {
namespace {

TEST(SeededRandom, RepeatsForTheSameSeedOnly) {
  SeededRandom first(1);
  SeededRandom again(1);
  SeededRandom other(2);
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t number = first.next();
    EXPECT_EQ(number, again.next());
    EXPECT_NE(number, other.next());
  }
}

TEST(SeededRandom, BelowReachesEverythingAndNotMore) {
  SeededRandom random(3);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.below(10));
  EXPECT_EQ(seen.size(), 10U);
  EXPECT_LT(*seen.rbegin(), 10U);
}

TEST(SystemRandom, DoesNotRepeat) {
  SystemRandom random;
  EXPECT_NE(random.next(), random.next());
}

}  // namespace
}  // namespace oncemq::os
