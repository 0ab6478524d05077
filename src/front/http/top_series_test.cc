#include "front/http/top_series.h"

#include <array>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq::front {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

using Totals = std::map<std::string, std::uint64_t>;

Totals scrape(TopSeries& series, const Totals& totals) {
  for (const auto& [name, total] : totals) series.see(name, std::array{total});
  Totals shown;
  series.finish([&](std::string_view name, std::span<const std::uint64_t> values) {
    shown[std::string(name)] = values[0];
  });
  return shown;
}

TEST(TopSeries, FewNamesHaveTheirTotals) {
  TopSeries series(2, 1);
  EXPECT_THAT(scrape(series, {{"a", 5}, {"b", 7}}), ElementsAre(Pair("a", 5), Pair("b", 7)));
  EXPECT_THAT(scrape(series, {{"a", 6}, {"b", 7}}), ElementsAre(Pair("a", 6), Pair("b", 7)));
}

TEST(TopSeries, TheRestIsOneSeries) {
  TopSeries series(1, 1);
  EXPECT_THAT(scrape(series, {{"a", 5}, {"b", 70}, {"c", 1}}),
              ElementsAre(Pair("b", 70), Pair("other", 6)));
}

TEST(TopSeries, OtherNeverGoesBackAndNothingIsLost) {
  TopSeries series(1, 1);
  EXPECT_THAT(scrape(series, {{"a", 100}, {"b", 10}}),
              ElementsAre(Pair("a", 100), Pair("other", 10)));
  // A little more than the listed one is not enough to take its place ...
  EXPECT_THAT(scrape(series, {{"a", 120}, {"b", 70}}),
              ElementsAre(Pair("a", 120), Pair("other", 70)));
  // ... much more is: the new series shows what came since, the old one's count goes to the rest.
  EXPECT_THAT(scrape(series, {{"a", 120}, {"b", 1070}}),
              ElementsAre(Pair("b", 1000), Pair("other", 190)));
  EXPECT_THAT(scrape(series, {{"a", 125}, {"b", 1071}}),
              ElementsAre(Pair("b", 1001), Pair("other", 195)));
}

TEST(TopSeries, NamesThatAreGoneAreForgotten) {
  TopSeries series(2, 1);
  scrape(series, {{"a", 5}, {"b", 7}});
  EXPECT_THAT(scrape(series, {{"b", 7}}), ElementsAre(Pair("b", 7)));
  EXPECT_THAT(scrape(series, {{"a", 1}, {"b", 7}}), ElementsAre(Pair("a", 1), Pair("b", 7)));
}

TEST(TopSeries, ATotalThatBeganAnewCountsOn) {
  TopSeries series(1, 1);
  scrape(series, {{"a", 50}});
  EXPECT_THAT(scrape(series, {{"a", 3}}), ElementsAre(Pair("a", 53)));
}

}  // namespace
}  // namespace oncemq::front
