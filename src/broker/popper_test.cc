#include "broker/popper.h"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/fixture.h"
#include "model/message_id.h"

namespace oncemq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Given {
  std::int32_t queue_id = 0;
  std::int64_t offset = 0;
  std::int32_t reconsume_times = 0;
  std::int64_t token = 0;
  std::string body;
};

struct Woken {
  int times = 0;
  WakeReason reason = WakeReason::kClosed;
};
class TestWaiter final : public PullWaiter {
 public:
  explicit TestWaiter(Woken& woken) : woken_(woken) {}
  void wake(WakeReason reason) override {
    ++woken_.times;
    woken_.reason = reason;
  }

 private:
  Woken& woken_;
};

class PopperTest : public ::testing::Test, public Nouns {
 protected:
  PopperTest() {
    make_topic("T", 1);
    EXPECT_TRUE(groups.update({.name = "g", .retry_max_times = 3}).has_value());
  }

  PopRequest ask(std::int32_t max = 32, std::int64_t invisible_ms = 10'000) const {
    return {.group = "g", .topic = "T", .max_messages = max, .invisible_ms = invisible_ms};
  }
  std::vector<Given> give(const PopRequest& request) { return give(popper, request); }
  std::vector<Given> give(Popper& from, const PopRequest& request) {
    auto result = from.pop(request);
    EXPECT_TRUE(result.has_value()) << result.error().message;
    from.flush();
    std::vector<Given> given;
    if (!result.has_value()) return given;
    EXPECT_TRUE(from.committed(result->operation));
    for (const store::LogSpan& span : result->spans) {
      Bytes rest = span.bytes;
      while (!rest.empty()) {
        auto decoded = model::decode_record(rest, model::Verify::kFull);
        EXPECT_TRUE(decoded.has_value());
        if (!decoded.has_value()) return given;
        const model::RecordView& record = decoded->record;
        given.push_back({record.queue_id, record.queue_offset.value, record.reconsume_times,
                         result->pop_time, std::string(as_text(record.body))});
        rest = rest.subspan(static_cast<std::size_t>(decoded->size));
      }
    }
    std::size_t listed = 0;
    for (const auto& part : result->parts) listed += part.messages.size();
    EXPECT_EQ(listed, given.size());
    return given;
  }
  static std::vector<std::int64_t> offsets(const std::vector<Given>& given) {
    std::vector<std::int64_t> list;
    for (const Given& one : given) list.push_back(one.offset);
    return list;
  }
  PopHandle handle(const Given& given, std::string_view topic = "T") const {
    return {.group = "g",
            .topic = topic,
            .queue_id = given.queue_id,
            .offset = {given.offset},
            .token = given.token};
  }
  bool ack(const Given& given) { return ack(popper, given); }
  bool ack(Popper& at, const Given& given) {
    const auto done = at.ack(handle(given));
    at.flush();
    if (done.has_value()) {
      EXPECT_TRUE(at.committed(*done));
    } else {
      EXPECT_TRUE(done.error().stale) << done.error().error.message;
    }
    return done.has_value();
  }
  // As Apache's broker would have stored it.
  void leave(std::string_view topic, std::string_view body) {
    std::vector<store::AppendItem> items(1);
    items[0].message.topic = topic;
    items[0].message.body = as_bytes(body);
    items[0].message.born_host = items[0].message.store_host = options.address;
    items[0].queue = &store.queue(topic, 0);
    ASSERT_TRUE(store.append(items).has_value());
    store.write_out();
  }
  void send_many(int count) {
    for (int i = 0; i < count; ++i) send("T", "m" + std::to_string(i));
  }
  std::int64_t offset() { return offsets_of("T"); }
  std::int64_t offsets_of(std::string_view topic) {
    const auto stored = Nouns::offsets.query("g", topic, 0);
    return stored.has_value() ? stored->value : -1;
  }
  // A new process on the same store and configuration files. `dumped`: what onceMqPop.json says.
  std::unique_ptr<Popper> restarted(const std::string& dumped = {}) {
    auto next = std::make_unique<Popper>(options, switches, topics, groups, Nouns::offsets, filters,
                                         sender, send_back, store, stats, clock);
    const Status loaded = next->load(dumped);
    EXPECT_TRUE(loaded.has_value()) << loaded.error().message;
    return next;
  }
};

