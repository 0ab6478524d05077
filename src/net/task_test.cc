#include "net/task.h"

#include <array>
#include <memory>

#include <gtest/gtest.h>

namespace oncemq::net {
namespace {

TEST(Task, OwnsWhatOnlyMoves) {
  int seen = 0;
  auto value = std::make_unique<int>(7);
  Task task = [&seen, value = std::move(value)] { seen = *value; };
  Task moved = std::move(task);
  EXPECT_FALSE(task);
  moved();
  EXPECT_EQ(seen, 7);
}

TEST(Task, DestroysCapturesOnceWhetherInsideOrOnTheHeap) {
  const auto witness = std::make_shared<int>(0);
  const std::array<char, 200> ballast{};
  {
    Task small = [witness] {};
    Task large = [witness, ballast] { (void)ballast; };
    EXPECT_EQ(witness.use_count(), 3);
    Task other = std::move(large);
    small = std::move(other);  // drops the small one's
    EXPECT_EQ(witness.use_count(), 2);
    small();
  }
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(Task, EmptyIsFalse) {
  EXPECT_FALSE(Task());
  EXPECT_TRUE(Task([] {}));
}

}  // namespace
}  // namespace oncemq::net
