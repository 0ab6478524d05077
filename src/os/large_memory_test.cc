#include "os/large_memory.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <gtest/gtest.h>

namespace oncemq::os {
namespace {

TEST(LargeMemory, IsZeroedAndAligned) {
  for (const std::size_t size : {std::size_t{1}, LargeMemory::kPage, 3 * LargeMemory::kPage + 5}) {
    LargeMemory memory(size);
    ASSERT_EQ(memory.size(), size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % LargeMemory::kPage, 0u);
    EXPECT_TRUE(std::all_of(memory.data(), memory.data() + size,
                            [](std::byte byte) { return byte == std::byte{0}; }));
    memory.data()[size - 1] = std::byte{7};
  }
}

TEST(LargeMemory, IsMoved) {
  LargeMemory one(10);
  one.data()[9] = std::byte{9};
  LargeMemory two(std::move(one));
  EXPECT_EQ(two.data()[9], std::byte{9});
  LargeMemory three(20);
  three = std::move(two);
  EXPECT_EQ(three.size(), 10u);
  EXPECT_EQ(three.data()[9], std::byte{9});
}

}  // namespace
}  // namespace oncemq::os
