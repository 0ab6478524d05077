#include "dedup/key_filter.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "os/random.h"

namespace oncemq::dedup {
namespace {

std::vector<std::uint64_t> keys(std::size_t count, std::uint64_t seed) {
  os::SeededRandom random(seed);
  std::vector<std::uint64_t> all(count);
  for (std::uint64_t& key : all) key = random.next();
  return all;
}

TEST(KeyFilter, NamesThePartitionOfEveryKey) {
  constexpr std::size_t kCount = 100'000;
  KeyFilter filter(kCount);
  const auto in = keys(kCount, 1);
  const auto tag = [](std::size_t i) { return 1 + static_cast<unsigned>(i % 31); };
  for (std::size_t i = 0; i < kCount; ++i) filter.add(in[i], tag(i));
  EXPECT_EQ(filter.overflowed(), 0u);
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_NE(filter.find(in[i]) & (1u << tag(i)), 0u) << i;
  std::size_t wrong = 0;
  for (std::uint64_t key : keys(kCount, 2)) wrong += filter.find(key) != 0;
  EXPECT_GT(wrong, 0u);
  EXPECT_LT(wrong, kCount / 60);
}

TEST(KeyFilter, OnlyTheSignificantBitsCount) {
  KeyFilter filter(1000);
  for (std::uint64_t key : keys(500, 3)) {
    filter.add(key, 5);
    EXPECT_NE(filter.find(key ^ 0xFFFF) & (1u << 5), 0u);
  }
}

TEST(KeyFilter, ARemovedPartitionIsGoneAndTheOthersStay) {
  KeyFilter filter(2000);
  const auto in = keys(2000, 4);
  for (std::size_t i = 0; i < in.size(); ++i) filter.add(in[i], i % 2 == 0 ? 3 : 4);
  for (std::size_t at = 0; at < filter.buckets();) at = filter.remove(3, at, 7);
  for (std::size_t i = 0; i < in.size(); ++i) {
    EXPECT_EQ(filter.find(in[i]) & (1u << 3), 0u);
    if (i % 2 == 1) {
      EXPECT_NE(filter.find(in[i]) & (1u << 4), 0u);
    }
  }
}

TEST(KeyFilter, WhatFindsNoRoomIsFoundAllTheSame) {
  KeyFilter filter(10);  // a page: 2,048 cells
  const auto in = keys(3000, 5);
  for (std::uint64_t key : in) filter.add(key, 9);
  EXPECT_GT(filter.overflowed(), 0u);
  for (std::uint64_t key : in) EXPECT_NE(filter.find(key) & (1u << 9), 0u);
  filter.remove(9, 0, filter.buckets());
  EXPECT_EQ(filter.overflowed(), 0u);
  EXPECT_EQ(filter.find(in[0]), 0u);
}

// Partitions come sorted, and the first one alone may fill the table.
TEST(KeyFilter, SortedKeysFindRoom) {
  auto in = keys(200'000, 6);
  std::sort(in.begin(), in.end());
  KeyFilter filter(in.size());
  filter.add(in, 1);
  EXPECT_EQ(filter.overflowed(), 0u);
  for (std::uint64_t key : in) EXPECT_EQ(filter.find(key) & 2u, 2u);
}

// Pages that got more than their share: cells move to make room, and are found afterwards.
TEST(KeyFilter, FullBucketsMakeRoom) {
  constexpr std::size_t kCells = 2048;
  KeyFilter filter(10);
  const auto in = keys(kCells * 95 / 100, 7);
  filter.add(in, 1);
  EXPECT_EQ(filter.overflowed(), 0u);
  for (std::uint64_t key : in) EXPECT_EQ(filter.find(key) & 2u, 2u);
}

TEST(KeyFilter, TheSameKeyTakesOneCell) {
  KeyFilter filter(10);
  for (int i = 0; i < 1000; ++i) filter.add(42, 9);
  EXPECT_EQ(filter.overflowed(), 0u);
}

}  // namespace
}  // namespace oncemq::dedup
