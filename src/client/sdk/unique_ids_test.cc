#include "client/sdk/unique_ids.h"

#include <set>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/hex.h"

namespace oncemq::sdk {
namespace {

TEST(UniqueIds, AreUniqueAndTellTheTimeOfTheMonth) {
  // 2023-11-14 22:13:20 UTC.
  os::ManualClock clock(1'700'000'000'000);
  os::SeededRandom random(1);
  UniqueIds ids(clock, random);
  UniqueIds others(clock, random);
  std::set<std::string> all;
  for (int i = 0; i < 1000; ++i) {
    all.insert(ids.next());
    all.insert(others.next());
  }
  EXPECT_EQ(all.size(), 2000u);
  std::array<std::byte, 16> bytes{};
  ASSERT_TRUE(read_hex(ids.next(), bytes));
  EXPECT_EQ(load_be<std::uint32_t>(bytes.data() + 10),
            (13u * 86'400 + 22 * 3'600 + 13 * 60 + 20) * 1'000);
}

}  // namespace
}  // namespace oncemq::sdk
