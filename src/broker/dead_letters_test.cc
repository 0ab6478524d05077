#include "broker/dead_letters.h"

#include <gtest/gtest.h>

#include "broker/fixture.h"
#include "model/message_id.h"

namespace oncemq::broker {
namespace {

namespace property = model::property;

class DeadLettersTest : public ::testing::Test, protected Nouns {
 protected:
  DeadLettersTest() {
    make_topic("T");
    EXPECT_TRUE(groups.find_or_create("g").has_value());
    dead_letters.tick();
  }

  // A message of T that group g gave up.
  model::LogOffset letter(std::string_view properties = "") {
    std::string all = pairs("UNIQ_KEY=U;KEYS=k;TAGS=red;a=1");
    all += properties;
    const store::Appended failed = send("T", "body", all);
    SendBatch one;
    auto staged = send_back.stage(
        {.group = "g", .offset = failed.log_offset, .delay_level = -1, .consumer = "10.0.0.9:1"},
        one);
    EXPECT_TRUE(staged.has_value());
    sender.commit(one);
    return one.outcome(*staged).items.front().result.log_offset;
  }
  Result<DeadLetters::Done> order(model::LogOffset at,
                                  LetterOrder what = LetterOrder::kReplayToGroup) {
    return dead_letters.order({.group = "g", .letter = at, .order = what, .by = "ann"});
  }
  Errc refused(const DeadLetters::Request& request) {
    const auto done = dead_letters.order(request);
    EXPECT_FALSE(done.has_value());
    return done ? Errc::kInternal : done.error().code;
  }
  std::uint64_t replays_counted() const {
    return stats.causes().of_group("g")[static_cast<std::size_t>(Cause::kReplayed)];
  }
  // What a restarted broker knows.
  DeadLetters restarted() {
    return {options, switches, topics, groups, store, stats.causes(), clock};
  }
};

TEST_F(DeadLettersTest, ReplayKeepsTheMessageAndSaysSo) {
  const model::LogOffset at = letter();
  const auto done = order(at);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_FALSE(done->already);
  ASSERT_EQ(store.count("%RETRY%g", 0), 1U);
  EXPECT_EQ(store.count("T", 0), 1U);  // nobody else sees it again
  const model::RecordView copy = store.record("%RETRY%g", 0, 0);
  EXPECT_EQ(copy.log_offset, done->mark.copy);
  EXPECT_EQ(as_text(copy.body), "body");
  EXPECT_EQ(copy.reconsume_times, 0);
  EXPECT_EQ(copy.born_timestamp, 1'600'000'000'000);
  EXPECT_EQ(property_of(copy, property::kUniqueKey), "U");
  EXPECT_EQ(property_of(copy, property::kKeys), "k");
  EXPECT_EQ(property_of(copy, property::kRetryTopic), "T");
  EXPECT_EQ(property_of(copy, "a"), "1");
  EXPECT_EQ(property_of(copy, property::kReplayOf), model::offset_message_id(options.address, at));
  EXPECT_EQ(property_of(copy, property::kReplayBy), "ann");
  EXPECT_EQ(property_of(copy, property::kReplayCount), "1");
  EXPECT_EQ(property_of(copy, property::kReplayTime), std::to_string(clock.wall_ms()));
  EXPECT_EQ(store.tags_code("%RETRY%g", 0, 0), model::tags_code("red"));
  EXPECT_EQ(replays_counted(), 1U);
}

TEST_F(DeadLettersTest, OnlyOnce) {
  const model::LogOffset at = letter();
  const auto first = order(at);
  ASSERT_TRUE(first.has_value());
  clock.advance_ms(1'000);
  const auto second = order(at, LetterOrder::kReplayToTopic);
  ASSERT_TRUE(second.has_value());
  EXPECT_TRUE(second->already);
  EXPECT_EQ(second->mark.order, LetterOrder::kReplayToGroup);
  EXPECT_EQ(second->mark.copy, first->mark.copy);
  EXPECT_EQ(second->mark.time_ms, first->mark.time_ms);
  EXPECT_EQ(replays_counted(), 1U);
  EXPECT_EQ(store.count("%RETRY%g", 0), 1U);
  EXPECT_EQ(store.count("T", 0), 1U);
}

TEST_F(DeadLettersTest, OnlyOnceAcrossARestart) {
  const model::LogOffset at = letter();
  ASSERT_TRUE(order(at).has_value());
  DeadLetters later = restarted();
  const DeadLetters::Request request{.group = "g", .letter = at};
  const auto early = later.order(request);
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().code, Errc::kNotReady);
  EXPECT_FALSE(later.mark_of(at).has_value());
  later.tick();
  const auto done = later.order(request);
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(done->already);
  EXPECT_EQ(done->mark.by, "ann");
  EXPECT_EQ(store.count("%RETRY%g", 0), 1U);
}

// The log was cut between mark and copy, and something else was written there since.
TEST_F(DeadLettersTest, MarkWithoutItsCopyDoesNotCount) {
  const model::LogOffset at = letter();
  ASSERT_TRUE(topics
                  .ensure({.name = std::string(model::topic::kDeadLetterMark),
                           .read_queues = 1,
                           .write_queues = 1})
                  .has_value());
  const std::string properties =
      pairs("MARK=group;MARK_GROUP=g;MARK_BY=ann;MARK_TIME=5;MARK_OF=" + std::to_string(at.value));
  store::AppendItem torn;
  torn.message.topic = model::topic::kDeadLetterMark;
  torn.message.body = as_bytes("group");
  torn.message.properties = properties;
  torn.queue = &store.queue(model::topic::kDeadLetterMark, 0);
  ASSERT_TRUE(store.append({&torn, 1}).has_value());
  send("T", "other", pairs("REPLAY_OF=nonsense"));
  DeadLetters later = restarted();
  later.tick();
  EXPECT_FALSE(later.mark_of(at)->has_value());
  const auto done = later.order({.group = "g", .letter = at});
  ASSERT_TRUE(done.has_value());
  EXPECT_FALSE(done->already);
  // Now it counts, although the torn one is still there.
  DeadLetters latest = restarted();
  latest.tick();
  EXPECT_EQ((*latest.mark_of(at))->copy, done->mark.copy);
}

TEST_F(DeadLettersTest, MarksAreReadInSlices) {
  std::vector<model::LogOffset> all;
  for (std::size_t i = 0; i < DeadLetters::kMarksPerTick + 10; ++i) {
    all.push_back(letter());
    ASSERT_TRUE(order(all.back(), LetterOrder::kPurge).has_value());
  }
  DeadLetters later = restarted();
  EXPECT_EQ(later.tick(), 0);
  EXPECT_FALSE(later.mark_of(all.front()).has_value());
  EXPECT_GT(later.tick(), 0);
  for (const model::LogOffset at : {all.front(), all.back()})
    EXPECT_TRUE(later.mark_of(at)->has_value());
}

TEST_F(DeadLettersTest, LettersThatWaitForNobodyAreCounted) {
  std::vector<model::LogOffset> all;
  for (int i = 0; i < 5; ++i) all.push_back(letter());
  EXPECT_EQ(dead_letters.settled("g"), 0U);
  ASSERT_TRUE(order(all[3]).has_value());
  ASSERT_TRUE(order(all[3]).has_value());  // again: one mark
  ASSERT_TRUE(order(all[1], LetterOrder::kPurge).has_value());
  store.append_errors.push_back({Errc::kBusy, "staging is full"});
  EXPECT_EQ(refused({.group = "g", .letter = all[0]}), Errc::kBusy);
  EXPECT_EQ(dead_letters.settled("g"), 2U);
  EXPECT_EQ(dead_letters.settled("h"), 0U);
  DeadLetters later = restarted();
  EXPECT_FALSE(later.settled("g").has_value());
  later.tick();
  EXPECT_EQ(later.settled("g"), 2U);
  // The first file of the log goes, and with it two letters, one of them purged.
  store.log_min = all[2];
  EXPECT_EQ(dead_letters.settled("g"), 1U);
  EXPECT_EQ(later.settled("g"), 1U);
}

// The letters of a deleted queue are in the log and may be asked for, but nobody sees them.
TEST_F(DeadLettersTest, LettersOfADeletedQueueAreNotCounted) {
  const model::LogOffset first = letter();
  const model::LogOffset second = letter();
  ASSERT_TRUE(order(first).has_value());
  ASSERT_TRUE(admin.delete_topic("%DLQ%g").has_value());
  EXPECT_EQ(dead_letters.settled("g"), 0U);
  ASSERT_TRUE(order(second, LetterOrder::kPurge).has_value());
  EXPECT_EQ(dead_letters.settled("g"), 0U);
  const model::LogOffset third = letter();
  ASSERT_TRUE(order(third).has_value());
  EXPECT_EQ(dead_letters.settled("g"), 1U);
  store.deleted_before = {"%DLQ%g"};
  DeadLetters later = restarted();
  later.tick();
  EXPECT_EQ(later.settled("g"), 0U);
  EXPECT_TRUE((*later.mark_of(first)).has_value());
  store.log_min = third;
  EXPECT_EQ(dead_letters.settled("g"), 1U);
}

TEST_F(DeadLettersTest, PurgedIsNotReplayed) {
  const model::LogOffset at = letter();
  const auto purged = order(at, LetterOrder::kPurge);
  ASSERT_TRUE(purged.has_value());
  EXPECT_EQ(purged->mark.copy.value, -1);
  const auto replay = order(at);
  ASSERT_TRUE(replay.has_value());
  EXPECT_TRUE(replay->already);
  EXPECT_EQ(replay->mark.order, LetterOrder::kPurge);
  EXPECT_EQ(store.count("%RETRY%g", 0), 0U);
}

TEST_F(DeadLettersTest, ToTheTopicForAll) {
  const auto done = order(letter(), LetterOrder::kReplayToTopic);
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(store.count("%RETRY%g", 0), 0U);
  std::size_t copies = 0;
  for (std::int32_t queue = 0; queue < 4; ++queue) copies += store.count("T", queue);
  EXPECT_EQ(copies, 2U);
}

TEST_F(DeadLettersTest, LivesAreCounted) {
  ASSERT_TRUE(order(letter()).has_value());
  const model::RecordView first = store.record("%RETRY%g", 0, 0);
  SendBatch one;
  auto staged = send_back.stage({.group = "g", .offset = first.log_offset, .delay_level = -1}, one);
  ASSERT_TRUE(staged.has_value());
  sender.commit(one);
  ASSERT_TRUE(order(one.outcome(*staged).items.front().result.log_offset).has_value());
  ASSERT_EQ(store.count("%RETRY%g", 0), 2U);
  const model::RecordView second = store.record("%RETRY%g", 0, 1);
  EXPECT_EQ(property_of(second, property::kReplayCount), "2");
  const std::string text(second.properties);
  EXPECT_EQ(text.find("REPLAY_OF"), text.rfind("REPLAY_OF"));
}

TEST_F(DeadLettersTest, FailedAppendGivesTheClaimBack) {
  const model::LogOffset at = letter();
  store.append_errors.push_back({Errc::kBusy, "staging is full"});
  EXPECT_EQ(refused({.group = "g", .letter = at}), Errc::kBusy);
  const auto done = order(at);
  ASSERT_TRUE(done.has_value());
  EXPECT_FALSE(done->already);
}

TEST_F(DeadLettersTest, Refusals) {
  const model::LogOffset at = letter();
  const store::Appended plain = send("T", "plain");
  EXPECT_EQ(refused({.group = "g", .letter = plain.log_offset}), Errc::kMessageNotFound);
  EXPECT_EQ(refused({.group = "h", .letter = at}), Errc::kMessageNotFound);
  EXPECT_EQ(refused({.group = "g", .letter = {at.value + 1}}), Errc::kMessageNotFound);
  ASSERT_TRUE(topics.remove("T").has_value());
  EXPECT_EQ(refused({.group = "g", .letter = at, .order = LetterOrder::kReplayToTopic}),
            Errc::kTopicNotFound);
  switches.permission = model::perm::kRead;
  EXPECT_EQ(refused({.group = "g", .letter = at}), Errc::kNoPermission);
  switches.permission = model::perm::kRead | model::perm::kWrite;
  ASSERT_TRUE(groups.remove("g").has_value());
  EXPECT_EQ(refused({.group = "g", .letter = at}), Errc::kGroupNotFound);
  EXPECT_EQ(store.count("%RETRY%g", 0), 0U);
}

TEST_F(DeadLettersTest, CauseAndAttemptsAreOnTheLetter) {
  letter();
  const model::RecordView refused_letter = store.record("%DLQ%g", 0, 0);
  EXPECT_EQ(property_of(refused_letter, property::kDeadCause), "refused");
  EXPECT_EQ(property_of(refused_letter, property::kRetryAttempts),
            std::to_string(clock.wall_ms()) + "@10.0.0.9:1");
}

TEST(NoteAttempt, KeepsTheLastSixteen) {
  std::string properties = pairs("a=1");
  for (int i = 0; i < 40; ++i) note_attempt(properties, i, "h:1", 32'000);
  const std::string attempts(
      model::find_property(properties, property::kRetryAttempts).value_or(""));
  EXPECT_EQ(std::count(attempts.begin(), attempts.end(), ','), 15);
  EXPECT_TRUE(attempts.starts_with("24@h:1,")) << attempts;
  EXPECT_TRUE(attempts.ends_with(",39@h:1")) << attempts;
}

TEST(NoteAttempt, LeavesFullPropertiesAlone) {
  std::string properties = pairs("a=1");
  const std::string before = properties;
  note_attempt(properties, 1, "h:1", before.size() + 5);
  EXPECT_EQ(properties, before);
}

}  // namespace
}  // namespace oncemq::broker
