#include "broker/delivery_ledger.h"

#include <vector>

#include <gtest/gtest.h>

namespace oncemq::broker {
namespace {

constexpr std::int64_t kPieceBytes = DeliveryLedger::kPiece * sizeof(DeliveryEntry);

DeliveryEntry entry(std::int64_t at_ms, std::int64_t from, std::uint32_t range = 1,
                    std::uint64_t queue = 1) {
  return {.queue = queue, .group = 2, .at_ms = at_ms, .from = from, .range = range};
}

void add(DeliveryLedger& ledger, const DeliveryEntry& one) {
  ledger.add(std::span(&one, 1));
}

TEST(DeliveryLedger, FindsWhatCoversAnOffset) {
  DeliveryLedger ledger(4 * kPieceBytes, 1000);
  const std::vector<DeliveryEntry> entries{entry(1, 0, 10), entry(2, 5), entry(3, 6),
                                           entry(4, 5, 1, 9)};
  ledger.add(entries);
  const auto found = ledger.of(1, 5, 100);
  ASSERT_EQ(found.entries.size(), 2U);
  EXPECT_EQ(found.entries[0].at_ms, 1);
  EXPECT_EQ(found.entries[1].at_ms, 2);
  EXPECT_FALSE(found.more);
  EXPECT_EQ(found.since_ms, 0);
  EXPECT_TRUE(ledger.of(1, 10, 100).entries.empty());
  EXPECT_TRUE(ledger.of(7, 5, 100).entries.empty());
  EXPECT_EQ(ledger.start_ms(), 1000);
}

TEST(DeliveryLedger, ForgetsTheOldestAndSaysSo) {
  DeliveryLedger ledger(2 * kPieceBytes, 0);
  EXPECT_EQ(ledger.memory_bytes(), 0U);
  const std::int64_t capacity = 2 * DeliveryLedger::kPiece;
  for (std::int64_t i = 0; i < capacity; ++i) add(ledger, entry(i + 1, i));
  EXPECT_EQ(ledger.of(1, 0, 10).entries.size(), 1U);
  EXPECT_EQ(ledger.of(1, 0, 10).since_ms, 0);
  add(ledger, entry(capacity + 1, capacity));
  const auto gone = ledger.of(1, 0, 10);
  EXPECT_TRUE(gone.entries.empty());
  EXPECT_EQ(gone.since_ms, 2);
  EXPECT_EQ(ledger.of(1, 1, 10).entries.size(), 1U);
  EXPECT_EQ(ledger.of(1, capacity, 10).entries.size(), 1U);
  EXPECT_EQ(ledger.total(), static_cast<std::uint64_t>(capacity + 1));
  EXPECT_EQ(ledger.memory_bytes(), static_cast<std::size_t>(2 * kPieceBytes));
}

TEST(DeliveryLedger, ABatchMayBeLongerThanAPiece) {
  DeliveryLedger ledger(3 * kPieceBytes, 0);
  std::vector<DeliveryEntry> batch;
  for (std::size_t i = 0; i < 5 * DeliveryLedger::kPiece + 7; ++i)
    batch.push_back(entry(static_cast<std::int64_t>(i) + 1, static_cast<std::int64_t>(i)));
  ledger.add(batch);
  const auto last = static_cast<std::int64_t>(batch.size()) - 1;
  EXPECT_EQ(ledger.of(1, last, 10).entries.size(), 1U);
  const std::int64_t oldest = last + 1 - static_cast<std::int64_t>(3 * DeliveryLedger::kPiece);
  EXPECT_EQ(ledger.of(1, oldest, 10).entries.size(), 1U);
  EXPECT_TRUE(ledger.of(1, oldest - 1, 10).entries.empty());
}

TEST(DeliveryLedger, AnAnswerHasABound) {
  DeliveryLedger ledger(kPieceBytes, 0);
  for (int i = 0; i < 10; ++i) add(ledger, entry(i, 5));
  const auto found = ledger.of(1, 5, 4);
  EXPECT_EQ(found.entries.size(), 4U);
  EXPECT_TRUE(found.more);
}

TEST(DeliveryLedger, TooSmallKeepsNothing) {
  DeliveryLedger ledger(kPieceBytes - 1, 0);
  add(ledger, entry(1, 5));
  EXPECT_FALSE(ledger.keeps());
  EXPECT_TRUE(ledger.of(1, 5, 4).entries.empty());
  EXPECT_EQ(ledger.total(), 0U);
}

TEST(DeliveryLedger, KeysTellQueuesApart) {
  EXPECT_NE(DeliveryLedger::queue_key("T", 0), DeliveryLedger::queue_key("T", 1));
  EXPECT_NE(DeliveryLedger::queue_key("T", 0), DeliveryLedger::queue_key("U", 0));
}

}  // namespace
}  // namespace oncemq::broker
