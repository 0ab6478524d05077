#include "client/load/histogram.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace oncemq::client {
namespace {

TEST(Histogram, IsExactForSmallValues) {
  Histogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.add(i);
  EXPECT_EQ(histogram.quantile(0.5), 50);
  EXPECT_EQ(histogram.quantile(0.99), 99);
  EXPECT_EQ(histogram.quantile(1), 100);
  EXPECT_EQ(histogram.quantile(0), 1);
  EXPECT_EQ(histogram.max(), 100);
  EXPECT_DOUBLE_EQ(histogram.mean(), 50.5);
}

TEST(Histogram, StaysWithinItsErrorOverAllSizes) {
  std::mt19937_64 random(11);
  std::vector<std::int64_t> values;
  Histogram histogram;
  for (int i = 0; i < 50'000; ++i) {
    values.push_back(static_cast<std::int64_t>(random() >> (1 + random() % 62)));
    histogram.add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double share : {0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
    const auto exact = values[static_cast<std::size_t>(share * 50'000) - 1];
    const auto got = histogram.quantile(share);
    EXPECT_GE(got, exact);
    EXPECT_LE(static_cast<double>(got), static_cast<double>(exact) * (1 + 1.0 / 64) + 1) << share;
  }
}

TEST(Histogram, MergesAndTakesTheExtremes) {
  Histogram a;
  Histogram b;
  a.add(10);
  a.add(-5);  // a clock that stepped back
  b.add(INT64_MAX);
  a.merge(b);
  EXPECT_EQ(a.count(), 3U);
  EXPECT_EQ(a.max(), INT64_MAX);
  EXPECT_EQ(a.quantile(0.3), 0);
  EXPECT_EQ(a.quantile(1), INT64_MAX);
  EXPECT_EQ(Histogram().quantile(0.5), 0);
}

}  // namespace
}  // namespace oncemq::client
