#include "broker/delivery_ledger.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace oncemq::broker {
namespace {

constexpr std::int64_t kPieceBytes = DeliveryLedger::kPiece * sizeof(DeliveryEntry);

DeliveryEntry entry(std::int64_t from, std::uint32_t range = 1, std::uint64_t queue = 1) {
  return {.queue = queue, .group = 2, .from = from, .range = range};
}

class DeliveryLedgerTest : public ::testing::Test {
 protected:
  os::ManualClock clock;
};

TEST_F(DeliveryLedgerTest, FindsWhatCoversAnOffset) {
  DeliveryLedger ledger(clock, 4 * kPieceBytes);
  const std::int64_t start = clock.wall_ms();
  ledger.add(entry(0, 10));
  clock.advance_ms(7);
  ledger.add(std::vector{entry(5), entry(6), entry(5, 1, 9)});
  const auto found = ledger.of(1, 5, 100);
  ASSERT_EQ(found.entries.size(), 2U);
  EXPECT_EQ(found.entries[0].at_ms, start);
  EXPECT_EQ(found.entries[1].at_ms, start + 7);
  EXPECT_FALSE(found.more);
  EXPECT_EQ(found.since_ms, 0);
  EXPECT_TRUE(ledger.of(1, 10, 100).entries.empty());
  EXPECT_TRUE(ledger.of(7, 5, 100).entries.empty());
  EXPECT_EQ(ledger.start_ms(), start);
}

TEST_F(DeliveryLedgerTest, ForgetsTheOldestAndSaysSo) {
  DeliveryLedger ledger(clock, 2 * kPieceBytes);
  const std::int64_t start = clock.wall_ms();
  EXPECT_EQ(ledger.memory_bytes(), 0U);
  const std::int64_t capacity = 2 * DeliveryLedger::kPiece;
  for (std::int64_t i = 0; i <= capacity; ++i) {
    if (i == capacity) {
      EXPECT_EQ(ledger.of(1, 0, 10).entries.size(), 1U);
      EXPECT_EQ(ledger.of(1, 0, 10).since_ms, 0);
    }
    ledger.add(entry(i));
    clock.advance_ms(1);
  }
  const auto gone = ledger.of(1, 0, 10);
  EXPECT_TRUE(gone.entries.empty());
  EXPECT_EQ(gone.since_ms, start + 1);
  EXPECT_EQ(ledger.of(1, 1, 10).entries.size(), 1U);
  EXPECT_EQ(ledger.of(1, capacity, 10).entries.size(), 1U);
  EXPECT_EQ(ledger.total(), static_cast<std::uint64_t>(capacity + 1));
  EXPECT_EQ(ledger.memory_bytes(), static_cast<std::size_t>(2 * kPieceBytes));
}

TEST_F(DeliveryLedgerTest, WalksThroughWhatIsStillThere) {
  DeliveryLedger ledger(clock, 2 * kPieceBytes);
  const std::int64_t capacity = 2 * DeliveryLedger::kPiece;
  for (std::int64_t i = 0; i < capacity + 5; ++i) ledger.add(entry(i));
  std::vector<std::int64_t> seen;
  ledger.for_each([&](const DeliveryEntry& entry) { seen.push_back(entry.from); });
  ASSERT_EQ(seen.size(), static_cast<std::size_t>(capacity));
  EXPECT_EQ(seen.front(), 5);
  EXPECT_EQ(seen.back(), capacity + 4);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST_F(DeliveryLedgerTest, ABatchMayBeLongerThanAPiece) {
  DeliveryLedger ledger(clock, 3 * kPieceBytes);
  std::vector<DeliveryEntry> batch;
  for (std::size_t i = 0; i < 5 * DeliveryLedger::kPiece + 7; ++i)
    batch.push_back(entry(static_cast<std::int64_t>(i)));
  ledger.add(batch);
  const auto last = static_cast<std::int64_t>(batch.size()) - 1;
  EXPECT_EQ(ledger.of(1, last, 10).entries.size(), 1U);
  const std::int64_t oldest = last + 1 - static_cast<std::int64_t>(3 * DeliveryLedger::kPiece);
  EXPECT_EQ(ledger.of(1, oldest, 10).entries.size(), 1U);
  EXPECT_TRUE(ledger.of(1, oldest - 1, 10).entries.empty());
}

TEST_F(DeliveryLedgerTest, AnAnswerHasABound) {
  DeliveryLedger ledger(clock, kPieceBytes);
  for (int i = 0; i < 10; ++i) ledger.add(entry(5));
  const auto found = ledger.of(1, 5, 4);
  EXPECT_EQ(found.entries.size(), 4U);
  EXPECT_TRUE(found.more);
}

TEST_F(DeliveryLedgerTest, TooSmallKeepsNothing) {
  DeliveryLedger ledger(clock, kPieceBytes - 1);
  ledger.add(entry(5));
  EXPECT_FALSE(ledger.keeps());
  EXPECT_TRUE(ledger.of(1, 5, 4).entries.empty());
  EXPECT_EQ(ledger.total(), 0U);
}

TEST_F(DeliveryLedgerTest, KeysTellQueuesApart) {
  EXPECT_NE(DeliveryLedger::queue_key("T", 0), DeliveryLedger::queue_key("T", 1));
  EXPECT_NE(DeliveryLedger::queue_key("T", 0), DeliveryLedger::queue_key("U", 0));
}

}  // namespace
}  // namespace oncemq::broker
