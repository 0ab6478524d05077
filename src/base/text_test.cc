#include "base/text.h"

#include <gtest/gtest.h>

namespace oncemq {
namespace {

TEST(Text, TrimmingTakesBlanksFromBothEndsOnly) {
  EXPECT_EQ(trimmed(" \t\r\f a b \t"), "a b");
  EXPECT_EQ(trimmed("a\n "), "a\n") << "a line break is no blank here";
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(Text, CaseIsIgnoredInAsciiOnly) {
  EXPECT_TRUE(equals_ignoring_case("TrUe", "true"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("true", "tru"));
  EXPECT_FALSE(equals_ignoring_case("[", "{")) << "32 apart, but no letters";
  EXPECT_FALSE(equals_ignoring_case("\xC4", "\xE4"));
}

TEST(Text, DurationsHaveAUnit) {
  EXPECT_EQ(parse_duration_ms("30s"), 30'000);
  EXPECT_EQ(parse_duration_ms("5m"), 300'000);
  EXPECT_EQ(parse_duration_ms("2h"), 7'200'000);
  EXPECT_EQ(parse_duration_ms("1d"), 86'400'000);
  EXPECT_EQ(parse_duration_ms("0s"), 0);
  for (const char* text : {"", "s", "30", "30x", "30ss", "-1s", "+1s", " 1s", "1000000001s"})
    EXPECT_EQ(parse_duration_ms(text), std::nullopt) << text;
}

TEST(Text, EditDistanceCountsLetters) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("topic", "TOPIC"), 0U);
  EXPECT_EQ(edit_distance("tpoic", "topic"), 2U);
  EXPECT_EQ(edit_distance("lst", "list"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Text, OneLineOfSeveral) {
  EXPECT_EQ(one_line("FATAL:  no room\n\tDETAIL: none \r\n"), "FATAL: no room DETAIL: none");
  EXPECT_EQ(one_line(" \n"), "");
}

}  // namespace
}  // namespace oncemq
