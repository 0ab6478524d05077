#include "base/address.h"

#include <gtest/gtest.h>

namespace oncemq {
namespace {

TEST(Address, PrintsWhatItParsed) {
  for (const char* text : {"10.0.0.1:10911", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:10911",
                           "[2001:db8::ff00:42:8329]:1"}) {
    const auto host = Address::parse(text);
    ASSERT_TRUE(host.has_value()) << text;
    EXPECT_EQ(host->to_string(), text);
  }
}

TEST(Address, KeepsFamilyAndBytes) {
  const auto v4 = Address::parse("1.2.3.4:80");
  ASSERT_TRUE(v4.has_value());
  EXPECT_FALSE(v4->is_v6);
  EXPECT_EQ(v4->ip_bytes().size(), 4U);
  EXPECT_EQ(v4->ip_string(), "1.2.3.4");
  const auto v6 = Address::parse("[::1]:80");
  ASSERT_TRUE(v6.has_value());
  EXPECT_TRUE(v6->is_v6);
  EXPECT_EQ(v6->ip_bytes().size(), 16U);
  EXPECT_EQ(v6->ip_string(), "::1");
  EXPECT_EQ(v6->ip_bytes().back(), std::byte{1});
}

TEST(Address, RefusesEverythingElse) {
  for (const char* text : {"", ":", "1.2.3.4", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:-1",
                           "1.2.3.4:65536", "1.2.3.4:80 ", "1.2.3:80", "::1:80", "[::1]", "[::1:80",
                           "[]:80", "[1.2.3.4]:80", "localhost:80", ":80", "::g:1"}) {
    const auto host = Address::parse(text);
    ASSERT_FALSE(host.has_value()) << text;
    EXPECT_EQ(host.error().code, Errc::kInvalidArgument);
  }
}

TEST(Address, KnowsLoopback) {
  EXPECT_TRUE(Address::loopback(5).is_loopback());
  EXPECT_TRUE(Address::parse("[::1]:5")->is_loopback());
  EXPECT_FALSE(Address::parse("10.0.0.1:5")->is_loopback());
  EXPECT_FALSE(Address::parse("[::2]:5")->is_loopback());
}

}  // namespace
}  // namespace oncemq
