#include "broker/atomic_commits.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/fixture.h"

namespace oncemq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AtomicCommitsTest : public ::testing::Test, public Nouns {
 protected:
  AtomicCommitsTest() {
    make_topic("T", 1);
    make_topic("OUT", 1);
    EXPECT_TRUE(groups.update({.name = "g", .retry_max_times = 3}).has_value());
    restart();
  }

  // Another process over the same log; `dumped`: what onceMqPop.json says, `saved`: what
  // consumerOffset.json says.
  void restart(const std::string& dumped = {}, const std::string& saved = {}) {
    atomic_ = nullptr;
    offsets_ = std::make_unique<ConsumerOffsets>(options, clock);
    ASSERT_TRUE(offsets_->load(saved).has_value());
    popper_ = std::make_unique<Popper>(options, switches, topics, groups, *offsets_, filters,
                                       sender, send_back, store, stats, clock);
    const Status loaded = popper_->load(dumped);
    ASSERT_TRUE(loaded.has_value()) << loaded.error().message;
    atomic_ = std::make_unique<AtomicCommits>(options, topics, *offsets_, *popper_, sender,
                                              idempotence, store, clock);
    const Status started = atomic_->start();
    ASSERT_TRUE(started.has_value()) << started.error().message;
  }

  // Handles of what one pop gives.
  std::vector<PopHandle> pop(std::int32_t max = 32, bool order = false) {
    auto result = popper_->pop(
        {.group = "g", .topic = "T", .max_messages = max, .invisible_ms = 10'000, .order = order});
    EXPECT_TRUE(result.has_value());
    popper_->flush();
    std::vector<PopHandle> handles;
    for (const PopResult::Part& part : result->parts)
      for (const PopResult::Message& message : part.messages)
        handles.push_back({.group = "g",
                           .topic = "T",
                           .queue_id = part.queue_id,
                           .offset = message.offset,
                           .token = result->pop_time});
    return handles;
  }
  bool ack(const PopHandle& handle) {
    const bool done = popper_->ack(handle).has_value();
    popper_->flush();
    return done;
  }
  Result<AtomicCommits::Outcome> commit(std::string_view id, const std::vector<PopHandle>& acks,
                                        const std::vector<SendRequest>& sends,
                                        const std::vector<OffsetMove>& moves = {}) {
    auto outcome =
        atomic_->commit({.id = id, .acks = acks, .moves = moves, .sends = sends}, scratch_);
    if (outcome) atomic_->write_out();
    atomic_->tick();
    return outcome;
  }
  Errc refusal(std::string_view id, const std::vector<PopHandle>& acks,
               const std::vector<SendRequest>& sends, const std::vector<OffsetMove>& moves = {}) {
    const auto outcome = commit(id, acks, sends, moves);
    EXPECT_FALSE(outcome.has_value());
    return outcome ? Errc::kInternal : outcome.error().code;
  }
  SendRequest out(std::string_view body) const { return request("OUT", body); }
  std::vector<std::string> bodies() {
    std::vector<std::string> list;
    for (std::size_t i = 0; i < store.count("OUT", 0); ++i)
      list.emplace_back(as_text(store.record("OUT", 0, i).body));
    return list;
  }
  std::int64_t offset() const {
    const auto stored = offsets_->query("g", "T", 0);
    return stored ? stored->value : -1;
  }
  OffsetMove move(std::int64_t from, std::int64_t to) const {
    return {.group = "puller", .topic = "T", .queue_id = 0, .from = from, .to = to};
  }
  std::int64_t pulled() const {
    const auto stored = offsets_->query("puller", "T", 0);
    return stored ? stored->value : -1;
  }
  void send_many(int count) {
    for (int i = 0; i < count; ++i) send("T", "m" + std::to_string(i));
  }

  std::unique_ptr<ConsumerOffsets> offsets_;
  std::unique_ptr<Popper> popper_;
  std::unique_ptr<AtomicCommits> atomic_;
  AtomicScratch scratch_;
};

TEST_F(AtomicCommitsTest, AcksAndMessagesCountTogether) {
  send_many(2);
  const auto handles = pop();
  const auto done = commit("t1", handles, {out("a"), out("b")});
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_FALSE(done->repeated);
  EXPECT_LE(done->end.value, store.marks().committed().value);
  EXPECT_THAT(bodies(), ElementsAre("a", "b"));
  EXPECT_EQ(property_of(store.record("OUT", 0, 0), "ONCE_ATOMIC_ID"), "t1");
  EXPECT_EQ(offset(), 2);
  clock.advance_ms(20'000);
  popper_->tick();
  EXPECT_THAT(pop(), IsEmpty());
  // What the transaction acked may be acked again, as after any lost answer.
  EXPECT_TRUE(ack(handles[0]));
  EXPECT_EQ(atomic_->figures().committed, 1U);
}

TEST_F(AtomicCommitsTest, OneStaleHandleRefusesEverything) {
  send_many(2);
  const auto zombie = pop(1);
  clock.advance_ms(11'000);
  popper_->tick();
  const auto again = pop(1);
  const auto other = pop(1);
  ASSERT_EQ(again.size() + other.size(), 2U);
  EXPECT_EQ(refusal("t1", {other[0], zombie[0]}, {out("a")}), Errc::kFenced);
  EXPECT_THAT(bodies(), IsEmpty());
  EXPECT_EQ(offset(), 0);
  EXPECT_TRUE(ack(other[0]));
  EXPECT_TRUE(commit("t2", again, {out("b")}).has_value());
  EXPECT_THAT(bodies(), ElementsAre("b"));
  EXPECT_EQ(atomic_->figures().fenced, 1U);
}

TEST_F(AtomicCommitsTest, OneHandleTwiceIsRefused) {
  send_many(1);
  const auto handles = pop();
  EXPECT_EQ(refusal("t1", {handles[0], handles[0]}, {out("a")}), Errc::kFenced);
  EXPECT_TRUE(ack(handles[0]));
}

TEST_F(AtomicCommitsTest, ARepeatedCommitIsAnsweredAndDoesNothing) {
  send_many(1);
  const auto handles = pop();
  ASSERT_TRUE(commit("t1", handles, {out("a")}).has_value());
  const auto again = commit("t1", handles, {out("a")});
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_TRUE(again->repeated);
  EXPECT_THAT(bodies(), ElementsAre("a"));
  restart(popper_->dump(), offsets_->dump());
  EXPECT_TRUE(commit("t1", handles, {out("a")})->repeated);
  EXPECT_TRUE(commit("t1", handles, {request("GONE", "a")})->repeated);
  EXPECT_THAT(bodies(), ElementsAre("a"));
  EXPECT_EQ(atomic_->figures().repeated, 2U);
  clock.advance_ms(AtomicCommits::kRememberMs + 1);
  send_many(1);
  ASSERT_TRUE(commit("t2", pop(), {}).has_value());
  EXPECT_EQ(refusal("t1", handles, {out("a")}), Errc::kFenced);
}

TEST_F(AtomicCommitsTest, AMessageThatIsRefusedLeavesTheAcks) {
  send_many(1);
  const auto handles = pop();
  EXPECT_EQ(refusal("t1", handles, {out("a"), out("")}), Errc::kMessageIllegal);
  EXPECT_EQ(refusal("t2", handles, {out("a"), request("%RETRY%g", "b")}), Errc::kInvalidArgument);
  const std::string half = pairs("TRAN_MSG=true");
  EXPECT_EQ(refusal("t3", handles, {request("OUT", "b", half)}), Errc::kMessageIllegal);
  EXPECT_EQ(refusal("", handles, {out("a")}), Errc::kInvalidArgument);
  EXPECT_EQ(refusal(std::string(65, 'x'), handles, {out("a")}), Errc::kInvalidArgument);
  EXPECT_EQ(refusal("t4", handles, std::vector<SendRequest>(1'025, out("a"))),
            Errc::kInvalidArgument);
  EXPECT_THAT(bodies(), IsEmpty());
  EXPECT_EQ(atomic_->figures().committed, 0U);
  EXPECT_TRUE(ack(handles[0]));
}

TEST_F(AtomicCommitsTest, AFullDiskLeavesEverythingAsItWas) {
  send_many(1);
  const auto handles = pop();
  store.append_errors.push_back({Errc::kNotWritable, "the disk is full"});
  EXPECT_EQ(refusal("t1", handles, {out("a")}), Errc::kNotWritable);
  EXPECT_THAT(bodies(), IsEmpty());
  clock.advance_ms(11'000);
  popper_->tick();
  const auto again = pop();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_TRUE(commit("t1", again, {out("a")}).has_value());
}

TEST_F(AtomicCommitsTest, OnlyAcksOrOnlyMessages) {
  send_many(1);
  EXPECT_TRUE(commit("t1", pop(), {}).has_value());
  EXPECT_TRUE(commit("t2", {}, {out("a")}).has_value());
  EXPECT_EQ(offset(), 1);
  EXPECT_THAT(bodies(), ElementsAre("a"));
}

// Files must not be ahead of the log: a machine that dies would keep the ack and lose the message.
TEST_F(AtomicCommitsTest, OffsetsMoveWhenTheDiskHasIt) {
  send_many(1);
  const auto handles = pop();
  store.autocommit = false;
  ASSERT_TRUE(commit("t1", handles, {out("a")}).has_value());
  store.flush();
  clock.advance_ms(20'000);
  popper_->tick();
  EXPECT_THAT(pop(), IsEmpty());
  EXPECT_EQ(offset(), 0);
  EXPECT_FALSE(ack(handles[0]));
  const std::string dumped = popper_->dump();
  const std::string saved = offsets_->dump();
  store.sync();
  atomic_->tick();
  EXPECT_EQ(offset(), 1);
  // The transaction survived ...
  restart(dumped, saved);
  EXPECT_EQ(offset(), 1);
  EXPECT_THAT(pop(), IsEmpty());
  // ... or it did not: record and message.
  store.autocommit = true;
  store.lose(2);
  restart(dumped, saved);
  EXPECT_THAT(bodies(), IsEmpty());
  popper_->tick();
  EXPECT_EQ(pop().size(), 1U);
}

// Killed inside the append: what of it is in the log decides.
TEST_F(AtomicCommitsTest, WhatACrashCutOffIsStoredAtTheStart) {
  for (const std::size_t lost : {1U, 2U, 3U}) {
    send_many(1);
    const std::string id = "t" + std::to_string(lost);
    const auto handles = pop();
    ASSERT_EQ(handles.size(), 1U);
    const std::size_t before = bodies().size();
    const std::string dumped = popper_->dump();
    ASSERT_TRUE(commit(id, handles, {out(id + "a"), out(id + "b"), out(id + "c")}).has_value());
    store.lose(lost);
    restart(dumped);
    EXPECT_EQ(bodies().size(), before + 3);
    EXPECT_EQ(bodies().back(), id + "c");
    EXPECT_EQ(atomic_->figures().healed, 1U);
    EXPECT_TRUE(commit(id, handles, {out("x")})->repeated);
    popper_->tick();
    EXPECT_THAT(pop(), IsEmpty());
    // The next start finds nothing to do.
    restart(popper_->dump(), offsets_->dump());
    EXPECT_EQ(atomic_->figures().healed, 0U);
    EXPECT_EQ(bodies().size(), before + 3);
  }
}

TEST_F(AtomicCommitsTest, ACrashWhileACrashIsMended) {
  send_many(1);
  const std::string dumped = popper_->dump();
  ASSERT_TRUE(commit("t1", pop(), {out("a"), out("b"), out("c")}).has_value());
  store.lose(2);
  restart(dumped);  // stores a record, "b" and "c"
  store.lose(1);
  send("T", "between");
  restart(dumped);
  EXPECT_THAT(bodies(), ElementsAre("a", "b", "c"));
  restart(dumped);
  EXPECT_THAT(bodies(), ElementsAre("a", "b", "c"));
}

TEST_F(AtomicCommitsTest, ACrashBeforeTheRecordLeavesNothing) {
  send_many(1);
  const auto handles = pop();
  const std::string dumped = popper_->dump();
  ASSERT_TRUE(commit("t1", handles, {out("a"), out("b")}).has_value());
  store.lose(3);
  restart(dumped);
  EXPECT_THAT(bodies(), IsEmpty());
  EXPECT_EQ(atomic_->figures().healed, 0U);
  const auto once = commit("t1", handles, {out("a"), out("b")});
  ASSERT_TRUE(once.has_value()) << once.error().message;
  EXPECT_FALSE(once->repeated);
}

// POP's log is read first: the record must not end the delivery that came after it.
TEST_F(AtomicCommitsTest, ARecordOfAnEarlierDeliveryChangesNothing) {
  send_many(1);
  const std::string dumped = popper_->dump();
  ASSERT_TRUE(commit("t1", pop(), {out("a")}).has_value());
  clock.advance_ms(1'000);
  ASSERT_TRUE(offsets_->commit("g", "T", 0, {0}).has_value());
  popper_->reset("g", "T");
  const auto again = pop();
  ASSERT_EQ(again.size(), 1U);
  restart(dumped, offsets_->dump());
  EXPECT_EQ(offset(), 0);
  EXPECT_TRUE(ack(again[0]));
  EXPECT_EQ(offset(), 1);
}

TEST_F(AtomicCommitsTest, AnOrderedQueueGoesOnWithTheCommit) {
  send_many(2);
  const auto first = pop(1, true);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_THAT(pop(1, true), IsEmpty());
  store.autocommit = false;
  ASSERT_TRUE(commit("t1", first, {out("a")}).has_value());
  const auto second = pop(1, true);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].offset.value, 1);
}

TEST_F(AtomicCommitsTest, QueueOffsetsMoveFromWhereTheGroupIs) {
  send_many(5);
  // Without an offset a group begins where it likes.
  ASSERT_TRUE(commit("t1", {}, {out("a")}, {move(0, 2)}).has_value());
  EXPECT_EQ(pulled(), 2);
  // A zombie, which read from the beginning, too.
  EXPECT_EQ(refusal("t2", {}, {out("b")}, {move(-1, 2)}), Errc::kFenced);
  EXPECT_EQ(refusal("t3", {}, {out("b")}, {move(0, 2)}), Errc::kFenced);
  ASSERT_TRUE(commit("t4", {}, {out("c")}, {move(2, 5)}).has_value());
  EXPECT_EQ(refusal("t5", {}, {}, {move(5, 6)}), Errc::kInvalidArgument);
  EXPECT_EQ(refusal("t6", {}, {}, {move(5, 5), move(5, 5)}), Errc::kInvalidArgument);
  EXPECT_THAT(bodies(), ElementsAre("a", "c"));
  EXPECT_EQ(pulled(), 5);
}

TEST_F(AtomicCommitsTest, QueueOffsetsComeBackFromTheLog) {
  send_many(5);
  const std::string saved = offsets_->dump();
  store.autocommit = false;
  ASSERT_TRUE(commit("t1", {}, {out("a")}, {move(-1, 2)}).has_value());
  EXPECT_EQ(pulled(), -1);
  EXPECT_EQ(refusal("t2", {}, {out("b")}, {move(-1, 3)}), Errc::kFenced);
  ASSERT_TRUE(commit("t3", {}, {out("c")}, {move(2, 4)}).has_value());
  store.sync();
  restart({}, saved);
  EXPECT_EQ(pulled(), 4);
  EXPECT_EQ(refusal("t4", {}, {out("b")}, {move(2, 3)}), Errc::kFenced);
  // An operator's order is not undone by what is read again.
  ASSERT_TRUE(offsets_->commit("puller", "T", 0, {2}).has_value());
  restart({}, offsets_->dump());
  EXPECT_EQ(pulled(), 2);
}

TEST_F(AtomicCommitsTest, AnIdempotentTopicStoresEachKeyOnce) {
  model::TopicConfig config{.name = "OUT", .read_queues = 1, .write_queues = 1};
  config.attributes = {{"+idempotent.key", "KEYS"},
                       {"+idempotent.window", "60s"},
                       {"+idempotent.mismatch", "reject"}};
  ASSERT_TRUE(topics.update(config).has_value());
  ASSERT_TRUE(idempotence.start().has_value());
  idempotence.tick();
  const std::string key = pairs("KEYS=k1");
  const std::string other = pairs("KEYS=k2");
  send_many(3);
  ASSERT_TRUE(commit("t1", pop(1), {request("OUT", "a", key)}).has_value());
  // A duplicate is left out, the rest counts.
  ASSERT_TRUE(
      commit("t2", pop(1), {request("OUT", "a", key), request("OUT", "b", other)}).has_value());
  EXPECT_EQ(scratch_.outcome(0).duplicates, 1);
  EXPECT_EQ(scratch_.outcome(0).items.front().result.queue_offset.value, 0);
  EXPECT_THAT(bodies(), ElementsAre("a", "b"));
  const auto last = pop(1);
  EXPECT_EQ(refusal("t3", last, {out("c"), request("OUT", "other", key)}), Errc::kKeyConflict);
  EXPECT_THAT(bodies(), ElementsAre("a", "b"));
  EXPECT_TRUE(ack(last[0]));
}

TEST_F(AtomicCommitsTest, ADelayedMessageBelongsToIt) {
  send_many(1);
  const std::string delay = pairs("DELAY=1");
  const std::string dumped = popper_->dump();
  ASSERT_TRUE(commit("t1", pop(), {out("a"), request("OUT", "later", delay)}).has_value());
  ASSERT_EQ(store.count(model::topic::kSchedule, 0), 1U);
  const auto due = store.tags_code(model::topic::kSchedule, 0, 0);
  store.lose(1);
  restart(dumped);
  ASSERT_EQ(store.count(model::topic::kSchedule, 0), 1U);
  EXPECT_EQ(store.tags_code(model::topic::kSchedule, 0, 0), due);
  EXPECT_EQ(property_of(store.record(model::topic::kSchedule, 0, 0), "REAL_TOPIC"), "OUT");
}

TEST_F(AtomicCommitsTest, NothingIsCommittedBeforeTheStartOrAfterTheEnd) {
  AtomicCommits early(options, topics, *offsets_, *popper_, sender, idempotence, store, clock);
  const std::vector<SendRequest> sends{out("a")};
  EXPECT_EQ(
      early.commit({.id = "t", .acks = {}, .moves = {}, .sends = sends}, scratch_).error().code,
      Errc::kNotReady);
  atomic_->stop();
  EXPECT_EQ(refusal("t", {}, sends), Errc::kNotReady);
}

TEST_F(AtomicCommitsTest, ADeletedGroupTakesItsRowsWithIt) {
  send_many(1);
  store.autocommit = false;
  ASSERT_TRUE(commit("t1", pop(), {out("a")}).has_value());
  popper_->forget_group("g");
  store.sync();
  atomic_->tick();
  EXPECT_EQ(popper_->slots(), 0U);
  EXPECT_THAT(bodies(), ElementsAre("a"));
}

}  // namespace
}  // namespace oncemq::broker
