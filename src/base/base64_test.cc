#include "base/base64.h"

#include <gtest/gtest.h>

namespace oncemq {
namespace {

TEST(Base64, VectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xff\xfe", "//4="}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(std::string_view(bytes))), text);
    EXPECT_EQ(from_base64(text).value(), bytes);
  }
}

TEST(Base64, Refusals) {
  for (const char* text : {"Z", "Zg=", "Zg", "Zg==Zg==", "Z===", "====", "Zm9\n", "Zm=v", "_-8="})
    EXPECT_FALSE(from_base64(text).has_value()) << text;
}

TEST(Utf8, AcceptsTextOnly) {
  for (const char* text : {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const char* text : {"\xff", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\x80"})
    EXPECT_FALSE(is_utf8(text)) << text;
}

}  // namespace
}  // namespace oncemq
