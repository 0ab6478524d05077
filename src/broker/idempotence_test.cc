#include "broker/idempotence.h"

#include <deque>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "broker/transaction_fixture.h"
#include "os/failing_disk.h"

namespace oncemq::broker {
namespace {

class IdempotenceTest : public ::testing::Test, protected TransactionNouns {
 protected:
  IdempotenceTest() { set("+idempotent.key=UNIQ_KEY,+idempotent.window=60s"); }

  // Changes the topic's attributes; the service thread sees it.
  void set(std::string_view changes, std::string_view topic = "T") {
    model::TopicConfig config = topics.config(topic).value();
    config.attributes = parse_attribute_changes(changes).value();
    const Status updated = topics.update(config);
    ASSERT_TRUE(updated.has_value()) << updated.error().message;
    idempotence.tick();
  }
  static std::string key(std::string_view id) { return pairs("UNIQ_KEY=" + std::string(id)); }
  // All texts of a test live as long as the test.
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  SendRequest keyed(std::string_view id, std::string_view body, std::int32_t queue_id = 0) {
    return request("T", body, keep(key(id)), queue_id);
  }
  // One tick with these requests.
  std::vector<SendOutcome> tick(std::vector<SendRequest> requests) {
    batch.clear();
    std::vector<std::size_t> numbers;
    for (const SendRequest& wanted : requests) {
      auto staged = sender.stage(wanted, batch);
      EXPECT_TRUE(staged.has_value()) << staged.error().message;
      numbers.push_back(staged.value_or(0));
    }
    sender.commit(batch);
    std::vector<SendOutcome> outcomes;
    for (const std::size_t number : numbers) outcomes.push_back(batch.outcome(number));
    return outcomes;
  }
  SendOutcome send_one(const SendRequest& wanted) { return tick({wanted}).front(); }
  SendOutcome send_one(std::string_view id, std::string_view body = "body") {
    return send_one(keyed(id, body));
  }
  std::size_t stored() {
    return store.count("T", 0) + store.count("T", 1) + store.count("T", 2) + store.count("T", 3);
  }
  std::uint64_t total(Repeat repeat) const { return idempotence.report().total(repeat); }

  void expect_same_place(const SendOutcome& duplicate, const SendOutcome& original) {
    ASSERT_FALSE(duplicate.error.has_value()) << duplicate.error->message;
    EXPECT_EQ(duplicate.queue_id, original.queue_id);
    ASSERT_EQ(duplicate.items.size(), original.items.size());
    for (std::size_t i = 0; i < original.items.size(); ++i) {
      EXPECT_EQ(duplicate.items[i].result.log_offset, original.items[i].result.log_offset);
      EXPECT_EQ(duplicate.items[i].result.queue_offset, original.items[i].result.queue_offset);
    }
  }

