#include "dedup/recent_keys.h"

#include <vector>

#include <gtest/gtest.h>

#include "os/random.h"

namespace oncemq::dedup {
namespace {

using State = RecentKeys::State;

TEST(RecentKeys, FindsTheSameSendAndKnowsTheKey) {
  RecentKeys recent(10);
  const MessageKey one{1, 2, 3};
  EXPECT_EQ(recent.find(one), nullptr);
  EXPECT_FALSE(recent.has_key(1));
  recent.add(one, {.log_offset = {77}}, State::kPending);
  ASSERT_NE(recent.find(one), nullptr);
  EXPECT_EQ(recent.find(one)->entry.original.log_offset.value, 77);
  EXPECT_TRUE(recent.has_key(1));
  EXPECT_EQ(recent.find({1, 2, 4}), nullptr);
  EXPECT_EQ(recent.find({1, 3, 3}), nullptr);
  EXPECT_EQ(recent.find({2, 2, 3}), nullptr);
}

TEST(RecentKeys, AReleasedRowIsGoneAndMayComeAgain) {
  RecentKeys recent(10);
  const MessageKey one{1, 2, 3};
  recent.add(one, {.log_offset = {1}}, State::kPending);
  recent.release(*recent.find(one));
  EXPECT_EQ(recent.find(one), nullptr);
  EXPECT_FALSE(recent.has_key(1));
  recent.add(one, {.log_offset = {2}}, State::kKnown);
  EXPECT_EQ(recent.find(one)->entry.original.log_offset.value, 2);
  EXPECT_TRUE(recent.has_key(1));
  EXPECT_EQ(recent.size(), 1u);
}

// Rows come and go a hundred times over: nothing else is lost, nothing stays.
TEST(RecentKeys, ReleasedRowsMakeRoom) {
  constexpr std::size_t kRows = 300;
  RecentKeys recent(kRows);
  os::SeededRandom random(3);
  std::vector<MessageKey> there;
  std::vector<MessageKey> gone;
  for (int i = 0; i < 30'000; ++i) {
    if (recent.full() || (!there.empty() && random.below(3) == 0)) {
      const std::size_t which = random.below(there.size());
      ASSERT_NE(recent.find(there[which]), nullptr);
      recent.release(*recent.find(there[which]));
      gone.push_back(there[which]);
      there[which] = there.back();
      there.pop_back();
    } else {
      // Few keys, so that several rows share one.
      there.push_back({random.below(500) << 32, random.next(), random.next()});
      recent.add(there.back(), {}, State::kPending);
    }
    if (i % 1000 == 0) {
      EXPECT_EQ(recent.live(), there.size());
      for (const MessageKey& key : there) ASSERT_NE(recent.find(key), nullptr);
      for (const MessageKey& key : gone) ASSERT_EQ(recent.find(key), nullptr);
      gone.clear();
    }
  }
  EXPECT_LE(recent.size(), kRows);
}

TEST(RecentKeys, HoldsWhatItPromises) {
  constexpr std::size_t kRows = 20'000;
  RecentKeys recent(kRows);
  os::SeededRandom random(1);
  std::vector<MessageKey> keys;
  while (!recent.full()) {
    keys.push_back({random.next(), random.next(), random.next()});
    recent.add(keys.back(), {.log_offset = {static_cast<std::int64_t>(keys.size())}},
               State::kKnown);
  }
  EXPECT_EQ(keys.size(), kRows);
  for (std::size_t i = 0; i < kRows; ++i)
    ASSERT_EQ(recent.find(keys[i])->entry.original.log_offset.value,
              static_cast<std::int64_t>(i + 1));
  EXPECT_EQ(recent.find({random.next(), random.next(), random.next()}), nullptr);
}

// One key for everything: found in bounded steps all the same.
TEST(RecentKeys, OneKeyWithManyBodies) {
  constexpr std::size_t kRows = 50'000;
  RecentKeys recent(kRows);
  os::SeededRandom random(2);
  for (std::size_t i = 0; i < kRows; ++i)
    recent.add({5, random.next(), random.next()}, {}, State::kKnown);
  EXPECT_TRUE(recent.has_key(5));
  os::SeededRandom again(2);
  for (std::size_t i = 0; i < kRows; ++i) {
    const std::uint64_t high = again.next();
    const MessageKey key{5, high, again.next()};
    ASSERT_NE(recent.find(key), nullptr);
  }
}

TEST(RecentKeys, IsAsNewWhenItIsCleared) {
  RecentKeys recent(100);
  for (std::uint64_t round = 0; round < 3; ++round) {
    for (std::uint64_t i = 0; i < 100; ++i) {
      EXPECT_EQ(recent.find({i, round, i}), nullptr);
      EXPECT_FALSE(recent.has_key(i));
      recent.add({i, round, i}, {}, RecentKeys::State::kKnown);
    }
    EXPECT_TRUE(recent.full());
    recent.release(*recent.find({7, round, 7}));
    const std::size_t memory = recent.memory();
    recent.clear();
    EXPECT_EQ(recent.size(), 0u);
    EXPECT_EQ(recent.live(), 0u);
    EXPECT_EQ(recent.memory(), memory) << "it is still taken";
  }
}

}  // namespace
}  // namespace oncemq::dedup
