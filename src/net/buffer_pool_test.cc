#include "net/buffer_pool.h"

#include <gtest/gtest.h>

namespace oncemq::net {
namespace {

TEST(BufferPool, RoundsUpToPowersOfTwo) {
  BufferPool pool(1 << 20);
  EXPECT_EQ(pool.take(1).capacity, 1024U);
  EXPECT_EQ(pool.take(1024).capacity, 1024U);
  EXPECT_EQ(pool.take(1025).capacity, 2048U);
  EXPECT_EQ(pool.take((16U << 20) + 1).capacity, 32U << 20);
}

TEST(BufferPool, GivesTheLastReturnedAgain) {
  BufferPool pool(1 << 20);
  Buffer buffer = pool.take(5000);
  const std::byte* address = buffer.data();
  pool.give(std::move(buffer));
  EXPECT_EQ(pool.kept(), 8192U);
  EXPECT_EQ(pool.take(8000).data(), address);
  EXPECT_EQ(pool.kept(), 0U);
}

TEST(BufferPool, KeepsNoMoreThanItsBound) {
  BufferPool pool(4096);
  Buffer a = pool.take(4096);
  Buffer b = pool.take(4096);
  pool.give(std::move(a));
  pool.give(std::move(b));
  EXPECT_EQ(pool.kept(), 4096U);
  EXPECT_FALSE(b);
  pool.give(Buffer());  // nothing
  EXPECT_EQ(pool.kept(), 4096U);
}

}  // namespace
}  // namespace oncemq::net
