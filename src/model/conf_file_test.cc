#include "model/conf_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq::model {
namespace {

TEST(ConfFile, FollowTheJavaSyntax) {
  const auto parsed = parse_properties(
      "# comment\n! comment\na=1\r\n  b : two words \nc three\nd=x\\\n   y\ne\\=f=g\\u0041\\t\n"
      "h=\ni=c:\\\\temp\n");
  ASSERT_TRUE(parsed.has_value());
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& a : *parsed) pairs.emplace_back(a.name, a.value);
  EXPECT_THAT(pairs,
              ::testing::ElementsAre(::testing::Pair("a", "1"), ::testing::Pair("b", "two words"),
                                     ::testing::Pair("c", "three"), ::testing::Pair("d", "xy"),
                                     ::testing::Pair("e=f", "gA"), ::testing::Pair("h", ""),
                                     ::testing::Pair("i", "c:\\temp")));
  EXPECT_EQ((*parsed)[4].line, 8);
}

TEST(ConfFile, BrokenTextIsRefused) {
  EXPECT_FALSE(parse_properties("a=\\u12\n").has_value());
  EXPECT_FALSE(parse_properties("a=\\u12zz\n").has_value());
  EXPECT_FALSE(parse_properties("=1\n").has_value());
  EXPECT_TRUE(parse_properties("").has_value());
  EXPECT_TRUE(parse_properties("a\\").has_value());
}

TEST(ConfFile, RewriteReplacesTheLastAssignmentOnly) {
  EXPECT_EQ(rewrite_properties("# a=0\na=1\nb=2\na=3\\\n 4\nc=5", "a", "9"),
            "# a=0\na=1\nb=2\na=9\nc=5");
  EXPECT_EQ(rewrite_properties("b=2", "a", "9"), "b=2\na=9\n");
  EXPECT_EQ(rewrite_properties("", "a", "x\\y"), "a=x\\\\y\n");
  // A last line that wants to go on must not swallow the new one; a comment goes on nowhere.
  EXPECT_EQ(rewrite_properties("b=2\\", "a", "9"), "b=2\\\n\na=9\n");
  EXPECT_EQ(rewrite_properties("b=2\\\r\n", "a", "9"), "b=2\\\r\n\na=9\n");
  EXPECT_EQ(rewrite_properties("b=2\\\\", "a", "9"), "b=2\\\\\na=9\n");
  EXPECT_EQ(rewrite_properties("# c\\", "a", "9"), "# c\\\na=9\n");
}

}  // namespace
}  // namespace oncemq::model