 private:
  std::deque<std::string> texts_;
};

TEST_F(IdempotenceTest, SecondSendIsAnsweredAsTheFirst) {
  SendBatch first;
  auto staged = sender.stage(keyed("U", "body", 2), first);
  sender.commit(first);
  const SendOutcome original = first.outcome(*staged);
  EXPECT_EQ(original.duplicates, 0);
  send_one("other");
  // Another queue: the client's selector chose anew.
  const SendOutcome duplicate = send_one(keyed("U", "body", 1));
  expect_same_place(duplicate, original);
  EXPECT_EQ(duplicate.duplicates, 1);
  EXPECT_EQ(duplicate.end, original.end);
  EXPECT_EQ(stored(), 2U);
  EXPECT_EQ(total(Repeat::kLeftOut), 1U);
}

TEST_F(IdempotenceTest, ADuplicateOfAMessageThatIsNotCommittedWaitsForIt) {
  store.autocommit = false;
  send_one("U");
  const std::int64_t end = store.marks().appended().value;
  EXPECT_LT(store.marks().committed().value, end);
  EXPECT_EQ(send_one("U").end.value, end);
  EXPECT_EQ(stored(), 1U);
}

TEST_F(IdempotenceTest, TwiceInOneTickIsStoredOnce) {
  const auto outcomes =
      tick({keyed("U", "body", 3), keyed("V", "body"), keyed("U", "body"), keyed("U", "body")});
  EXPECT_EQ(stored(), 2U);
  for (const std::size_t i : {2U, 3U}) {
    expect_same_place(outcomes[i], outcomes[0]);
    EXPECT_EQ(outcomes[i].duplicates, 1);
    EXPECT_EQ(outcomes[i].end, outcomes[0].end);
  }
}

TEST_F(IdempotenceTest, DuplicatesInsideABatchAreLeftOutOneByOne) {
  send_one("A", "a");
  const std::string a = key("A");
  const std::string b = key("B");
  const std::vector<BatchPart> parts = {{.body = as_bytes("b"), .properties = b},
                                        {.body = as_bytes("a"), .properties = a},
                                        {.body = as_bytes("b"), .properties = b}};
  SendRequest wanted = request("T", "all", {}, 0);
  wanted.is_batch = true;
  wanted.parts = parts;
  const SendOutcome outcome = send_one(wanted);
  ASSERT_FALSE(outcome.error.has_value());
  EXPECT_EQ(outcome.duplicates, 2);
  EXPECT_EQ(stored(), 2U);
  ASSERT_EQ(outcome.items.size(), 3U);
  EXPECT_EQ(outcome.items[0].result.queue_offset.value, 1);
  EXPECT_EQ(outcome.items[1].result.queue_offset.value, 0);
  EXPECT_EQ(outcome.items[2].result.log_offset, outcome.items[0].result.log_offset);
  // The whole batch again.
  EXPECT_EQ(send_one(wanted).duplicates, 3);
  EXPECT_EQ(stored(), 2U);
}

TEST_F(IdempotenceTest, AnotherBodyIsStoredOrRefusedButNeverLeftOut) {
  send_one("U", "one");
  EXPECT_EQ(send_one("U", "two").duplicates, 0);
  EXPECT_EQ(stored(), 2U);
  EXPECT_EQ(total(Repeat::kOtherBody), 1U);
  EXPECT_EQ(send_one("U", "two").duplicates, 1);

  set("+idempotent.mismatch=reject");
  const SendOutcome refused = send_one("U", "three");
  ASSERT_TRUE(refused.error.has_value());
  EXPECT_EQ(refused.error->code, Errc::kKeyConflict);
  EXPECT_NE(refused.error->message.find("key U"), std::string::npos);
  // What was refused is no original; what was stored before still is.
  EXPECT_EQ(send_one("U", "three").error->code, Errc::kKeyConflict);
  EXPECT_EQ(send_one("U", "one").duplicates, 1);
  EXPECT_EQ(stored(), 2U);
}

TEST_F(IdempotenceTest, ARefusedMessageRefusesItsBatch) {
  set("+idempotent.mismatch=reject");
  send_one("A", "a");
  const std::string a = key("A");
  const std::string b = key("B");
  const std::vector<BatchPart> parts = {{.body = as_bytes("b"), .properties = b},
                                        {.body = as_bytes("other"), .properties = a}};
  SendRequest wanted = request("T", "all", {}, 0);
  wanted.is_batch = true;
  wanted.parts = parts;
  const auto outcomes = tick({wanted, keyed("B", "b")});
  EXPECT_EQ(outcomes[0].error->code, Errc::kKeyConflict);
  // It counted on the first one's copy.
  EXPECT_EQ(outcomes[1].error->code, Errc::kBusy);
  EXPECT_EQ(stored(), 1U);
  EXPECT_EQ(send_one("B", "b").duplicates, 0);
  EXPECT_EQ(stored(), 2U);
}

TEST_F(IdempotenceTest, ShadowStoresEverythingAndCounts) {
  set("+idempotent.mode=shadow,+idempotent.mismatch=reject");
  tick({keyed("U", "body"), keyed("U", "body")});
  EXPECT_EQ(send_one("U").duplicates, 0);
  EXPECT_FALSE(send_one("U", "other body").error.has_value());
  EXPECT_EQ(stored(), 4U);
  EXPECT_EQ(total(Repeat::kShadowed), 2U);
  EXPECT_EQ(total(Repeat::kOtherBody), 1U);
  EXPECT_EQ(total(Repeat::kLeftOut), 0U);
}

TEST_F(IdempotenceTest, TheReportHasTheLatestOfATopic) {
  const std::int64_t first_ms = clock.wall_ms();
  send_one("U", "one");
  clock.advance_ms(1'000);
  send_one("U", "one");
  send_one("U", "two");
  for (std::size_t i = 0; i < DuplicateReport::kExamples; ++i) send_one(std::string(200, 'k'));
  const DuplicateReport::Topic told = idempotence.report().of("T");
  EXPECT_EQ(told.counts[static_cast<std::size_t>(Repeat::kLeftOut)], DuplicateReport::kExamples);
  EXPECT_EQ(told.counts[static_cast<std::size_t>(Repeat::kOtherBody)], 1U);
  ASSERT_EQ(told.latest.size(), DuplicateReport::kExamples);
  EXPECT_EQ(told.latest.front().key.size(), DuplicateReport::kKeyBytes);
  const auto& other_body = told.latest.back();
  EXPECT_EQ(other_body.repeat, Repeat::kOtherBody);
  EXPECT_FALSE(other_body.original.has_value());
  // A full one gives the oldest away.
  EXPECT_EQ(told.latest[0].repeat, Repeat::kLeftOut);
  ASSERT_TRUE(told.latest[0].original.has_value());
  EXPECT_EQ(told.latest[0].original->time_ms, first_ms + 1'000);
  EXPECT_TRUE(idempotence.report().of("other").latest.empty());
}

TEST_F(IdempotenceTest, SwitchingOffAndOnForgetsNothing) {
  send_one("U");
  set("+idempotent.mode=off");
  EXPECT_EQ(send_one("U").duplicates, 0);
  EXPECT_EQ(stored(), 2U);
  set("+idempotent.mode=enforce");
  EXPECT_EQ(send_one("U").duplicates, 1);
  EXPECT_EQ(stored(), 2U);
}

TEST_F(IdempotenceTest, KeysMayStandInKeysOrAnyProperty) {
  set("+idempotent.key=KEYS");
  const auto with = [&](std::string_view properties) {
    return send_one(request("T", "body", keep(pairs(properties))));
  };
  with("UNIQ_KEY=1;KEYS=order-7");
  EXPECT_EQ(with("UNIQ_KEY=2;KEYS=order-7").duplicates, 1);
  EXPECT_EQ(with("UNIQ_KEY=2;KEYS=order-8").duplicates, 0);
  set("+idempotent.key=property:payment");
  with("UNIQ_KEY=3;payment=p1");
  EXPECT_EQ(with("UNIQ_KEY=4;payment=p1").duplicates, 1);
  EXPECT_EQ(stored(), 3U);
}

TEST_F(IdempotenceTest, MessagesWithoutAKeyAreStored) {
  send_one(request("T", "body"));
  send_one(request("T", "body"));
  EXPECT_EQ(stored(), 2U);
  EXPECT_EQ(total(Repeat::kWithoutKey), 2U);
}

TEST_F(IdempotenceTest, AfterTheWindowItIsANewMessage) {
  send_one("U");
  clock.advance_ms(59'000);
  EXPECT_EQ(send_one("U").duplicates, 1);
  clock.advance_ms(2'000);
  EXPECT_EQ(send_one("U").duplicates, 0);
  EXPECT_EQ(stored(), 2U);
}

TEST_F(IdempotenceTest, TopicsDoNotShareKeys) {
  make_topic("Other");
  set("+idempotent.key=UNIQ_KEY", "Other");
  send_one("U");
  EXPECT_EQ(send_one(request("Other", "body", keep(key("U")))).duplicates, 0);
}

TEST_F(IdempotenceTest, CopiesFromConsumersAreNoSends) {
  ASSERT_TRUE(groups.update({.name = "g"}).has_value());
  const std::string properties = key("U");
  send_one("U");
  SendRequest back = request("%RETRY%g", "body", properties);
  back.reconsume_times = 1;
  EXPECT_EQ(send_one(back).duplicates, 0);
  EXPECT_EQ(send_one(back).duplicates, 0);
  EXPECT_EQ(store.count("%RETRY%g", 0), 2U);
}

TEST_F(IdempotenceTest, ADelayedMessageCountsWhenItIsAccepted) {
  const SendRequest delayed = request("T", "body", keep(pairs("UNIQ_KEY=U;DELAY=2")), 3);
  SendBatch first;
  auto staged = sender.stage(delayed, first);
  sender.commit(first);
  EXPECT_EQ(first.outcome(*staged).queue_id, 3);
  SendRequest again = delayed;
  again.queue_id = 1;
  const SendOutcome duplicate = send_one(again);
  expect_same_place(duplicate, first.outcome(*staged));
  EXPECT_EQ(store.count(model::topic::kSchedule, 1), 1U);
}

TEST_F(IdempotenceTest, ATimersDuplicateIsRecalledWithTheFirstOnesHandle) {
  const SendRequest timer = request("T", "body", keep(pairs("UNIQ_KEY=U;TIMER_DELAY_SEC=100")));
  const std::int64_t out_ms = send_one(timer).timer_out_ms;
  EXPECT_GT(out_ms, 0);
  clock.advance_ms(30'000);
  const SendOutcome duplicate = send_one(timer);
  EXPECT_EQ(duplicate.duplicates, 1);
  EXPECT_EQ(duplicate.timer_out_ms, out_ms);
}

TEST_F(IdempotenceTest, WhatWasNotStoredIsNotRemembered) {
  store.refuses = Error{Errc::kNotWritable, "the disk is full"};
  EXPECT_EQ(send_one("U").error->code, Errc::kNotWritable);
  store.refuses.reset();
  const SendOutcome stored_now = send_one("U");
  EXPECT_FALSE(stored_now.error.has_value());
  EXPECT_EQ(stored_now.duplicates, 0);
  // A duplicate needs no room.
  store.refuses = Error{Errc::kNotWritable, "the disk is full"};
  const auto outcomes = tick({keyed("U", "body"), keyed("V", "body"), keyed("V", "body")});
  EXPECT_EQ(outcomes[0].duplicates, 1);
  EXPECT_FALSE(outcomes[0].error.has_value());
  EXPECT_EQ(outcomes[1].error->code, Errc::kNotWritable);
  EXPECT_EQ(outcomes[2].error->code, Errc::kBusy);
}

TEST_F(IdempotenceTest, ACopyOfARequestThatFailedAloneHasToComeAgain) {
  // The batch as a whole is refused, then the first request by itself, also at its second attempt.
  store.append_errors = {Error{Errc::kBusy, "full"}, Error{Errc::kMessageIllegal, "large"}};
  const auto outcomes = tick({keyed("U", "body"), keyed("V", "body"), keyed("U", "body")});
  EXPECT_EQ(outcomes[0].error->code, Errc::kMessageIllegal);
  EXPECT_FALSE(outcomes[1].error.has_value());
  EXPECT_EQ(outcomes[2].error->code, Errc::kBusy);
  EXPECT_EQ(send_one("U").duplicates, 0);
  EXPECT_EQ(send_one("V").duplicates, 1);
  EXPECT_EQ(stored(), 2U);
}

TEST_F(IdempotenceTest, WhileTheOriginalIsBeingStoredTheSenderTriesAgain) {
  Claims claims;
  const TopicEntry* topic = topics.find("T");
  const std::string properties = key("U");
  ASSERT_TRUE(idempotence.add(*topic, "U", properties, as_bytes("body"), {}, claims).has_value());
  idempotence.decide(claims);
  EXPECT_EQ(send_one("U").error->code, Errc::kBusy);
  EXPECT_EQ(total(Repeat::kUndecided), 1U);
  idempotence.settle(claims);
  EXPECT_EQ(send_one("U").duplicates, 0);
}

TEST_F(IdempotenceTest, SendsWaitUntilThereIsAnIndex) {
  Idempotence late{options, topics, store, disk, clock, random};
  Sender fresh{options, switches, topics, groups, locks, late, store, stats, unique_keys, clock};
  fresh.set_accepting(true);
  EXPECT_EQ(fresh.stage(keyed("U", "body"), batch).error().code, Errc::kBusy);
  EXPECT_EQ(batch.messages(), 0U);
  ASSERT_TRUE(late.start().has_value());
  EXPECT_TRUE(fresh.stage(keyed("U", "body"), batch).has_value());
}

TEST_F(IdempotenceTest, ARestartKnowsWhatSurvived) {
  send_one("U");
  send_one(request("T", "body", keep(pairs("UNIQ_KEY=D;DELAY=2")), 3));
  const auto expect_known = [&](Idempotence& now) {
    ASSERT_TRUE(now.start().has_value());
    Sender fresh{options, switches, topics, groups, locks, now, store, stats, unique_keys, clock};
    fresh.set_accepting(true);
    batch.clear();
    const std::string u = key("U");
    const std::string d = pairs("UNIQ_KEY=D;DELAY=2");
    auto plain = fresh.stage(request("T", "body", u), batch);
    auto delayed = fresh.stage(request("T", "body", d, 1), batch);
    fresh.commit(batch);
    EXPECT_EQ(batch.outcome(*plain).duplicates, 1);
    EXPECT_EQ(batch.outcome(*delayed).duplicates, 1);
    EXPECT_EQ(batch.outcome(*delayed).queue_id, 3);
  };
  {
    // A crash: what the files do not have is in the log.
    Idempotence killed{options, topics, store, disk, clock, random};
    expect_known(killed);
  }
  Idempotence stopped{options, topics, store, disk, clock, random};
  expect_known(stopped);
  // Without its files, from the log alone.
  os::MemoryDisk empty{&clock};
  Idempotence lost{options, topics, store, empty, clock, random};
  expect_known(lost);
  EXPECT_EQ(stored(), 1U);
}

TEST_F(IdempotenceTest, AnIndexThatCannotBeMadeIsTriedAgain) {
  os::MemoryDisk empty{&clock};
  os::FailingDisk failing{empty};
  Idempotence late{options, topics, store, failing, clock, random};
  Claims claims;
  const auto wanted = [&] {
    return late.add(*topics.find("T"), "U", {}, as_bytes("body"), {}, claims);
  };
  failing.inject({.call = os::DiskCall::kMakeDirs, .error = Errc::kNoSpace});
  late.tick();
  EXPECT_EQ(wanted().error().code, Errc::kBusy);
  late.tick();  // too early
  EXPECT_EQ(wanted().error().code, Errc::kBusy);
  clock.advance_ms(10'000);
  late.tick();
  EXPECT_TRUE(wanted().has_value());
  EXPECT_EQ(claims.size(), 1U);
}

TEST_F(IdempotenceTest, AnIndexThatIsSwitchedOnBeginsAtTheLogsEnd) {
  // Nobody asked for this message to be remembered.
  make_topic("Old");
  send("Old", "body", key("U"));
  os::MemoryDisk empty{&clock};
  Idempotence late{options, topics, store, empty, clock, random};
  set("+idempotent.key=UNIQ_KEY", "Old");
  late.tick();
  Claims claims;
  ASSERT_TRUE(late.add(*topics.find("Old"), "U", {}, as_bytes("body"), {}, claims).has_value());
  late.decide(claims);
  EXPECT_EQ(claims[0].decision, Claim::Decision::kStore);
  late.settle(claims);
}

// ---- transactions

TEST_F(IdempotenceTest, TwoHalfMessagesOfOneSendBecomeOneMessage) {
  const Half first = send_half("U");
  const Half second = send_half("U");
  EXPECT_EQ(end(first, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
  EXPECT_EQ(end(second, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
  EXPECT_EQ(total(Repeat::kLeftOut), 1U);
  // Both are decided: also after a restart, and a repeated verdict is no duplicate.
  stop();
  restart();
  EXPECT_EQ(end(second, Verdict::kCommit), kOk);
  EXPECT_EQ(end(second, Verdict::kRollback), Errc::kInvalidArgument);
  EXPECT_EQ(total(Repeat::kLeftOut), 1U);
  EXPECT_EQ(visible(), 1U);
}

TEST_F(IdempotenceTest, AHalfMessageThatWasRolledBackIsNotRemembered) {
  const Half first = send_half("U");
  EXPECT_EQ(end(first, Verdict::kRollback), kOk);
  const Half second = send_half("U");
  EXPECT_EQ(end(second, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
}

TEST_F(IdempotenceTest, TwoCommitsOfOneSendInOneTick) {
  const Half first = send_half("U");
  const Half second = send_half("U");
  TransactionBatch verdicts;
  auto one = life->transactions.stage(request_of(first, Verdict::kCommit), verdicts);
  auto two = life->transactions.stage(request_of(second, Verdict::kCommit), verdicts);
  life->transactions.commit(verdicts);
  EXPECT_FALSE(verdicts.outcome(*one).error.has_value());
  // Nothing was decided: whoever asks again gets it.
  EXPECT_EQ(verdicts.outcome(*two).error->code, Errc::kBusy);
  EXPECT_EQ(end(second, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
}

TEST_F(IdempotenceTest, ACommitThatIsNotStoredIsNotRemembered) {
  const Half half = send_half("U");
  store.append_errors = {Error{Errc::kNotWritable, "the disk is full"}};
  EXPECT_EQ(end(half, Verdict::kCommit), Errc::kNotWritable);
  EXPECT_EQ(end(half, Verdict::kCommit), kOk);
  EXPECT_EQ(visible(), 1U);
}

TEST_F(IdempotenceTest, ACommitWithAnotherBodyIsRefusedWhereTheTopicSaysSo) {
  set("+idempotent.mismatch=reject");
  send_one("U", "another body");
  const Half half = send_half("U");
  EXPECT_EQ(end(half, Verdict::kCommit), Errc::kKeyConflict);
  EXPECT_EQ(end(half, Verdict::kRollback), kOk);
}

}  // namespace
}  // namespace oncemq::broker
