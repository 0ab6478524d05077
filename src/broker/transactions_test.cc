#include "broker/transactions.h"

#include <gtest/gtest.h>

#include "broker/transaction_fixture.h"
#include "model/group.h"

namespace oncemq::broker {
namespace {

struct TransactionsTest : ::testing::Test, TransactionNouns {
  void save() {
    clock.advance_ms(60'000);
    life->transactions.tick();
  }
  std::int64_t published(std::string_view topic) {
    return offsets.query(model::group::kTransaction, topic, 0)
        .value_or(model::ConsumeOffset{-1})
        .value;
  }
  // A committed message without its op record: what a crash leaves of a cut batch.
  void append_torn(const Half& half) {
    const auto span = store.read_record({half.log});
    const auto record = model::decode_record(span->bytes, model::Verify::kFull)->record;
    store::AppendItem item;
    Arena arena;
    ASSERT_TRUE(make_committed(*read_half(record), *topics.find("T"), item, arena).has_value());
    ASSERT_TRUE(store.append(std::span(&item, 1)).has_value());
    store.write_out();
  }
  // As an Apache broker writes it: without our letters.
  void append_foreign_op(std::string_view body) {
    const std::string properties = pairs("TAGS=d");
    store::AppendItem item;
    item.message.topic = model::topic::kHalfOp;
    item.message.body = as_bytes(body);
    item.message.properties = properties;
    item.message.born_host = options.address;
    item.message.store_host = options.address;
    item.queue = &store.queue(model::topic::kHalfOp, 0);
    ASSERT_TRUE(store.append(std::span(&item, 1)).has_value());
    store.write_out();
  }
};

TEST_F(TransactionsTest, CommitMakesTheMessageVisibleWithItsOpRecord) {
  const Half half = send_half("A");
  EXPECT_EQ(visible(), 0U);
  EXPECT_EQ(end(half, Verdict::kCommit), kOk);
  ASSERT_EQ(visible(), 1U);
  const auto record = store.record("T", 1, 0);
  EXPECT_EQ(as_text(record.body), "body of A");
  EXPECT_EQ(record.prepared_transaction_offset.value, half.log);
  ASSERT_EQ(ops(), 1U);
  const auto op = store.record(model::topic::kHalfOp, 0, 0);
  EXPECT_EQ(as_text(op.body), "0,");
  EXPECT_GT(op.log_offset.value, record.log_offset.value);
}

TEST_F(TransactionsTest, RollbackIsOnlyAnOpRecord) {
  EXPECT_EQ(end(send_half("A"), Verdict::kRollback), kOk);
  EXPECT_EQ(visible(), 0U);
  EXPECT_EQ(ops(), 1U);
}

// exactly-once.md §6 trap 14, R41.
TEST_F(TransactionsTest, TheSameVerdictAgainIsTheSameSuccess) {
  const Half a = send_half("A");
  const Half b = send_half("B");
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(end(a, Verdict::kCommit), kOk);
    EXPECT_EQ(end(b, Verdict::kRollback), kOk);
  }
  EXPECT_EQ(visible(), 1U);
  EXPECT_EQ(ops(), 2U);
}

TEST_F(TransactionsTest, TheOppositeVerdictIsRefusedAndSaysWhichStands) {
  const Half a = send_half("A");
  const Half b = send_half("B");
  EXPECT_EQ(end(a, Verdict::kCommit), kOk);
  EXPECT_EQ(end(b, Verdict::kRollback), kOk);
  EXPECT_EQ(end(a, Verdict::kRollback), Errc::kInvalidArgument);
  TransactionBatch verdicts;
  const auto staged = life->transactions.stage(request_of(b, Verdict::kCommit), verdicts);
  ASSERT_TRUE(staged.has_value());
  life->transactions.commit(verdicts);
  EXPECT_EQ(verdicts.outcome(*staged).error->code, Errc::kInvalidArgument);
  EXPECT_NE(verdicts.outcome(*staged).error->message.find("rolled back"), std::string::npos);
  EXPECT_EQ(visible(), 1U);
}

// R41: check-COMMIT racing producer-COMMIT, in one batch.
TEST_F(TransactionsTest, VerdictsOfOneBatchCommitOnce) {
  const Half half = send_half("A");
  TransactionBatch verdicts;
  ASSERT_TRUE(life->transactions.stage(request_of(half, Verdict::kCommit), verdicts).has_value());
  ASSERT_TRUE(life->transactions.stage(request_of(half, Verdict::kCommit), verdicts).has_value());
  ASSERT_TRUE(life->transactions.stage(request_of(half, Verdict::kRollback), verdicts).has_value());
  life->transactions.commit(verdicts);
  EXPECT_FALSE(verdicts.outcome(0).error.has_value());
  EXPECT_FALSE(verdicts.outcome(1).error.has_value());
  EXPECT_EQ(verdicts.outcome(1).end, store.marks().appended());
  EXPECT_EQ(verdicts.outcome(2).error->code, Errc::kInvalidArgument);
  EXPECT_EQ(visible(), 1U);
}

// J14: a request must name exactly one half message.
TEST_F(TransactionsTest, ForgedAndMixedUpRequestsAreRefused) {
  const Half a = send_half("A");
  const Half b = send_half("B");
  send("T", "plain", {}, 1);
  const std::size_t before = visible();
  const auto refused = [&](auto change) {
    EndTransaction request = request_of(a, Verdict::kCommit);
    change(request);
    return end(request);
  };
  EXPECT_EQ(refused([&](auto& r) { r.log = {b.log}; }), Errc::kMessageNotFound);
  EXPECT_EQ(refused([&](auto& r) { r.half = {b.offset}; }), Errc::kMessageNotFound);
  EXPECT_EQ(refused([&](auto& r) { r.group = "others"; }), Errc::kMessageNotFound);
  EXPECT_EQ(refused([&](auto& r) { r.transaction_id = "B"; }), Errc::kMessageNotFound);
  EXPECT_EQ(refused([&](auto& r) { r.message_id = "B"; }), Errc::kMessageNotFound);
  EXPECT_EQ(refused([&](auto& r) { r.log = {a.log + 1}; }), Errc::kMessageNotFound);
  const auto plain = store.record("T", 1, 0);
  EXPECT_EQ(refused([&](auto& r) {
              r.log = plain.log_offset;
              r.half = plain.queue_offset;
            }),
            Errc::kMessageNotFound);
  EXPECT_EQ(visible(), before);
  EXPECT_EQ(refused([](auto& r) { r.transaction_id = {}; }), kOk);
}

TEST_F(TransactionsTest, RefusedAppendDecidesNothing) {
  const Half half = send_half("A");
  store.append_errors.push_back({Errc::kNotWritable, "disk full"});
  EXPECT_EQ(end(half, Verdict::kCommit), Errc::kNotWritable);
  EXPECT_TRUE(life->transactions.index().is_open(half.offset));
  EXPECT_EQ(visible(), 0U);
  EXPECT_EQ(end(half, Verdict::kRollback), kOk);
}

TEST_F(TransactionsTest, FullStagingIsTriedAgain) {
  const Half half = send_half("A");
  store.append_errors.push_back({Errc::kBusy, "staging is full"});
  EXPECT_EQ(end(half, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
}

TEST_F(TransactionsTest, OneBadMessageDoesNotSpoilTheOthers) {
  const Half a = send_half("A");
  const Half b = send_half("a longer one");
  store.body_limit = std::string_view("body of A").size();
  TransactionBatch verdicts;
  ASSERT_TRUE(life->transactions.stage(request_of(a, Verdict::kCommit), verdicts).has_value());
  ASSERT_TRUE(life->transactions.stage(request_of(b, Verdict::kCommit), verdicts).has_value());
  life->transactions.commit(verdicts);
  EXPECT_FALSE(verdicts.outcome(0).error.has_value());
  EXPECT_EQ(verdicts.outcome(1).error->code, Errc::kMessageIllegal);
  EXPECT_EQ(visible(), 1U);
  EXPECT_TRUE(life->transactions.index().is_open(b.offset));
}

TEST_F(TransactionsTest, ManyVerdictsShareOpRecords) {
  std::vector<Half> halves;
  for (int i = 0; i < 400; ++i) halves.push_back(send_half("K" + std::to_string(i)));
  TransactionBatch verdicts;
  for (const Half& half : halves)
    ASSERT_TRUE(life->transactions.stage(request_of(half, Verdict::kCommit), verdicts).has_value());
  life->transactions.commit(verdicts);
  EXPECT_EQ(visible(), 400U);
  EXPECT_EQ(ops(), 3U);
}

TEST_F(TransactionsTest, MessageOfADeletedTopicStaysHalf) {
  make_topic("gone");
  const Half half = send_half("A", {}, "gone");
  ASSERT_TRUE(topics.remove("gone").has_value());
  EXPECT_EQ(end(half, Verdict::kCommit), Errc::kTopicNotFound);
  EXPECT_TRUE(life->transactions.index().is_open(half.offset));
  EXPECT_EQ(end(half, Verdict::kRollback), kOk);
}

TEST_F(TransactionsTest, DelayBeginsWithTheCommit) {
  const Half half = send_half("A", "DELAY=2");
  EXPECT_EQ(store.count(model::topic::kSchedule, 1), 0U);
  EXPECT_EQ(end(half, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 0U);
  ASSERT_EQ(store.count(model::topic::kSchedule, 1), 1U);
  clock.advance_ms(5'000);
  schedule.tick();
  EXPECT_EQ(visible(), 1U);
}

// ---- restarts

TEST_F(TransactionsTest, VerdictsSurviveARestartWithoutTheIndex) {
  const Half a = send_half("A");
  const Half b = send_half("B");
  const Half c = send_half("C");
  end(a, Verdict::kCommit);
  end(b, Verdict::kRollback);
  restart();
  EXPECT_EQ(end(a, Verdict::kCommit), kOk);
  EXPECT_EQ(end(a, Verdict::kRollback), Errc::kInvalidArgument);
  EXPECT_EQ(end(b, Verdict::kCommit), Errc::kInvalidArgument);
  EXPECT_EQ(end(b, Verdict::kRollback), kOk);
  EXPECT_EQ(end(c, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 2U);
}

TEST_F(TransactionsTest, VerdictsSurviveARestartWithTheIndex) {
  const Half a = send_half("A");
  const Half b = send_half("B");
  const Half c = send_half("C");
  end(b, Verdict::kRollback);
  life->transactions.index().set_checks(c.offset, 2);
  save();
  end(a, Verdict::kCommit);  // only in the log
  restart();
  EXPECT_EQ(end(a, Verdict::kRollback), Errc::kInvalidArgument);
  EXPECT_EQ(end(b, Verdict::kCommit), Errc::kInvalidArgument);
  EXPECT_EQ(life->transactions.index().checks(c.offset), 2);
  EXPECT_EQ(life->transactions.index().next_open(0), c.offset);
}

TEST_F(TransactionsTest, OrderlyStopSavesEverything) {
  const Half a = send_half("A");
  end(a, Verdict::kCommit);
  stop();
  EXPECT_EQ(published(model::topic::kHalf), 1);
  EXPECT_EQ(published(model::topic::kHalfOp), 1);
  restart();
  EXPECT_EQ(end(a, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
}

// The batch [message][op record] was cut behind the message.
TEST_F(TransactionsTest, CutBatchIsHealedAtStart) {
  const Half other = send_half("before");
  end(other, Verdict::kRollback);
  const Half a = send_half("A");
  append_torn(a);
  const std::size_t before = ops();
  restart();
  EXPECT_EQ(ops(), before + 1);
  EXPECT_EQ(end(a, Verdict::kCommit), kOk);
  EXPECT_EQ(end(a, Verdict::kRollback), Errc::kInvalidArgument);
  EXPECT_EQ(visible(), 1U);
  restart();
  EXPECT_EQ(ops(), before + 1);
}

TEST_F(TransactionsTest, CutFirstBatchOfAllIsHealedToo) {
  const Half a = send_half("A");
  append_torn(a);
  restart();
  EXPECT_EQ(ops(), 1U);
  EXPECT_EQ(end(a, Verdict::kRollback), Errc::kInvalidArgument);
}

TEST_F(TransactionsTest, CutBatchBehindASavedIndexIsHealed) {
  const Half a = send_half("A");
  const Half b = send_half("B");
  end(b, Verdict::kRollback);
  save();
  append_torn(a);
  restart();
  EXPECT_EQ(end(a, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
}

TEST_F(TransactionsTest, GivenBackCopyOfACommittedMessageHealsNothing) {
  const Half a = send_half("A");
  const Half b = send_half("B");
  end(a, Verdict::kCommit);
  save();
  // Keeps the flag of the commit, but not where it came from: offset 0 is A's half message.
  const std::string properties = pairs("UNIQ_KEY=X");
  store::AppendItem item;
  item.message.topic = "T";
  item.message.queue_id = 1;
  item.message.sys_flag = model::sysflag::kTransactionCommit;
  item.message.properties = properties;
  item.message.body = as_bytes("x");
  item.message.born_host = options.address;
  item.message.store_host = options.address;
  item.queue = topics.find("T")->queue(1);
  ASSERT_TRUE(store.append(std::span(&item, 1)).has_value());
  store.write_out();
  const std::size_t before = ops();
  restart();
  EXPECT_EQ(ops(), before);
  EXPECT_TRUE(life->transactions.index().is_open(b.offset));
}

TEST_F(TransactionsTest, IndexIsNotSavedAheadOfTheDisk) {
  const Half a = send_half("A");
  store.autocommit = false;
  end(a, Verdict::kCommit);
  store.flush();
  save();
  EXPECT_EQ(published(model::topic::kHalf), -1);
  EXPECT_FALSE(disk.stat("once/transactions/state.json").has_value());
  store.sync();
  life->transactions.tick();
  EXPECT_EQ(published(model::topic::kHalf), 1);
  EXPECT_TRUE(disk.stat("once/transactions/state.json").has_value());
}

TEST_F(TransactionsTest, IndexOfAnotherLogIsNotUsed) {
  const Half a = send_half("A");
  end(a, Verdict::kCommit);
  save();
  // The folder was restored: the log is shorter than the index says.
  ASSERT_TRUE(disk.remove("once/transactions/state.json").has_value());
  restart();
  EXPECT_EQ(end(a, Verdict::kRollback), Errc::kInvalidArgument);
}

TEST_F(TransactionsTest, ProgressStopsAtTheFirstOpenOne) {
  const Half a = send_half("A");
  const Half b = send_half("B");
  const Half c = send_half("C");
  end(a, Verdict::kCommit);
  end(c, Verdict::kCommit);
  save();
  EXPECT_EQ(published(model::topic::kHalf), b.offset);
  EXPECT_EQ(published(model::topic::kHalfOp), 1);  // the record that closes C is still needed
  restart();
  end(send_half("D"), Verdict::kCommit);
  save();
  EXPECT_EQ(published(model::topic::kHalfOp), 1);
  end(b, Verdict::kCommit);
  save();
  EXPECT_EQ(published(model::topic::kHalf), 4);
  EXPECT_EQ(published(model::topic::kHalfOp), 4);
}

// ---- folders of an Apache broker

TEST_F(TransactionsTest, WhatApacheClosedIsNotDecidedAgain) {
  const Half a = send_half("A");
  const Half b = send_half("B");
  append_foreign_op("0,");
  restart();
  EXPECT_EQ(end(a, Verdict::kCommit), Errc::kInvalidArgument);
  EXPECT_EQ(end(a, Verdict::kRollback), Errc::kInvalidArgument);
  EXPECT_EQ(end(b, Verdict::kCommit), kOk);
}

TEST_F(TransactionsTest, WhatApacheCommittedIsFoundByItsKey) {
  const Half a = send_half("A");
  end(send_half("B"), Verdict::kCommit);
  append_torn(a);
  append_foreign_op("0,");
  restart();
  EXPECT_EQ(end(a, Verdict::kCommit), kOk);
  EXPECT_EQ(end(a, Verdict::kRollback), Errc::kInvalidArgument);
  EXPECT_EQ(visible(), 2U);
}

// #10199: Apache's op record was still in memory when it died, later ones are in the log.
TEST_F(TransactionsTest, CommitWithoutOpRecordIsFoundByItsKey) {
  const Half a = send_half("A");
  const Half b = send_half("B");
  append_torn(a);
  append_foreign_op("1,");
  restart();
  EXPECT_TRUE(life->transactions.index().is_open(a.offset));
  EXPECT_EQ(end(a, Verdict::kRollback), Errc::kInvalidArgument);
  EXPECT_EQ(end(a, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
  EXPECT_EQ(end(b, Verdict::kCommit), Errc::kInvalidArgument);
}

// An Apache broker stores a half message again with each check; when it dies early, nothing says
// that the copies are one transaction.
TEST_F(TransactionsTest, CopiesOfOneHalfMessageCommitOnce) {
  const Half first = send_half("A");
  const Half copy = send_half("A", "TRANSACTION_CHECK_TIMES=1");
  append_torn(copy);
  append_foreign_op("1,");
  restart();
  EXPECT_TRUE(life->transactions.index().is_open(first.offset));
  EXPECT_EQ(end(first, Verdict::kCommit), kOk);
  EXPECT_EQ(end(first, Verdict::kRollback), Errc::kInvalidArgument);
  EXPECT_EQ(visible(), 1U);
}

TEST_F(TransactionsTest, CopiesOfOneHalfMessageCommitOnceBeforeTheKeyIndexKnows) {
  const Half first = send_half("A");
  const Half copy = send_half("A", "TRANSACTION_CHECK_TIMES=1");
  const Half other = send_half("B");
  restart();
  store.hides_keys = true;
  store.append_errors.push_back({Errc::kNotWritable, "disk full"});
  EXPECT_EQ(end(copy, Verdict::kCommit), Errc::kNotWritable);
  EXPECT_EQ(end(copy, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
  EXPECT_EQ(end(first, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
  EXPECT_EQ(end(other, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 2U);
}

// The application sent one Message object twice.
TEST_F(TransactionsTest, SecondSendOfTheSameMessageIsAnotherTransaction) {
  const Half first = send_half("A");
  born_ms += 1;
  const Half second = send_half("A");
  restart();
  EXPECT_EQ(end(first, Verdict::kCommit), kOk);
  EXPECT_EQ(end(second, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 2U);
}

TEST_F(TransactionsTest, WhatApachesProgressPassedIsClosed) {
  const Half a = send_half("A");
  const Half b = send_half("B");
  ASSERT_TRUE(offsets.commit(model::group::kTransaction, model::topic::kHalf, 0, {1}).has_value());
  restart();
  EXPECT_EQ(end(a, Verdict::kCommit), Errc::kInvalidArgument);
  EXPECT_EQ(life->transactions.index().next_open(0), b.offset);
}

TEST_F(TransactionsTest, ApachesProgressBeyondOursClosesWhatWeHadOpen) {
  const Half a = send_half("A");
  end(send_half("B"), Verdict::kCommit);
  save();
  EXPECT_EQ(published(model::topic::kHalf), a.offset);
  send_half("A again");  // Apache's check stored it again
  ASSERT_TRUE(offsets.commit(model::group::kTransaction, model::topic::kHalf, 0, {2}).has_value());
  restart();
  EXPECT_EQ(end(a, Verdict::kCommit), Errc::kInvalidArgument);
  EXPECT_EQ(life->transactions.index().next_open(0), 2);
}

// ---- operators

TEST_F(TransactionsTest, OpenOnesAreListedInPages) {
  for (int i = 0; i < 5; ++i) send_half("K" + std::to_string(i));
  end({1, store.record(model::topic::kHalf, 0, 1).log_offset.value, "K1"}, Verdict::kCommit);
  auto page = life->transactions.listing().open(0, 3);
  ASSERT_EQ(page.rows.size(), 3U);
  EXPECT_EQ(page.rows[0].transaction_id, "K0");
  EXPECT_EQ(page.rows[0].topic, "T");
  EXPECT_EQ(page.rows[0].queue_id, 1);
  EXPECT_EQ(page.rows[0].group, "pg");
  EXPECT_EQ(page.rows[1].transaction_id, "K2");
  EXPECT_EQ(page.next, 4);
  page = life->transactions.listing().open(page.next, 3);
  EXPECT_EQ(page.rows.size(), 1U);
  EXPECT_EQ(page.next, -1);
}

TEST_F(TransactionsTest, OperatorDecidesByOffset) {
  const Half a = send_half("A");
  TransactionBatch verdicts;
  EXPECT_EQ(finish(life->transactions.stage(a.offset, Verdict::kCommit, verdicts), verdicts), kOk);
  EXPECT_EQ(visible(), 1U);
  verdicts.clear();
  EXPECT_EQ(finish(life->transactions.stage(a.offset, Verdict::kRollback, verdicts), verdicts),
            Errc::kInvalidArgument);
  verdicts.clear();
  EXPECT_EQ(finish(life->transactions.stage(99, Verdict::kRollback, verdicts), verdicts),
            Errc::kMessageNotFound);
}

TEST_F(TransactionsTest, NothingIsDecidedBeforeTheStart) {
  const Half a = send_half("A");
  life = std::make_unique<Life>(*this);
  EXPECT_EQ(end(a, Verdict::kCommit), Errc::kNotReady);
}

}  // namespace
}  // namespace oncemq::broker
