#include "broker/sql_filters.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace oncemq::broker {
namespace {

TEST(SqlFilters, OneCompiledFilterPerExpression) {
  Switches switches;
  SqlFilters filters(switches);
  const auto first = filters.subscription("T", "SQL92", "a > 1");
  const auto second = filters.subscription("U", "SQL92", "a > 1");
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ((*first)->sql, (*second)->sql);
  EXPECT_EQ((*second)->topic, "U");
  EXPECT_EQ(filters.size(), 1U);
  EXPECT_NE((*filters.subscription("T", "SQL92", "a > 2"))->sql, (*first)->sql);
}

TEST(SqlFilters, TheLeastRecentlyAskedForGoes) {
  Switches switches;
  SqlFilters filters(switches);
  const auto nth = [&](std::size_t n) { return *filters.filter("a > " + std::to_string(n)); };
  const auto kept = nth(0);
  const auto lost = nth(1);
  for (std::size_t i = 2; i < SqlFilters::kFiltersMax; ++i) (void)nth(i);
  EXPECT_EQ(nth(0), kept);
  (void)nth(SqlFilters::kFiltersMax);
  EXPECT_EQ(filters.size(), SqlFilters::kFiltersMax);
  EXPECT_EQ(nth(0), kept);
  EXPECT_NE(nth(1), lost);
  EXPECT_EQ(filters.size(), SqlFilters::kFiltersMax);
}

TEST(SqlFilters, WhatIsInUseIsBoundedTogether) {
  Switches switches;
  const std::size_t one = model::SqlFilter::compile("a > 1")->bytes();
  SqlFilters filters(switches, 3 * one);
  // Those that are only kept make room.
  for (int i = 0; i < 9; ++i)
    ASSERT_TRUE(filters.filter("a > " + std::to_string(i)).has_value()) << i;
  EXPECT_EQ(filters.live_bytes(), 3 * one);
  EXPECT_EQ(filters.size(), 3U);

  std::vector<std::shared_ptr<const model::SqlFilter>> held;
  for (int i = 0; i < 3; ++i) held.push_back(*filters.filter("b > " + std::to_string(i)));
  EXPECT_EQ(filters.filter("c > 1").error().code, Errc::kBusy);
  EXPECT_EQ(*filters.filter("b > 0"), held[0]);
  EXPECT_EQ(filters.live_bytes(), 3 * one);
  model::Subscription sql;
  sql.expression_type = "SQL92";
  sql.expression = "c > 1";
  EXPECT_EQ(filters.prepare(sql).error().code, Errc::kBusy);
  held.pop_back();
  EXPECT_TRUE(filters.filter("c > 1").has_value());
}

TEST(SqlFilters, FiltersMayOutliveTheirMaker) {
  Switches switches;
  std::shared_ptr<const model::SqlFilter> filter;
  {
    SqlFilters filters(switches);
    filter = *filters.filter("a > 1");
  }
  EXPECT_EQ(filter->expression(), "a > 1");
}

TEST(SqlFilters, TagsAndRefusals) {
  Switches switches;
  SqlFilters filters(switches);
  EXPECT_EQ((*filters.subscription("T", "", "a || b"))->tags.size(), 2U);
  EXPECT_EQ((*filters.subscription("T", "TAG", "*"))->sql, nullptr);
  EXPECT_EQ(filters.subscription("T", "TAG", "||").error().code, Errc::kSubscriptionBroken);
  EXPECT_EQ(filters.subscription("T", "SQL92", "a >").error().code, Errc::kSubscriptionBroken);
  EXPECT_EQ(filters.subscription("T", "XPATH", "a").error().code, Errc::kNotSupported);
  EXPECT_EQ(filters.size(), 0U);

  model::Subscription tags;
  EXPECT_TRUE(filters.prepare(tags).has_value());
  model::Subscription sql;
  sql.expression_type = "SQL92";
  sql.expression = "a > 1";
  ASSERT_TRUE(filters.prepare(sql).has_value());
  EXPECT_NE(sql.sql, nullptr);
  switches.property_filter = false;
  EXPECT_EQ(filters.prepare(sql).error().code, Errc::kNotSupported);
  EXPECT_EQ(sql.sql, nullptr);
}

}  // namespace
}  // namespace oncemq::broker
