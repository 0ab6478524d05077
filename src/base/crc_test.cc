#include "base/crc.h"

#include <gtest/gtest.h>

namespace oncemq {
namespace {

TEST(Crc, CheckValueOfTheStandard) {
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xCBF43926U);
}

TEST(Crc, SeedContinues) {
  EXPECT_EQ(crc32(as_bytes("6789"), crc32(as_bytes("12345"))), 0xCBF43926U);
}

TEST(Crc, RocketmqDropsTheSign) {
  EXPECT_EQ(crc32_rocketmq(as_bytes("123456789")), 0x4BF43926);
  EXPECT_EQ(crc32_rocketmq({}), 0);
}

}  // namespace
}  // namespace oncemq
