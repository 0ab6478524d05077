#include "broker/transaction_checker.h"

#include <gtest/gtest.h>

#include "broker/transaction_fixture.h"

namespace oncemq::broker {
namespace {

struct TransactionCheckerTest : ::testing::Test, TransactionNouns {
  std::string property(const TransactionCheck& check, std::string_view name) {
    const auto decoded = model::decode_record(as_bytes(check.body), model::Verify::kFull);
    return decoded.has_value() ? property_of(decoded->record, name) : "(broken)";
  }
  std::optional<Errc> resume(std::size_t index) {
    TransactionBatch verdicts;
    const auto record = store.record(model::topic::kTransCheckMax, 0, index);
    return finish(life->transactions.stage_resume(record.log_offset, verdicts), verdicts);
  }
  // Discards what is open by asking often enough.
  void discard_all() {
    for (int i = 0; i <= switches.transaction_check_max.load(); ++i) pass(30'000);
  }
};

TEST_F(TransactionCheckerTest, AsksWhenTheTimeOutHasPassed) {
  connect_producer(1);
  const Half half = send_half("A", "TAGS=t");
  pass(5'999);
  EXPECT_TRUE(asked.empty());
  pass(1);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(life->checker.unanswered(), 1U);
  EXPECT_GT(life->checker.memory_bytes(), 0U);
  EXPECT_EQ(asked[0].first, ChannelId{1});
  const TransactionCheck& check = asked[0].second;
  EXPECT_EQ(check.topic, "T");
  EXPECT_EQ(check.half, half.offset);
  EXPECT_EQ(check.log_offset, half.log);
  EXPECT_EQ(check.message_id, "A");
  EXPECT_EQ(check.transaction_id, "A");
  EXPECT_EQ(property(check, "TRANSACTION_CHECK_TIMES"), "1");
}

TEST_F(TransactionCheckerTest, AsksAgainAfterTheInterval) {
  connect_producer(1);
  send_half("A");
  pass(6'000);
  pass(29'999);
  EXPECT_EQ(asked.size(), 1U);
  pass(1);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(property(asked[1].second, "TRANSACTION_CHECK_TIMES"), "2");
  EXPECT_EQ(store.count(model::topic::kHalf, 0), 1U) << "a check stores nothing";
}

TEST_F(TransactionCheckerTest, DecidedOnesAreNotAskedAbout) {
  connect_producer(1);
  const Half a = send_half("A");
  const Half b = send_half("B");
  end(a, Verdict::kCommit);
  pass(6'000);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].second.half, b.offset);
  end(b, Verdict::kRollback);
  pass(30'000);
  EXPECT_EQ(asked.size(), 1U);
  EXPECT_EQ(life->checker.waiting(), 0U);
}

// #8311 / R43: a round in which a half message is immune is no check.
TEST_F(TransactionCheckerTest, ImmunityIsNotCounted) {
  switches.transaction_check_max = 2;
  connect_producer(1);
  send_half("A", "CHECK_IMMUNITY_TIME_IN_SECONDS=600");
  for (int i = 0; i < 19; ++i) pass(30'000);
  EXPECT_TRUE(asked.empty());
  pass(30'000);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(property(asked[0].second, "TRANSACTION_CHECK_TIMES"), "1");
  EXPECT_EQ(discarded(), 0U);
}

TEST_F(TransactionCheckerTest, ImmuneOnesDoNotHoldUpTheOthers) {
  connect_producer(1);
  send_half("A", "CHECK_IMMUNITY_TIME_IN_SECONDS=600");
  const Half b = send_half("B");
  pass(6'000);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].second.half, b.offset);
}

TEST_F(TransactionCheckerTest, WaitsForAClientOfTheGroupWithoutCounting) {
  switches.transaction_check_max = 1;
  connect_producer(1, "others");
  send_half("A");
  for (int i = 0; i < 10; ++i) pass(30'000);
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(discarded(), 0U);
  connect_producer(2);
  pass(200);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].first, ChannelId{2});
}

// What waits for a client, for its immunity or for an answer is not read again and again.
TEST_F(TransactionCheckerTest, WaitingCostsNoReads) {
  send_half("A");
  send_half("B", "CHECK_IMMUNITY_TIME_IN_SECONDS=3000");
  pass(6'000);
  const int reads = store.reads;
  for (int i = 0; i < 100; ++i) pass(200);
  EXPECT_EQ(store.reads, reads);
  connect_producer(1);
  pass(200);
  EXPECT_EQ(asked.size(), 1U);
  const int asked_reads = store.reads;
  EXPECT_LE(asked_reads, reads + 1);
  for (int i = 0; i < 100; ++i) pass(200);
  EXPECT_EQ(store.reads, asked_reads);
}

TEST_F(TransactionCheckerTest, AnotherClientOfTheGroupIsAskedWhenTheFirstIsGone) {
  connect_producer(1);
  send_half("A");
  clients.connection_closed(ChannelId{1});
  connect_producer(2);
  pass(6'000);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].first, ChannelId{2});
}

TEST_F(TransactionCheckerTest, ClientsTakeTurns) {
  connect_producer(1);
  connect_producer(2);
  for (int i = 0; i < 4; ++i) send_half("K" + std::to_string(i));
  pass(6'000);
  ASSERT_EQ(asked.size(), 4U);
  EXPECT_NE(asked[0].first, asked[1].first);
  EXPECT_EQ(asked[0].first, asked[2].first);
}

TEST_F(TransactionCheckerTest, AsksAgainAfterARestart) {
  send_half("A");
  const Half b = send_half("B");
  end(b, Verdict::kCommit);
  restart();
  connect_producer(7);
  pass(6'000);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].second.half, 0);
}

TEST_F(TransactionCheckerTest, OneGroupHasABoundedNumberOfQuestions) {
  connect_producer(1);
  connect_producer(2, "other");
  for (int i = 0; i < 1'500; ++i) send_half("K" + std::to_string(i));
  for (int i = 0; i < 10; ++i) pass(i == 0 ? 6'000 : 200);
  EXPECT_EQ(asked.size(), 1'000U);
  for (int i = 0; i < 300; ++i) life->checker.answered("pg", i);
  for (int i = 0; i < 5; ++i) pass(200);
  EXPECT_EQ(asked.size(), 1'300U);
}

TEST_F(TransactionCheckerTest, QuestionsToAClientThatIsGoneDoNotHoldUpTheOthers) {
  connect_producer(1);
  for (int i = 0; i < 1'500; ++i) send_half("K" + std::to_string(i));
  for (int i = 0; i < 5; ++i) pass(i == 0 ? 6'000 : 200);
  EXPECT_EQ(asked.size(), 1'000U);
  clients.connection_closed(ChannelId{1});
  connect_producer(2);
  for (int i = 0; i < 5; ++i) pass(200);
  EXPECT_EQ(asked.size(), 1'500U);
}

TEST_F(TransactionCheckerTest, DiscardsWhatWasAskedAboutTooOften) {
  switches.transaction_check_max = 3;
  connect_producer(1);
  const Half half = send_half("A", "TAGS=t");
  discard_all();
  EXPECT_EQ(asked.size(), 3U);
  ASSERT_EQ(discarded(), 1U);
  const auto record = store.record(model::topic::kTransCheckMax, 0, 0);
  EXPECT_EQ(property_of(record, "REAL_TOPIC"), "T");
  EXPECT_EQ(property_of(record, "TRANSACTION_CHECK_TIMES"), "3");
  EXPECT_EQ(property_of(record, "ONCE_HALF_OFFSET"), std::to_string(half.offset));
  EXPECT_FALSE(life->transactions.index().is_open(half.offset));
  discard_all();
  EXPECT_EQ(discarded(), 1U);
  ASSERT_EQ(life->transactions.listing().discarded(0, 10).rows.size(), 1U);
  EXPECT_EQ(life->transactions.listing().discarded(0, 10).rows[0].half, half.offset);
  EXPECT_TRUE(life->transactions.listing().open(0, 10).rows.empty());
}

// exactly-once.md §6 trap 8: commit after discard.
TEST_F(TransactionCheckerTest, LateVerdictDecidesADiscardedOneOnce) {
  switches.transaction_check_max = 1;
  connect_producer(1);
  const Half half = send_half("A");
  discard_all();
  ASSERT_EQ(discarded(), 1U);
  EXPECT_EQ(end(half, Verdict::kCommit), kOk);
  EXPECT_EQ(end(half, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
  EXPECT_EQ(resume(0), Errc::kInvalidArgument);
  EXPECT_TRUE(life->transactions.listing().discarded(0, 10).rows.empty());
  restart();
  EXPECT_EQ(end(half, Verdict::kRollback), Errc::kInvalidArgument);
}

TEST_F(TransactionCheckerTest, ResumedOneIsAskedAboutAgainAndOnlyOnce) {
  switches.transaction_check_max = 2;
  connect_producer(1);
  const Half half = send_half("A");
  discard_all();
  asked.clear();
  EXPECT_EQ(resume(0), kOk);
  EXPECT_EQ(resume(0), kOk) << "the same order again changes nothing";
  EXPECT_EQ(store.count(model::topic::kHalf, 0), 2U);
  EXPECT_EQ(end(half, Verdict::kCommit), Errc::kInvalidArgument);
  pass(6'000);
  ASSERT_EQ(asked.size(), 1U);
  const TransactionCheck& check = asked[0].second;
  EXPECT_EQ(property(check, "TRANSACTION_CHECK_TIMES"), "1");
  EXPECT_EQ(end({check.half, check.log_offset, "A"}, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
  restart();
  EXPECT_EQ(resume(0), kOk);
  EXPECT_EQ(store.count(model::topic::kHalf, 0), 2U);
}

TEST_F(TransactionCheckerTest, OperatorDecidesADiscardedOneWhoseHalfMessageIsGone) {
  switches.transaction_check_max = 1;
  connect_producer(1);
  const Half half = send_half("A");
  send_half("B", "CHECK_IMMUNITY_TIME_IN_SECONDS=6000");
  discard_all();
  store.fake(model::topic::kHalf, 0).cut(1);
  TransactionBatch verdicts;
  EXPECT_EQ(finish(life->transactions.stage(half.offset, Verdict::kCommit, verdicts), verdicts),
            kOk);
  ASSERT_EQ(visible(), 1U);
  EXPECT_EQ(as_text(store.record("T", 1, 0).body), "body of A");
}

TEST_F(TransactionCheckerTest, OldOnesAreDiscardedEvenWithoutAClient) {
  options.file_reserved_hours = 1;
  send_half("A");
  pass(30'000);
  EXPECT_EQ(discarded(), 0U);
  pass(3'600'000);
  EXPECT_EQ(discarded(), 1U);
}

TEST_F(TransactionCheckerTest, DiscardThatIsRefusedIsTriedAgain) {
  switches.transaction_check_max = 1;
  connect_producer(1);
  send_half("A");
  pass(6'000);
  store.refuses = Error{Errc::kNotWritable, "disk full"};
  pass(30'000);
  EXPECT_EQ(discarded(), 0U);
  store.refuses.reset();
  pass(30'000);
  EXPECT_EQ(discarded(), 1U);
}

// R40: a poison half message does not starve the others.
TEST_F(TransactionCheckerTest, PoisonHalfMessageIsClosedAndPassed) {
  connect_producer(1);
  store::AppendItem item;
  item.message.topic = model::topic::kHalf;
  item.message.body = as_bytes("x");
  item.message.born_host = options.address;
  item.message.store_host = options.address;
  item.queue = topics.find(model::topic::kHalf)->queue(0);
  ASSERT_TRUE(store.append(std::span(&item, 1)).has_value());
  store.write_out();
  const Half half = send_half("A");
  pass(6'000);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].second.half, half.offset);
  EXPECT_FALSE(life->transactions.index().is_open(0));
}

TEST_F(TransactionCheckerTest, HalfMessagesThatRetentionTookArePassed) {
  connect_producer(1);
  send_half("A");
  const Half b = send_half("B");
  store.fake(model::topic::kHalf, 0).cut(1);
  pass(6'000);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].second.half, b.offset);
}

TEST_F(TransactionCheckerTest, ApachesChecksAreCountedOn) {
  switches.transaction_check_max = 5;
  connect_producer(1);
  send_half("A", "TRANSACTION_CHECK_TIMES=4");
  pass(6'000);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(property(asked[0].second, "TRANSACTION_CHECK_TIMES"), "5");
  pass(30'000);
  EXPECT_EQ(discarded(), 1U);
}

TEST_F(TransactionCheckerTest, CopyOfADecidedImmuneMessageIsClosed) {
  connect_producer(1);
  const Half first = send_half("A");
  end(first, Verdict::kCommit);
  const Half copy = send_half("A", "TRAN_PREPARED_QUEUE_OFFSET=" + std::to_string(first.offset));
  pass(6'000);
  EXPECT_TRUE(asked.empty());
  EXPECT_FALSE(life->transactions.index().is_open(copy.offset));
}

TEST_F(TransactionCheckerTest, ClockThatIsSetBackDelaysNobodyForLong) {
  connect_producer(1);
  send_half("A");
  send_half("B");
  send_half("C", "CHECK_IMMUNITY_TIME_IN_SECONDS=20");
  clock.jump_ms(-3'600'000);
  pass(1);
  pass(5'999);
  EXPECT_EQ(asked.size(), 0U);
  pass(1);
  EXPECT_EQ(asked.size(), 2U);
  pass(14'000);
  EXPECT_EQ(asked.size(), 3U);
}

TEST_F(TransactionCheckerTest, ClockThatIsSetForwardDoesNotShortenTheInterval) {
  connect_producer(1);
  send_half("A");
  pass(6'000);
  ASSERT_EQ(asked.size(), 1U);
  clock.jump_ms(3'600'000);
  pass(29'000);
  EXPECT_EQ(asked.size(), 1U);
  pass(1'000);
  EXPECT_EQ(asked.size(), 2U);
}

}  // namespace
}  // namespace oncemq::broker
