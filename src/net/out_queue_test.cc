#include "net/out_queue.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace oncemq::net {
namespace {

std::string drain(OutQueue& queue, BufferPool& pool, std::size_t step) {
  std::string all;
  while (queue.size() > 0) {
    iovec pieces[4];
    const std::size_t count = queue.gather(pieces);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < count && taken < step; ++i) {
      const std::size_t size = std::min(pieces[i].iov_len, step - taken);
      all.append(static_cast<const char*>(pieces[i].iov_base), size);
      taken += size;
    }
    queue.advance(pool, taken);
  }
  return all;
}

TEST(OutQueue, SmallWritesBecomeOnePiece) {
  BufferPool pool(1 << 20);
  OutQueue queue;
  queue.write(pool, as_bytes("abc"));
  queue.write(pool, as_bytes("def"));
  iovec pieces[4];
  ASSERT_EQ(queue.gather(pieces), 1U);
  EXPECT_EQ(pieces[0].iov_len, 6U);
  queue.advance(pool, 6);
  EXPECT_EQ(queue.held(), 0U);
  EXPECT_GT(pool.kept(), 0U);
}

TEST(OutQueue, PinnedBytesKeepTheirPlaceAndLetGoWhenSent) {
  BufferPool pool(1 << 20);
  OutQueue queue;
  const auto pinned = std::make_shared<std::string>("PINNED");
  queue.write(pool, as_bytes("before "));
  queue.write_pinned(as_bytes(*pinned), pinned);
  queue.write(pool, as_bytes(" after"));
  EXPECT_EQ(pinned.use_count(), 2);
  queue.advance(pool, 9);  // into the middle of it
  EXPECT_EQ(pinned.use_count(), 2);
  queue.advance(pool, 4);
  EXPECT_EQ(pinned.use_count(), 1);
  EXPECT_EQ(drain(queue, pool, 100), " after");
}

TEST(OutQueue, PreparedRoomCountsWhenCommitted) {
  BufferPool pool(1 << 20);
  OutQueue queue;
  MutableBytes room = queue.prepare(pool, 100);
  ASSERT_GE(room.size(), 100U);
  room[0] = std::byte{'x'};
  EXPECT_EQ(queue.size(), 0U);
  queue.commit(1);
  queue.commit(0);
  EXPECT_EQ(drain(queue, pool, 1), "x");
}

TEST(OutQueue, EqualsAStringOverRandomUse) {
  BufferPool pool(1 << 20);
  OutQueue queue;
  std::mt19937 random(7);
  std::string expected;
  std::string got;
  for (int step = 0; step < 5'000; ++step) {
    const std::string piece(random() % 3 == 0 ? random() % 60'000 : random() % 200,
                            static_cast<char>('a' + step % 26));
    if (random() % 4 == 0) {
      const auto pinned = std::make_shared<std::string>(piece);
      queue.write_pinned(as_bytes(*pinned), pinned);
    } else {
      queue.write(pool, as_bytes(piece));
    }
    expected += piece;
    while (queue.size() > 200'000) {
      iovec pieces[3];
      const std::size_t count = queue.gather(pieces);
      ASSERT_GT(count, 0U);
      const std::size_t size = random() % (pieces[0].iov_len + 1);
      got.append(static_cast<const char*>(pieces[0].iov_base), size);
      queue.advance(pool, size);
    }
  }
  got += drain(queue, pool, 10'000);
  EXPECT_EQ(got, expected);
  EXPECT_EQ(queue.held(), 0U);
}

TEST(OutQueue, ClearGivesEverythingBack) {
  BufferPool pool(1 << 20);
  OutQueue queue;
  const auto pinned = std::make_shared<int>();
  queue.write(pool, as_bytes(std::string(20'000, 'x')));
  queue.write_pinned(as_bytes("y"), pinned);
  queue.write(pool, as_bytes(std::string(20'000, 'z')));
  queue.clear(pool);
  EXPECT_EQ(pinned.use_count(), 1);
  EXPECT_EQ(queue.size(), 0U);
  EXPECT_EQ(queue.held(), 0U);
  queue.shrink();
}

}  // namespace
}  // namespace oncemq::net
