#include "net/address.h"

#include <gtest/gtest.h>

namespace oncemq::net {
namespace {

TEST(Resolve, TakesNumbersAndLocalNames) {
  auto number = resolve("127.0.0.1:7");
  ASSERT_TRUE(number);
  EXPECT_EQ(number->front(), Address::loopback(7));
  auto bare = resolve("::1:7");
  ASSERT_TRUE(bare) << "a port follows the last colon, with brackets or without";
  EXPECT_EQ(bare->front(), *Address::parse("[::1]:7"));
  auto name = resolve("localhost:7");
  ASSERT_TRUE(name);
  EXPECT_TRUE(name->front().is_loopback());
  EXPECT_EQ(name->front().port, 7);
}

TEST(Resolve, SaysWhatIsWrong) {
  EXPECT_EQ(resolve("nonsense").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(resolve("no.such.host.invalid:1").error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace oncemq::net
