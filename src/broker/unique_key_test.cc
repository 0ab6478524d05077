#include "broker/unique_key.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "os/clock.h"
#include "os/random.h"

namespace oncemq::broker {
namespace {

std::string next(UniqueKeys& keys) {
  std::string key(keys.size(), ' ');
  keys.write(key.data());
  return key;
}

TEST(UniqueKeysTest, ShapeAndUniqueness) {
  os::ManualClock clock;
  os::SeededRandom random(1);
  UniqueKeys keys(Address::parse("10.0.0.1:10911").value(), random, clock);
  std::set<std::string> seen;
  for (int i = 0; i < 70'000; ++i) {
    if (i % 1'000 == 0) clock.advance_ms(1);
    seen.insert(next(keys));
  }
  EXPECT_EQ(seen.size(), 70'000U);
  for (const std::string& key : seen) {
    ASSERT_EQ(key.size(), 32U);
    ASSERT_EQ(key.find_first_not_of("0123456789ABCDEF"), std::string::npos);
  }
  EXPECT_EQ(seen.begin()->substr(0, 8), "0A000001");
  UniqueKeys other(Address::parse("10.0.0.1:10911").value(), random, clock);
  EXPECT_NE(next(other).substr(8, 12), next(keys).substr(8, 12));
}

TEST(UniqueKeysTest, AddressOfSixteenBytesMakesLongerKeys) {
  os::ManualClock clock;
  os::SeededRandom random(1);
  UniqueKeys keys(Address::parse("[::1]:10911").value(), random, clock);
  EXPECT_EQ(next(keys).size(), 56U);
}

TEST(UniqueKeysTest, CarriesTheTimeSinceTheMonthBegan) {
  os::ManualClock clock(1'700'000'000'000);  // 2023-11-14T22:13:20Z
  os::SeededRandom random(1);
  UniqueKeys keys(Address::parse("10.0.0.1:10911").value(), random, clock);
  const auto time_of = [&] { return std::stoull(next(keys).substr(20, 8), nullptr, 16); };
  constexpr std::uint64_t kDay = 86'400'000;
  EXPECT_EQ(time_of(), 13 * kDay + ((22 * 60 + 13) * 60 + 20) * 1000ULL);
  clock.advance_ms(static_cast<std::int64_t>(16 * kDay));
  EXPECT_EQ(time_of(), 29 * kDay + ((22 * 60 + 13) * 60 + 20) * 1000ULL);
  clock.advance_ms(static_cast<std::int64_t>(kDay));  // December has begun
  EXPECT_EQ(time_of(), ((22 * 60 + 13) * 60 + 20) * 1000ULL);
  clock.jump_ms(-static_cast<std::int64_t>(kDay));
  EXPECT_EQ(time_of(), 29 * kDay + ((22 * 60 + 13) * 60 + 20) * 1000ULL);
}

}  // namespace
}  // namespace oncemq::broker
