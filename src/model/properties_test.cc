#include "model/properties.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"

namespace oncemq::model {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<std::pair<std::string, std::string>> pairs_of(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> result;
  PropertyCursor cursor(text);
  std::string_view name;
  std::string_view value;
  while (cursor.next(name, value)) result.emplace_back(name, value);
  return result;
}

TEST(Properties, CursorWalksPairsWithAndWithoutTheLastEnd) {
  EXPECT_THAT(pairs_of("KEYS\1a b\2TAGS\1x\2"),
              ElementsAre(Pair("KEYS", "a b"), Pair("TAGS", "x")));
  EXPECT_THAT(pairs_of("KEYS\1a\2TAGS\1x"), ElementsAre(Pair("KEYS", "a"), Pair("TAGS", "x")));
  EXPECT_THAT(pairs_of(""), IsEmpty());
}

TEST(Properties, CursorSkipsWhatIsNoPair) {
  EXPECT_THAT(pairs_of("junk\2A\1b\2\2\1v\2EMPTY\1\2C\1d\1e\2"),
              ElementsAre(Pair("A", "b"), Pair("C", "d\1e")));
}

TEST(Properties, FindTakesTheLastWholeName) {
  const std::string text = "XTAGS\1no\2TAGS\1early\2TAGS\1yes\2TAGS\1\2TAGSX\1no\2\2";
  EXPECT_EQ(find_property(text, "TAGS"), "yes");
  EXPECT_EQ(find_property("TAGS\1open", "TAGS"), "open");
  EXPECT_EQ(find_property("TAGS\1first\2X\1y", "TAGS"), "first");
  EXPECT_EQ(find_property("\2\2", "TAGS"), std::nullopt);
  EXPECT_EQ(find_property("", "TAGS"), std::nullopt);
  EXPECT_EQ(find_property(text, "TAG"), std::nullopt);
  EXPECT_EQ(find_property("TAGS", "TAGS"), std::nullopt);
  EXPECT_EQ(find_property("TAGS\1", "TAGS"), std::nullopt);
  EXPECT_EQ(find_property("A\1TAGS\1x\2", "TAGS"), std::nullopt);
}

TEST(Properties, AppendClosesAnOpenPair) {
  std::string text = "A\1b";
  append_property(text, "C", "d");
  EXPECT_EQ(text, "A\1b\2C\1d\2");
  append_property(text, "E", "f");
  EXPECT_EQ(text, "A\1b\2C\1d\2E\1f\2");
  std::string empty;
  append_property(empty, "A", "b");
  EXPECT_EQ(empty, "A\1b\2");
}

TEST(Properties, WithoutRemovesEveryPairOfTheNameAndNothingElse) {
  EXPECT_EQ(without_property("A\1b\2C\1d\2A\1e", "A"), "C\1d\2");
  EXPECT_EQ(without_property("AA\1b\2junk\2C\1d", "A"), "AA\1b\2junk\2C\1d");
  EXPECT_EQ(without_property("", "A"), "");
}

TEST(Properties, SetReplaces) {
  std::string text = "A\1b\2C\1d";
  set_property(text, "A", "z");
  EXPECT_EQ(text, "C\1d\2A\1z\2");
}

TEST(JavaHash, AgreesWithTheJdkOverUtf16AndMalformedBytes) {
  // Printed by `new String(bytes, UTF_8).hashCode()` of OpenJDK 17.
  const std::vector<std::pair<std::string, std::int32_t>> vectors = {
      {"54616741", 2598919},
      {"E4BDA0E5A5BD", 652829},
      {"F09F9880", 1772899},
      {"61FF62", 2124838},
      {"C3", 65533},
      {"C3A9", 233},
      {"E2", 65533},
      {"E282", 65533},
      {"E28261", 2031620},
      {"E0809F", 65074269},
      {"EDA08061", 2031620},
      {"F0", 65533},
      {"F09F", 65533},
      {"F09F98", 65533},
      {"F09F9861", 2031620},
      {"F0809080", 2017367872},
      {"F4908080", 2017367872},
      {"C080", 2097056},
      {"F5808080", 2017367872},
      {"80", 65533},
      {"61F09F9880E4BDA0", 57869916},
  };
  for (const auto& [hex, hash] : vectors) {
    std::string text(hex.size() / 2, '\0');
    ASSERT_TRUE(read_hex(hex, {reinterpret_cast<std::byte*>(text.data()), text.size()}));
    EXPECT_EQ(java_hash(text), hash) << hex;
  }
}

TEST(JavaHash, SeedContinues) {
  EXPECT_EQ(java_hash("topic#key"), java_hash("key", java_hash("topic#")));
  EXPECT_EQ(java_hash(""), 0);
  EXPECT_EQ(java_hash("", 77), 77);
}

TEST(JavaHash, TagsCodeIsSignExtended) {
  EXPECT_EQ(tags_code(""), 0);
  EXPECT_EQ(tags_code("TagA"), 2598919);
  EXPECT_LT(java_hash("polygenelubricants"), 0);
  EXPECT_EQ(tags_code("polygenelubricants"), std::int64_t{java_hash("polygenelubricants")});
}

}  // namespace
}  // namespace oncemq::model
