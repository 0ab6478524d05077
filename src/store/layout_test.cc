#include "store/layout.h"

#include <gtest/gtest.h>

namespace oncemq::store {
namespace {

TEST(Layout, TopicsThatCanBeFolders) {
  for (const std::string_view good : {"T", "%RETRY%g", "%DLQ%g", "a.b", "..."})
    EXPECT_TRUE(is_folder_name(good)) << good;
  for (const std::string_view bad :
       {std::string_view(""), std::string_view("."), std::string_view(".."),
        std::string_view("a/b"), std::string_view("a\0b", 3)})
    EXPECT_FALSE(is_folder_name(bad)) << bad;
  EXPECT_FALSE(is_folder_name(std::string(256, 'x')));
}

TEST(Layout, FileNamesAreTwentyDigitsBothWays) {
  EXPECT_EQ(file_name(0), "00000000000000000000");
  EXPECT_EQ(file_name(1'073'741'824), "00000000001073741824");
  EXPECT_EQ(parse_file_name("00000000001073741824"), 1'073'741'824);
}

TEST(Layout, OtherNamesAreNotFiles) {
  for (std::string_view name :
       {"", "abort", "0000000000107374182", "000000000010737418240", "0000000000107374182x",
        "-0000000000000000001", "99999999999999999999"}) {
    EXPECT_FALSE(parse_file_name(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace oncemq::store
