#include "client/sdk/allocation.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace oncemq::sdk {
namespace {

std::vector<Queue> queues(std::int32_t count) {
  std::vector<Queue> all;
  for (std::int32_t id = count; id-- > 0;)
    all.push_back({.topic = "T", .broker = id % 2 == 0 ? "a" : "b", .id = id});
  return all;
}

std::vector<std::string> members(int count) {
  std::vector<std::string> all;
  for (int i = count; i-- > 0;) all.push_back("c" + std::to_string(i));
  return all;
}

TEST(AllocationTest, EachQueueHasOneOwnerAndPartsDifferByOne) {
  for (std::int32_t queue_count = 0; queue_count < 20; ++queue_count)
    for (int member_count = 1; member_count < 12; ++member_count) {
      std::vector<Queue> joined;
      std::set<std::size_t> sizes;
      for (int i = 0; i < member_count; ++i) {
        const auto mine =
            allocate(queues(queue_count), members(member_count), "c" + std::to_string(i));
        sizes.insert(mine.size());
        joined.insert(joined.end(), mine.begin(), mine.end());
      }
      std::vector<Queue> all = queues(queue_count);
      std::sort(joined.begin(), joined.end(), comes_before);
      std::sort(all.begin(), all.end(), comes_before);
      EXPECT_EQ(joined, all) << queue_count << " queues, " << member_count << " members";
      EXPECT_LE(*sizes.rbegin() - *sizes.begin(), 1U);
    }
}

TEST(AllocationTest, TakesConsecutivePartsAsApacheDoes) {
  std::vector<Queue> eight;
  for (std::int32_t id = 0; id < 8; ++id) eight.push_back({"T", "a", id});
  const std::vector<std::string> three{"x", "y", "z"};
  EXPECT_EQ(allocate(eight, three, "x"), (std::vector<Queue>(eight.begin(), eight.begin() + 3)));
  EXPECT_EQ(allocate(eight, three, "y"),
            (std::vector<Queue>(eight.begin() + 3, eight.begin() + 6)));
  EXPECT_EQ(allocate(eight, three, "z"), (std::vector<Queue>(eight.begin() + 6, eight.end())));
}

TEST(AllocationTest, AStrangerGetsNothing) {
  EXPECT_TRUE(allocate(queues(4), {"x"}, "y").empty());
  EXPECT_TRUE(allocate(queues(4), {}, "y").empty());
}

TEST(AllocationTest, AMemberThatIsListedTwiceCountsOnce) {
  EXPECT_EQ(allocate(queues(4), {"x", "x", "y"}, "x").size(), 2U);
}

}  // namespace
}  // namespace oncemq::sdk