TEST_F(PopperTest, DeliveriesAndAcksAreInTheLedger) {
  for (const char* body : {"a", "b", "c"}) send("T", body);
  PopRequest request = ask(3, 1'000);
  request.channel = ChannelId{7};
  const std::vector<Given> first = give(request);
  ASSERT_EQ(first.size(), 3U);
  EXPECT_TRUE(ack(first[1]));
  clock.advance_ms(2'000);
  const std::vector<Given> again = give(request);
  ASSERT_EQ(offsets(again), (std::vector<std::int64_t>{0, 2}));
  EXPECT_FALSE(ack(first[0]));
  EXPECT_TRUE(popper.change(handle(again[0]), 5'000).has_value());
  const std::uint64_t queue = DeliveryLedger::queue_key("T", 0);
  const auto steps = [&](std::int64_t offset) {
    std::vector<DeliveryStep> list;
    for (const DeliveryEntry& entry : stats.ledger().of(queue, offset, 10).entries)
      list.push_back(entry.step);
    return list;
  };
  using Step = DeliveryStep;
  EXPECT_THAT(steps(0), ElementsAre(Step::kPopped, Step::kPopped, Step::kStale, Step::kChanged));
  EXPECT_THAT(steps(1), ElementsAre(Step::kPopped, Step::kAcked));
  EXPECT_THAT(steps(2), ElementsAre(Step::kPopped, Step::kPopped));
  const DeliveryEntry one = stats.ledger().of(queue, 0, 10).entries[0];
  EXPECT_EQ(one.range, 3U);
  EXPECT_EQ(one.attempt, 1);
  EXPECT_EQ(one.token, first[0].token);
  EXPECT_EQ(one.channel, ChannelId{7});
  const DeliveryEntry two = stats.ledger().of(queue, 2, 10).entries[1];
  EXPECT_EQ(two.attempt, 2);
  EXPECT_EQ(two.range, 1U);
}

TEST_F(PopperTest, GivesEachMessageToOneAndMovesTheOffsetWithTheAcks) {
  send_many(5);
  const auto first = give(ask(3));
  const auto second = give(ask(3));
  EXPECT_THAT(offsets(first), ElementsAre(0, 1, 2));
  EXPECT_THAT(offsets(second), ElementsAre(3, 4));
  EXPECT_THAT(give(ask()), IsEmpty());
  EXPECT_EQ(offset(), 0);
  EXPECT_TRUE(ack(first[1]));
  EXPECT_EQ(offset(), 0);  // the lowest that is not acked
  EXPECT_TRUE(ack(first[0]));
  EXPECT_EQ(offset(), 2);
  EXPECT_TRUE(ack(first[2]));
  EXPECT_TRUE(ack(second[0]));
  EXPECT_TRUE(ack(second[1]));
  EXPECT_EQ(offset(), 5);
}

TEST_F(PopperTest, WhatIsNotAckedComesAgainAfterItsTimeAndNotBefore) {
  send_many(1);
  const auto first = give(ask());
  clock.advance_ms(9'999);
  EXPECT_THAT(give(ask()), IsEmpty());
  clock.advance_ms(1);
  const auto again = give(ask());
  ASSERT_THAT(offsets(again), ElementsAre(0));
  EXPECT_EQ(again[0].reconsume_times, 1);
  EXPECT_EQ(again[0].body, "m0");
}

// Two holders never exist inside one invisible time, whatever the wall clock does.
TEST_F(PopperTest, WallClockJumpsNeitherShortenNorLengthenATime) {
  send_many(1);
  const auto first = give(ask());
  clock.jump_ms(3'600'000);
  EXPECT_THAT(give(ask()), IsEmpty());
  clock.jump_ms(-7'200'000);
  clock.advance_ms(10'000);
  const auto second = give(ask());
  ASSERT_THAT(offsets(second), ElementsAre(0));
  EXPECT_GT(second[0].token, first[0].token);  // a handle of its own, although the clock is behind
  EXPECT_FALSE(ack(first[0]));
  EXPECT_TRUE(ack(second[0]));
}

// exactly-once.md §6 no. 7: an ack with an old handle after redelivery.
TEST_F(PopperTest, AStaleHandleIsRefusedAndChangesNothing) {
  send_many(1);
  const auto first = give(ask());
  const auto again = [this] {
    return stats.causes().of_group("g")[static_cast<std::size_t>(Cause::kInvisibleTimePassed)];
  };
  EXPECT_EQ(again(), 0U);
  clock.advance_ms(10'000);
  const auto second = give(ask());
  EXPECT_EQ(again(), 1U);
  EXPECT_FALSE(ack(first[0]));
  const auto changed = popper.change(handle(first[0]), 0);
  ASSERT_FALSE(changed.has_value());
  EXPECT_TRUE(changed.error().stale);
  EXPECT_THAT(give(ask()), IsEmpty());  // still the second one's
  EXPECT_EQ(offset(), 0);
  EXPECT_TRUE(ack(second[0]));
  EXPECT_FALSE(ack(first[0]));
}

TEST_F(PopperTest, GivenBackInTheSameMillisecondItHasAnotherHandle) {
  send_many(1);
  const auto first = give(ask());
  ASSERT_TRUE(popper.change(handle(first[0]), 0).has_value());
  const auto second = give(ask());
  ASSERT_THAT(offsets(second), ElementsAre(0));
  EXPECT_EQ(second[0].reconsume_times, 1);
  EXPECT_FALSE(ack(first[0]));
  EXPECT_TRUE(ack(second[0]));
}

TEST_F(PopperTest, GivenBackInTheSameMillisecondTheyComeTogether) {
  send_many(3);
  const auto first = give(ask());
  clock.advance_ms(1);
  ASSERT_TRUE(popper.change(handle(first[0]), 0).has_value());
  ASSERT_TRUE(popper.change(handle(first[1]), 0).has_value());
  clock.advance_ms(1);
  ASSERT_TRUE(popper.change(handle(first[2]), 0).has_value());
  send_many(1);
  const auto second = give(ask());
  EXPECT_THAT(offsets(second), ElementsAre(0, 1, 2, 3));
  for (const auto& message : second) EXPECT_TRUE(ack(message));
}

// A clock that was set back must not make handles run ahead with the number of pops.
TEST_F(PopperTest, PopTimesStayWhereTheyAreWhileTheClockIsBehind) {
  send_many(64);
  const auto first = give(ask(1));
  clock.jump_ms(-60'000);
  for (int i = 0; i < 32; ++i) EXPECT_EQ(give(ask(1)).at(0).token, first[0].token);
}

TEST_F(PopperTest, AHandleIsGoodAfterItsTimeUntilSomebodyElseGetsTheMessage) {
  send_many(1);
  const auto first = give(ask());
  clock.advance_ms(60'000);
  popper.tick();
  EXPECT_TRUE(ack(first[0]));
  EXPECT_THAT(give(ask()), IsEmpty());
}

// exactly-once.md §6 no. 14.
TEST_F(PopperTest, ARepeatedAckIsAnsweredAgain) {
  send_many(1);
  const auto given = give(ask());
  EXPECT_TRUE(ack(given[0]));
  EXPECT_TRUE(ack(given[0]));
  EXPECT_EQ(offset(), 1);
}

// apache/rocketmq#8835, #3787: most of a batch is acked at once, the last one late.
TEST_F(PopperTest, Issue8835PartialAcksBringBackNothingThatWasAcked) {
  send_many(32);
  const auto given = give(ask(32));
  ASSERT_EQ(given.size(), 32U);
  for (std::size_t i = 0; i < 31; ++i) EXPECT_TRUE(ack(given[i]));
  clock.advance_ms(9'000);
  popper.tick();
  EXPECT_TRUE(ack(given[31]));
  clock.advance_ms(60'000);
  popper.tick();
  EXPECT_THAT(give(ask()), IsEmpty());
}
TEST_F(PopperTest, Issue3787SlowConsumersGetNothingTwice) {
  send_many(32);
  const auto given = give(ask(32, 60'000));
  for (const Given& one : given) {
    clock.advance_ms(100);
    popper.tick();
    EXPECT_TRUE(ack(one));
  }
  clock.advance_ms(120'000);
  popper.tick();
  EXPECT_THAT(give(ask()), IsEmpty());
}

// apache/rocketmq#9583: change the invisible time, then ack.
TEST_F(PopperTest, Issue9583AckAfterAChangeCounts) {
  send_many(10);
  const auto given = give(ask(10));
  const auto changed = popper.change(handle(given[4]), 30'000);
  ASSERT_TRUE(changed.has_value());
  EXPECT_FALSE(ack(given[4]));  // said, not swallowed
  Given renewed = given[4];
  renewed.token = changed->pop_time;
  EXPECT_TRUE(ack(renewed));
  clock.advance_ms(60'000);
  const auto again = give(ask());
  EXPECT_EQ(again.size(), 9U);
  for (const Given& one : again) EXPECT_NE(one.offset, 4);
}

// apache/rocketmq#7914: every message that is never acked comes back.
TEST_F(PopperTest, Issue7914NothingThatIsNotAckedGetsLost) {
  send_many(100);
  std::vector<std::int64_t> kept;
  for (int round = 0; round < 4; ++round)
    for (const Given& one : give(ask(32)))
      if (one.offset % 7 == 0)
        kept.push_back(one.offset);
      else
        EXPECT_TRUE(ack(one));
  clock.advance_ms(10'000);
  EXPECT_EQ(offsets(give(ask(32))), kept);
}

// apache/rocketmq#7724: the message is gone when it should come again.
TEST_F(PopperTest, Issue7724AGoneMessageIsNotReplacedByTheNext) {
  send_many(3);
  const auto given = give(ask(1));
  ASSERT_THAT(offsets(given), ElementsAre(0));
  EXPECT_THAT(offsets(give(ask(1))), ElementsAre(1));
  store.fake("T", 0).cut(1);
  clock.advance_ms(10'000);
  EXPECT_THAT(offsets(give(ask())), ElementsAre(1, 2));
  EXPECT_THAT(give(ask()), IsEmpty());
}

// apache/rocketmq#8479: rows of a topic that was deleted and made again.
TEST_F(PopperTest, Issue8479ANewTopicOfTheSameNameBeginsAnew) {
  send_many(5);
  give(ask());
  ASSERT_TRUE(admin.delete_topic("T").has_value());
  make_topic("T", 1);
  send("T", "new");
  clock.advance_ms(20'000);
  popper.tick();
  EXPECT_THAT(offsets(give(ask())), ElementsAre(0));
}

// Nothing of a deleted group is left: neither memory nor rows nor a handle that would fit, not even
// in the same millisecond, and not after a kill.
TEST_F(PopperTest, ADeletedGroupIsFreedAndBeginsAnewWhenItIsMadeAgain) {
  send_many(5);
  const auto old = give(ask(3));
  const auto changed = popper.change(handle(old[2]), 60'000);  // a token above all that pops gave
  ASSERT_TRUE(changed.has_value());
  EXPECT_TRUE(ack(old[0]));
  EXPECT_EQ(popper.slots(), 1U);
  ASSERT_TRUE(admin.delete_group("g", true).has_value());
  EXPECT_EQ(popper.slots(), 0U);
  EXPECT_EQ(popper.parties(), 0U);
  EXPECT_FALSE(ack(old[1]));
  EXPECT_FALSE(popper.position("g", "T", 0).has_value());
  EXPECT_EQ(offset(), -1);

  ASSERT_TRUE(groups.update({.name = "g", .retry_max_times = 3}).has_value());
  const auto fresh = give(ask(4));
  EXPECT_THAT(offsets(fresh), ElementsAre(0, 1, 2, 3));
  for (const Given& one : fresh) EXPECT_EQ(one.reconsume_times, 0);
  const auto refuses_old = [&](Popper& at) {
    for (const Given& one : old) EXPECT_FALSE(ack(at, one));
    Given renewed = old[2];
    renewed.token = changed->pop_time;
    EXPECT_FALSE(ack(at, renewed));
    EXPECT_EQ(at.position("g", "T", 0)->in_flight, 4U);
  };
  refuses_old(popper);
  for (const std::string& file : {std::string{}, popper.dump()}) refuses_old(*restarted(file));
  auto next = restarted();
  EXPECT_THAT(offsets(give(*next, ask())), ElementsAre(4));
  EXPECT_TRUE(ack(*next, fresh[0]));
  clock.advance_ms(10'000);
  EXPECT_THAT(offsets(give(*next, ask(3))), ElementsAre(1, 2, 3));
}

TEST_F(PopperTest, AGroupThatWasDeletedStaysAwayAfterAKill) {
  send_many(2);
  const auto given = give(ask());
  const std::string before = popper.dump();
  ASSERT_TRUE(admin.delete_group("g", true).has_value());
  for (const std::string& file : {std::string{}, before, popper.dump()}) {
    auto next = restarted(file);
    EXPECT_EQ(next->slots(), 0U);
    EXPECT_EQ(next->parties(), 0U);
    EXPECT_FALSE(ack(*next, given[0]));
  }
}

// A wall clock that was set back while nobody looked makes no handle of before fit.
TEST_F(PopperTest, HandlesOfADeletedGroupFitNothingWhenTheWallClockIsBehind) {
  send_many(1);
  const auto old = give(ask());
  ASSERT_TRUE(admin.delete_group("g", true).has_value());
  const std::string dumped = popper.dump();
  clock.jump_ms(-7'200'000);
  ASSERT_TRUE(groups.update({.name = "g"}).has_value());
  auto next = restarted(dumped);
  const auto fresh = give(*next, ask());
  ASSERT_THAT(offsets(fresh), ElementsAre(0));
  EXPECT_GT(fresh[0].token, old[0].token);
  EXPECT_FALSE(ack(*next, old[0]));
  EXPECT_TRUE(ack(*next, fresh[0]));
}

TEST_F(PopperTest, MemoryOfDeletedGroupsAndTopicsComesBack) {
  send_many(2);
  for (int i = 0; i < 300; ++i) {
    const std::string name = "g" + std::to_string(i);
    PopRequest request = ask();
    request.group = name;
    ASSERT_TRUE(popper.pop(request).has_value());
  }
  make_topic("U", 4);
  PopRequest other = ask();
  other.topic = "U";
  ASSERT_TRUE(popper.pop(other).has_value());
  EXPECT_EQ(popper.slots(), 304U);
  EXPECT_EQ(popper.parties(), 301U);
  for (int i = 0; i < 300; ++i)
    ASSERT_TRUE(admin.delete_group("g" + std::to_string(i), true).has_value());
  EXPECT_EQ(popper.slots(), 4U);
  ASSERT_TRUE(admin.delete_topic("U").has_value());
  EXPECT_EQ(popper.slots(), 0U);
  EXPECT_EQ(popper.parties(), 0U);
  clock.advance_ms(20'000);
  popper.tick();
}

// Rows that the service thread is busy with, waiters, and pops that came before the deletion.
TEST_F(PopperTest, WhoWaitsForADeletedGroupIsWoken) {
  Woken woken;
  std::unique_ptr<PullWaiter> waiter = std::make_unique<TestWaiter>(woken);
  ASSERT_EQ(popper.park(ask(), 60'000, ChannelId{1}, waiter), ParkOutcome::kParked);
  ASSERT_TRUE(admin.delete_group("g", true).has_value());
  EXPECT_EQ(woken.times, 1);
  EXPECT_EQ(popper.waiting().size(), 0U);
  // The new group's waiters are not mixed up with the old one's.
  ASSERT_TRUE(groups.update({.name = "g"}).has_value());
  waiter = std::make_unique<TestWaiter>(woken);
  ASSERT_EQ(popper.park(ask(), 60'000, ChannelId{1}, waiter), ParkOutcome::kParked);
  EXPECT_EQ(popper.parked("g", "T", -1), 1U);
  send_many(1);
  EXPECT_EQ(woken.times, 2);
}

// apache/rocketmq#10827: a failing head neither blocks an ordered queue for good nor gets lost.
TEST_F(PopperTest, Issue10827AnOrderedQueueGoesOnInOrder) {
  send_many(6);
  PopRequest order = ask(2);
  order.order = true;
  const auto first = give(order);
  ASSERT_THAT(offsets(first), ElementsAre(0, 1));
  EXPECT_THAT(give(order), IsEmpty());  // one in flight
  EXPECT_TRUE(ack(first[1]));
  EXPECT_THAT(give(order), IsEmpty());
  ASSERT_TRUE(popper.change(handle(first[0]), 1'000).has_value());
  clock.advance_ms(1'000);
  const auto again = give(order);
  ASSERT_THAT(offsets(again), ElementsAre(0));
  EXPECT_EQ(again[0].reconsume_times, 1);
  EXPECT_TRUE(ack(again[0]));
  EXPECT_THAT(offsets(give(order)), ElementsAre(2, 3));
}

TEST_F(PopperTest, TheSameAttemptGetsTheSameMessagesWithNewHandles) {
  send_many(4);
  PopRequest order = ask(2);
  order.order = true;
  order.attempt_id = "a1";
  const auto lost = give(order);
  const auto again = give(order);
  EXPECT_EQ(offsets(again), offsets(lost));
  EXPECT_EQ(again[0].reconsume_times, 0);  // nobody has seen it yet
  EXPECT_FALSE(ack(lost[0]));
  order.attempt_id = "a2";
  EXPECT_THAT(give(order), IsEmpty());
  EXPECT_TRUE(ack(again[0]));
  EXPECT_TRUE(ack(again[1]));
  EXPECT_THAT(offsets(give(order)), ElementsAre(2, 3));
}

TEST_F(PopperTest, AfterTheLastRoundComesTheDeadLetterQueue) {
  const std::string properties = pairs("KEYS=k;UNIQ_KEY=u");
  const auto sent = send("T", "poison", properties);
  for (int round = 0; round < 4; ++round) {
    const auto given = give(ask());
    ASSERT_EQ(given.size(), 1U) << round;
    EXPECT_EQ(given[0].reconsume_times, round);
    clock.advance_ms(10'000);
  }
  EXPECT_THAT(give(ask()), IsEmpty());  // it waits for the service
  popper.tick();
  ASSERT_EQ(store.count("%DLQ%g", 0), 1U);
  const model::RecordView dead = store.record("%DLQ%g", 0, 0);
  EXPECT_EQ(dead.reconsume_times, 4);
  EXPECT_EQ(property_of(dead, "UNIQ_KEY"), "u");
  EXPECT_EQ(property_of(dead, "KEYS"), "k");
  EXPECT_EQ(property_of(dead, "RETRY_TOPIC"), "T");
  EXPECT_EQ(property_of(dead, "DEAD_CAUSE"), "retries");
  EXPECT_EQ(property_of(dead, "ORIGIN_MESSAGE_ID"),
            model::offset_message_id(options.address, sent.log_offset));
  EXPECT_EQ(offset(), 1);
  clock.advance_ms(60'000);
  popper.tick();
  EXPECT_EQ(store.count("%DLQ%g", 0), 1U);
}

TEST_F(PopperTest, ADeadLetterThatCannotBeStoredIsTriedAgain) {
  send_many(1);
  for (int round = 0; round < 4; ++round) {
    give(ask());
    clock.advance_ms(10'000);
  }
  store.append_errors.assign(1, Error{Errc::kNotWritable, "disk full"});
  popper.tick();
  EXPECT_EQ(store.count("%DLQ%g", 0), 0U);
  clock.advance_ms(1'000);
  popper.tick();
  EXPECT_EQ(store.count("%DLQ%g", 0), 1U);
}

// ---- crash

TEST_F(PopperTest, AfterAKillAckedStaysAckedAndHandlesStayGood) {
  send_many(4);
  const auto given = give(ask());
  EXPECT_TRUE(ack(given[1]));
  const auto changed = popper.change(handle(given[2]), 60'000);
  popper.flush();
  auto next = restarted();
  EXPECT_THAT(give(*next, ask()), IsEmpty());  // all held
  EXPECT_TRUE(ack(*next, given[0]));
  EXPECT_TRUE(ack(*next, given[1]));   // repeated
  EXPECT_FALSE(ack(*next, given[2]));  // its handle was renewed
  clock.advance_ms(10'000);
  EXPECT_THAT(offsets(give(*next, ask())), ElementsAre(3));
  clock.advance_ms(50'000);
  const auto last = give(*next, ask());
  EXPECT_THAT(offsets(last), ElementsAre(2, 3));
  EXPECT_EQ(last[0].reconsume_times, 1);
  EXPECT_EQ(last[1].reconsume_times, 2);
  EXPECT_EQ(changed->pop_time > given[2].token, true);
}

TEST_F(PopperTest, ADumpWithTheLogBehindItIsTheSameState) {
  send_many(40);
  const auto first = give(ask(8));
  EXPECT_TRUE(ack(first[0]));
  const std::string dumped = popper.dump();
  EXPECT_FALSE(popper.wants_dump());
  const auto second = give(ask(8));
  EXPECT_TRUE(ack(first[3]));
  EXPECT_TRUE(ack(second[0]));
  for (const std::string& file : {dumped, popper.dump(), std::string{}}) {
    auto next = restarted(file);
    const auto position = next->position("g", "T", 0);
    ASSERT_TRUE(position.has_value());
    EXPECT_EQ(position->next.value, 16);
    EXPECT_EQ(position->in_flight, 13U);
  }
}

TEST_F(PopperTest, ABrokenDumpIsRefused) {
  auto next = std::make_unique<Popper>(options, switches, topics, groups, Nouns::offsets, filters,
                                       sender, send_back, store, stats, clock);
  EXPECT_EQ(next->load("{").error().code, Errc::kCorrupt);
  EXPECT_EQ(next->load(R"({"position":0,"operations":"0Z"})").error().code, Errc::kCorrupt);
  EXPECT_EQ(next->load(R"({"position":0,"operations":"01FF"})").error().code, Errc::kCorrupt);
}

// A machine that died in ASYNC_FLUSH: the queue is shorter than what was given out.
TEST_F(PopperTest, WhatTheMachineLostIsNotTakenForConsumed) {
  send_many(3);
  for (const Given& one : give(ask())) EXPECT_TRUE(ack(one));
  const std::string dumped = popper.dump();
  store.fake("T", 0).entries.resize(1);
  auto next = restarted(dumped);
  send("T", "new");
  EXPECT_THAT(offsets(give(*next, ask())), ElementsAre(1));
}

// ... and the log of operations is shorter than the dump says: what comes next is read all the
// same.
TEST_F(PopperTest, OperationsBelowTheDumpAreReadAfterTheNextStart) {
  send_many(2);
  const auto given = give(ask());
  const std::string dumped = popper.dump();
  store.fake(model::topic::kPopLog, 0).entries.clear();
  auto next = restarted(dumped);
  EXPECT_TRUE(next->wants_dump());
  const std::string again = next->dump();
  EXPECT_FALSE(next->wants_dump());
  EXPECT_TRUE(ack(*next, given[0]));
  EXPECT_EQ(restarted(again)->position("g", "T", 0)->in_flight, 1U);
}

// Killed between the copy and its operation: no second copy.
TEST_F(PopperTest, ADeadLetterIsNotDoubledByAKill) {
  send_many(1);
  for (int round = 0; round < 4; ++round) {
    give(ask());
    clock.advance_ms(10'000);
  }
  const std::string before = popper.dump();
  popper.tick();
  ASSERT_EQ(store.count("%DLQ%g", 0), 1U);
  store.fake(model::topic::kPopLog, 0).entries.pop_back();
  auto next = restarted(before);
  ASSERT_EQ(next->position("g", "T", 0)->in_flight, 1U);
  next->tick();
  EXPECT_EQ(store.count("%DLQ%g", 0), 1U);
  EXPECT_EQ(next->position("g", "T", 0)->in_flight, 0U);
}

TEST_F(PopperTest, AnAnswerWaitsForTheLog) {
  send_many(1);
  store.autocommit = false;
  const auto result = popper.pop(ask());
  ASSERT_TRUE(result.has_value());
  EXPECT_FALSE(popper.committed(result->operation));
  popper.flush();
  EXPECT_FALSE(popper.committed(result->operation));
  store.flush();
  EXPECT_TRUE(popper.committed(result->operation));
}

TEST_F(PopperTest, WhatTheStoreRefusedGoesWithTheNextFlush) {
  send_many(2);
  const auto given = give(ask());
  store.append_errors.assign(1, Error{Errc::kNotWritable, "disk full"});
  const auto first = popper.ack(handle(given[0]));
  popper.flush();
  EXPECT_FALSE(popper.committed(*first));
  const auto second = popper.ack(handle(given[1]));
  popper.flush();
  EXPECT_TRUE(popper.committed(*first));
  EXPECT_TRUE(popper.committed(*second));
  auto next = restarted();
  EXPECT_EQ(next->position("g", "T", 0)->in_flight, 0U);
}

// ---- beginnings and others

TEST_F(PopperTest, ANewGroupBeginsWhereItWants) {
  send_many(5);
  options.warm_log_bytes = 0;
  store.fake("T", 0).cut(2);
  PopRequest from_max = ask();
  from_max.from_max = true;
  EXPECT_THAT(offsets(give(from_max)), ElementsAre(4));
  PopRequest other = ask();
  other.group = "h";
  EXPECT_THAT(offsets(give(other)), ElementsAre(2, 3, 4));
}

TEST_F(PopperTest, AYoungQueueBeginsAtItsFirstMessage) {
  send_many(3);
  PopRequest from_max = ask();
  from_max.from_max = true;
  EXPECT_THAT(offsets(give(from_max)), ElementsAre(0, 1, 2));
}

TEST_F(PopperTest, AGroupThatPulledInBetweenGoesOnBehindIt) {
  send_many(6);
  const auto given = give(ask(3));
  EXPECT_TRUE(ack(given[0]));
  ASSERT_TRUE(Nouns::offsets.commit("g", "T", 0, {5}).has_value());
  EXPECT_THAT(offsets(give(ask())), ElementsAre(5));
  EXPECT_FALSE(ack(given[1]));
  auto next = restarted();
  EXPECT_EQ(next->position("g", "T", 0)->in_flight, 1U);
}

TEST_F(PopperTest, AResetForgetsWhatIsInFlight) {
  send_many(6);
  const auto given = give(ask());
  for (const Given& one : given) EXPECT_TRUE(ack(one));
  ASSERT_TRUE(admin.reset_offset({.topic = "T", .group = "g", .offset = 2}).has_value());
  const auto again = give(ask());  // in the same millisecond, but with handles of their own
  EXPECT_THAT(offsets(again), ElementsAre(2, 3, 4, 5));
  EXPECT_FALSE(ack(given[3]));
  EXPECT_TRUE(ack(again[1]));
}

TEST_F(PopperTest, FilterSkipsAndDoesNotHold) {
  const std::string a = pairs("TAGS=a");
  const std::string b = pairs("TAGS=b");
  send("T", "1", a);
  send("T", "2", b);
  send("T", "3", a);
  PopRequest tagged = ask();
  tagged.expression = "b";
  EXPECT_THAT(offsets(give(tagged)), ElementsAre(1));
  EXPECT_EQ(offset(), 1);
  tagged.expression_type = "NONSENSE";
  EXPECT_EQ(popper.pop(tagged).error().code, Errc::kNotSupported);
}

TEST_F(PopperTest, PropertiesAreFilteredByExpressions) {
  const std::string small = pairs("a=1");
  const std::string large = pairs("a=5");
  send("T", "1", small);
  send("T", "2", large);
  PopRequest request = ask();
  request.expression_type = "SQL92";
  request.expression = "a > 3";
  EXPECT_THAT(offsets(give(request)), ElementsAre(1));
  EXPECT_EQ(offset(), 1);
  request.expression = "a >";
  EXPECT_EQ(popper.pop(request).error().code, Errc::kSubscriptionBroken);
  switches.property_filter = false;
  request.expression = "a > 3";
  EXPECT_EQ(popper.pop(request).error().code, Errc::kNotSupported);
}

TEST_F(PopperTest, AnExpensiveExpressionIsSpreadOverPops) {
  const std::string x = pairs("a=" + std::string(8'000, 'x'));
  for (int i = 0; i < 400; ++i) send("T", "m", x + pairs("n=" + std::to_string(i % 100)));
  std::string expression;
  for (int i = 0; i < 6; ++i) expression += "not (a contains 'xy" + std::to_string(i) + "') and ";
  expression += "n = 7";
  PopRequest request = ask();
  request.expression = expression;
  request.expression_type = "SQL92";
  std::vector<std::int64_t> seen;
  int pops = 0;
  for (std::int64_t next = 0; next < 400; ++pops) {
    for (const Given& one : give(request)) seen.push_back(one.offset);
    const std::int64_t now = popper.position("g", "T", 0)->next.value;
    ASSERT_GT(now, next);
    next = now;
  }
  EXPECT_THAT(seen, ElementsAre(7, 107, 207, 307));
  EXPECT_GT(pops, 1);
}

TEST_F(PopperTest, WhatApacheLeftInItsRetryTopicsIsRead) {
  send_many(1);
  make_topic("%RETRY%g_T", 1);
  leave("%RETRY%g_T", "left");
  auto result = popper.pop(ask());
  ASSERT_TRUE(result.has_value());
  ASSERT_EQ(result->parts.size(), 2U);
  EXPECT_EQ(result->parts[0].source, PopSource::kRetryV1);
  const auto decoded = model::decode_record(result->spans[0].bytes, model::Verify::kBody);
  EXPECT_EQ(decoded->record.topic, "T");
  EXPECT_EQ(property_of(decoded->record, "POP_CK"),
            "0 " + std::to_string(result->pop_time) + " 10000 0 1 b-a 0 0");
  EXPECT_TRUE(popper
                  .ack({.group = "g",
                        .topic = "%RETRY%g_T",
                        .queue_id = 0,
                        .offset = {0},
                        .token = result->pop_time})
                  .has_value());
  switches.pop_retry_v1 = false;
  leave("%RETRY%g_T", "unread");
  EXPECT_THAT(give(ask()), IsEmpty());
}

TEST_F(PopperTest, BoundsHoldPerQueue) {
  switches.pop_rows_max = 3;
  send_many(10);
  EXPECT_EQ(give(ask(3)).size(), 3U);
  EXPECT_THAT(give(ask()), IsEmpty());
  EXPECT_FALSE(*popper.visible(ask()));
  clock.advance_ms(10'000);
  EXPECT_EQ(give(ask(3)).size(), 3U);  // the same ones again
}

TEST_F(PopperTest, Refusals) {
  send_many(1);
  EXPECT_EQ(popper.pop(ask(33)).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(popper.pop(ask(0)).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(popper.pop(ask(1, 0)).error().code, Errc::kInvalidArgument);
  PopRequest request = ask();
  request.queue_id = 1;
  EXPECT_EQ(popper.pop(request).error().code, Errc::kInvalidArgument);
  request = ask();
  const std::string attempt(256, 'a');
  request.attempt_id = attempt;
  EXPECT_EQ(popper.pop(request).error().code, Errc::kInvalidArgument);
  request = ask();
  request.topic = "none";
  EXPECT_EQ(popper.pop(request).error().code, Errc::kTopicNotFound);
  EXPECT_EQ(popper.ack({.group = "g", .topic = "T", .offset = {7}, .token = 1}).error().error.code,
            Errc::kMessageNotFound);
  EXPECT_TRUE(popper.ack({.group = "g", .topic = "T", .offset = {0}, .token = 1}).error().stale);
  EXPECT_EQ(popper.ack({.group = "g", .topic = "none", .token = 1}).error().error.code,
            Errc::kTopicNotFound);
  EXPECT_EQ(popper.change({.group = "g", .topic = "T"}, -1).error().error.code,
            Errc::kInvalidArgument);
  switches.permission = 0;
  EXPECT_EQ(popper.pop(ask()).error().code, Errc::kNoPermission);
}

// ---- waiting

TEST_F(PopperTest, AnArrivalWakesOneOfAGroup) {
  Woken first;
  Woken second;
  std::unique_ptr<PullWaiter> waiter = std::make_unique<TestWaiter>(first);
  EXPECT_EQ(popper.park(ask(), 5'000, ChannelId{1}, waiter), ParkOutcome::kParked);
  waiter = std::make_unique<TestWaiter>(second);
  EXPECT_EQ(popper.park(ask(), 5'000, ChannelId{2}, waiter), ParkOutcome::kParked);
  EXPECT_EQ(popper.parked("g", "T", -1), 2U);
  send_many(1);
  EXPECT_EQ(first.times, 1);
  EXPECT_EQ(second.times, 0);
  // The first takes less than there is: the second is woken by it.
  send_many(3);
  EXPECT_EQ(second.times, 1);
}

TEST_F(PopperTest, ARowThatBecomesReadyWakes) {
  send_many(1);
  give(ask());
  Woken woken;
  std::unique_ptr<PullWaiter> waiter = std::make_unique<TestWaiter>(woken);
  ASSERT_EQ(popper.park(ask(), 60'000, ChannelId{1}, waiter), ParkOutcome::kParked);
  clock.advance_ms(9'000);
  popper.tick();
  EXPECT_EQ(woken.times, 0);
  clock.advance_ms(1'000);
  popper.tick();
  EXPECT_EQ(woken.times, 1);
  EXPECT_EQ(woken.reason, WakeReason::kArrived);
}

TEST_F(PopperTest, TheAckThatFreesAnOrderedQueueWakes) {
  send_many(2);
  PopRequest order = ask(1);
  order.order = true;
  const auto given = give(order);
  Woken woken;
  std::unique_ptr<PullWaiter> waiter = std::make_unique<TestWaiter>(woken);
  ASSERT_EQ(popper.park(order, 60'000, ChannelId{1}, waiter), ParkOutcome::kParked);
  EXPECT_TRUE(ack(given[0]));
  EXPECT_EQ(woken.times, 1);
}

TEST_F(PopperTest, DeadlinesAndClosedChannelsEndTheWait) {
  Woken late;
  Woken closed;
  std::unique_ptr<PullWaiter> waiter = std::make_unique<TestWaiter>(late);
  ASSERT_EQ(popper.park(ask(), 100, ChannelId{1}, waiter), ParkOutcome::kParked);
  waiter = std::make_unique<TestWaiter>(closed);
  ASSERT_EQ(popper.park(ask(), 60'000, ChannelId{2}, waiter), ParkOutcome::kParked);
  clock.advance_ms(100);
  popper.tick();
  EXPECT_EQ(late.reason, WakeReason::kDeadline);
  popper.waiting().close(ChannelId{2});
  EXPECT_EQ(closed.reason, WakeReason::kClosed);
  EXPECT_EQ(popper.waiting().size(), 0U);
  options.parked_pulls_max = 0;
  waiter = std::make_unique<TestWaiter>(late);
  EXPECT_EQ(popper.park(ask(), 100, ChannelId{1}, waiter), ParkOutcome::kFull);
}

TEST_F(PopperTest, ProgressShowsWhatIsInFlight) {
  send_many(5);
  const auto given = give(ask(3));
  EXPECT_TRUE(ack(given[0]));
  const ConsumeStats progress = admin.consume_stats("g", {"T"});
  ASSERT_EQ(progress.rows.size(), 1U);
  EXPECT_EQ(progress.rows[0].broker_offset.value, 5);
  EXPECT_EQ(progress.rows[0].consumer_offset.value, 1);
  EXPECT_EQ(progress.rows[0].pull_offset.value, 3);
}

}  // namespace
}  // namespace oncemq::broker
