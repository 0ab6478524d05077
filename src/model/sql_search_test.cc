#include "model/sql_search.h"

#include <string>

#include <gtest/gtest.h>

namespace oncemq::model {
namespace {

bool contains(std::string_view text, std::string_view what) {
  SqlBudget budget;
  return sql_contains(text, what, budget).value();
}

TEST(SqlSearch, FindsAtEveryPlace) {
  for (std::size_t size : {1U, 2U, 63U, 64U, 65U, 127U, 128U, 129U, 200U}) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, '.');
      text[at] = 'x';
      EXPECT_TRUE(contains(text, "x")) << size << ' ' << at;
      EXPECT_EQ(contains(text, ".x"), at > 0) << size << ' ' << at;
      EXPECT_EQ(contains(text, "x."), at + 1 < size) << size << ' ' << at;
      EXPECT_FALSE(contains(text, "xx"));
    }
  }
}

TEST(SqlSearch, NothingIsInAShorterText) {
  EXPECT_FALSE(contains("", "x"));
  EXPECT_FALSE(contains("ab", "abc"));
  EXPECT_TRUE(contains("abc", "abc"));
}

TEST(SqlSearch, AsTheStandardLibraryFinds) {
  std::uint32_t state = 1;
  const auto next = [&](std::uint32_t below) {
    state = state * 1'664'525 + 1'013'904'223;
    return (state >> 16) % below;
  };
  int found = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    std::string what;
    for (std::uint32_t i = next(300); i > 0; --i) text += static_cast<char>('a' + next(2));
    for (std::uint32_t i = 1 + next(12); i > 0; --i) what += static_cast<char>('a' + next(2));
    const bool expected = text.find(what) != std::string::npos;
    found += static_cast<int>(expected);
    ASSERT_EQ(contains(text, what), expected) << text << ' ' << what;
  }
  EXPECT_GT(found, 5'000);
  EXPECT_LT(found, 15'000);
}

// Bytes are bytes, also above 0x7F and 0.
TEST(SqlSearch, AnyBytes) {
  const std::string text("\x00\xff\xe4\xb8\xad\x80", 6);
  EXPECT_TRUE(contains(text, "\xe4\xb8\xad"));
  EXPECT_TRUE(contains(text, std::string_view("\x00\xff", 2)));
  EXPECT_FALSE(contains(text, "\xb8\x80"));
}

TEST(SqlSearch, EndsWithItsBudget) {
  const std::string text(10'000, 'a');
  SqlBudget enough{.left = 1'300};
  EXPECT_EQ(sql_contains(text, "aab", enough), false);  // a run of one byte has no candidates
  EXPECT_FALSE(enough.spent);
  std::string nearly;
  for (int i = 0; i < 5'000; ++i) nearly += "ab";
  SqlBudget little{.left = 1'300};
  EXPECT_EQ(sql_contains(nearly, "abb", little), std::nullopt);
  EXPECT_TRUE(little.spent);
  SqlBudget none{.left = 100};
  EXPECT_EQ(sql_contains(text, "b", none), std::nullopt);
  EXPECT_EQ(none.left, 0U);
}

}  // namespace
}  // namespace oncemq::model
