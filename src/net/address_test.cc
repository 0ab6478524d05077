#include "net/address.h"

#include <gtest/gtest.h>

namespace oncemq::net {
namespace {

TEST(Address, ParsesWhatItPrints) {
  for (const char* text : {"10.0.0.1:10911", "[::1]:9876", "[2001:db8::7]:65535", "0.0.0.0:0"}) {
    auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(Address, RefusesEverythingElse) {
  for (const char* text : {"", "localhost:1", "10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", ":80",
                           "10.0.0.1:-1", "10.0.0.1:8o", "10.0.0:80", "::g:1"}) {
    auto address = Address::parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, Errc::kInvalidArgument);
  }
}

TEST(Address, KnowsLoopback) {
  EXPECT_TRUE(Address::loopback(5).is_loopback());
  EXPECT_TRUE(Address::parse("[::1]:5")->is_loopback());
  EXPECT_FALSE(Address::parse("10.0.0.1:5")->is_loopback());
  EXPECT_FALSE(Address::parse("[::2]:5")->is_loopback());
}

TEST(Resolve, TakesNumbersAndLocalNames) {
  auto number = resolve("127.0.0.1:7");
  ASSERT_TRUE(number);
  EXPECT_EQ(number->front(), Address::loopback(7));
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
