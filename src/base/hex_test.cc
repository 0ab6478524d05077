#include "base/hex.h"

#include <array>

#include <gtest/gtest.h>

namespace oncemq {
namespace {

TEST(Hex, WritesUpperCase) {
  EXPECT_EQ(to_hex(as_bytes("\x01\xAB\xff")), "01ABFF");
  EXPECT_EQ(to_hex({}), "");
}

TEST(Hex, ReadsBothCases) {
  std::array<std::byte, 3> bytes{};
  ASSERT_TRUE(read_hex("01aBFf", bytes));
  EXPECT_EQ(as_text(bytes), "\x01\xAB\xff");
}

TEST(Hex, Refuses) {
  std::array<std::byte, 2> bytes{};
  EXPECT_FALSE(read_hex("123", bytes));
  EXPECT_FALSE(read_hex("12345G", bytes));
  EXPECT_FALSE(read_hex("1G", bytes));
  EXPECT_FALSE(read_hex("010203", bytes));
}

}  // namespace
}  // namespace oncemq
