#include "broker/timeline.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "broker/fixture.h"
#include "model/message_id.h"

namespace oncemq::broker {
namespace {

class TimelineTest : public ::testing::Test, protected Nouns {
 protected:
  TimelineTest() {
    make_topic("T");
    make_topic("U");
    EXPECT_TRUE(groups.find_or_create("g").has_value());
    EXPECT_TRUE(offsets.commit("g", "T", 0, model::ConsumeOffset{1}).has_value());
    dead_letters.tick();
  }

  Result<Timeline> ask(std::string_view name, std::string_view topic = "T",
                       const DeliveryLedger* ledger = nullptr) {
    return Timelines({.topics = topics,
                      .offsets = offsets,
                      .query = query,
                      .letters = dead_letters,
                      .duplicates = idempotence.report(),
                      .causes = stats.causes(),
                      .ledger = ledger != nullptr ? *ledger : stats.ledger(),
                      .groups = groups,
                      .clients = clients})
        .of(topic, name);
  }
  Timeline told(std::string_view name, std::string_view topic = "T") {
    auto timeline = ask(name, topic);
    EXPECT_TRUE(timeline.has_value()) << timeline.error().message;
    return timeline ? *timeline : Timeline{};
  }
  static std::vector<std::string> whats(const Timeline& timeline) {
    std::vector<std::string> list;
    for (const TimelineRow& row : timeline.rows) list.push_back(row.what);
    return list;
  }
  static const TimelineRow& row(const Timeline& timeline, std::string_view what) {
    const auto found = std::ranges::find(timeline.rows, what, &TimelineRow::what);
    EXPECT_NE(found, timeline.rows.end()) << what;
    return *found;
  }
  static bool notes(const Timeline& timeline, std::string_view words) {
    return std::ranges::any_of(timeline.notes, [&](const std::string& note) {
      return note.find(words) != std::string::npos;
    });
  }
  void give_back(const store::Appended& failed, std::int32_t level) {
    batch.clear();
    const auto staged =
        send_back.stage({.group = "g", .offset = failed.log_offset, .delay_level = level}, batch);
    ASSERT_TRUE(staged.has_value()) << staged.error().message;
    sender.commit(batch);
    ASSERT_FALSE(batch.outcome(*staged).error.has_value());
  }

  using Whats = std::vector<std::string>;
};

TEST_F(TimelineTest, AMessageThatWasSentOnce) {
  send("T", "body", pairs("UNIQ_KEY=A1;KEYS=order-7"), 2);
  const Timeline timeline = told("A1");
  EXPECT_EQ(whats(timeline), (Whats{"sent", "stored"}));
  EXPECT_EQ(timeline.topic, "T");
  EXPECT_EQ(timeline.unique_keys, Whats{"A1"});
  const TimelineRow& stored = row(timeline, "stored");
  EXPECT_EQ(stored.topic, "T");
  EXPECT_EQ(stored.queue_id, 2);
  EXPECT_EQ(stored.offset, 0);
  EXPECT_EQ(stored.at_ms, clock.wall_ms());
  EXPECT_EQ(stored.who, "10.0.0.9:50000");
  EXPECT_EQ(row(timeline, "sent").at_ms, born_ms);
}

TEST_F(TimelineTest, DeliveriesAndAcks) {
  send("T", "body", pairs("UNIQ_KEY=A1"), 2);
  const std::uint64_t queue = DeliveryLedger::queue_key("T", 2);
  const std::uint64_t group = DeliveryLedger::group_key("g");
  const auto add = [&](DeliveryEntry entry) {
    entry.queue = queue;
    clock.advance_ms(1);
    stats.ledger().add(entry);
  };
  add({.group = group, .channel = ChannelId{5}, .range = 32, .messages = 32});
  add({.group = group, .range = 9, .step = DeliveryStep::kPassed});
  add({.group = group, .token = 77, .attempt = 2, .step = DeliveryStep::kPopped});
  add({.group = group, .token = 77, .step = DeliveryStep::kChanged});
  add({.group = group, .token = 78, .step = DeliveryStep::kAcked});
  add({.group = group, .token = 77, .step = DeliveryStep::kStale});
  add({.group = DeliveryLedger::group_key("deleted")});
  add({.group = group, .from = 1, .range = 32});  // another message
  const Timeline timeline = told("A1");
  EXPECT_EQ(whats(timeline), (Whats{"sent", "stored", "pulled", "passed", "popped", "extended",
                                    "acked", "too late"}));
  EXPECT_EQ(row(timeline, "pulled").group, "g");
  EXPECT_EQ(row(timeline, "pulled").at_ms, row(timeline, "stored").at_ms + 1);
  EXPECT_EQ(row(timeline, "popped").sentence, "given to the consumer: delivery 2, handle 77");
}

TEST_F(TimelineTest, SaysSinceWhenDeliveriesAreKnown) {
  send("T", "body", pairs("UNIQ_KEY=A1"));
  for (std::size_t i = 0; i < 16 * DeliveryLedger::kPiece; ++i) stats.ledger().add(DeliveryEntry{});
  EXPECT_EQ(whats(told("A1")), (Whats{"sent", "stored"}));
  clock.advance_ms(9);
  for (std::size_t i = 0; i < 16 * DeliveryLedger::kPiece; ++i) stats.ledger().add(DeliveryEntry{});
  const Timeline timeline = told("A1");
  EXPECT_EQ(whats(timeline), (Whats{"sent", "stored", "known from here"}));
  EXPECT_EQ(row(timeline, "known from here").at_ms, clock.wall_ms());
}

TEST_F(TimelineTest, SaysWhenDeliveriesAreNotRecorded) {
  send("T", "body", pairs("UNIQ_KEY=A1"));
  const DeliveryLedger none(clock, 0);
  auto timeline = ask("A1", "T", &none);
  ASSERT_TRUE(timeline.has_value());
  EXPECT_TRUE(notes(*timeline, "deliveries and acks are not recorded"));
}

TEST_F(TimelineTest, ManyDeliveriesHaveABound) {
  send("T", "body", pairs("UNIQ_KEY=A1"));
  for (std::size_t i = 0; i <= Timelines::kStepsMax; ++i)
    stats.ledger().add(
        {.queue = DeliveryLedger::queue_key("T", 0), .group = DeliveryLedger::group_key("g")});
  const Timeline timeline = told("A1");
  EXPECT_EQ(std::ranges::count(whats(timeline), "pulled"),
            static_cast<std::ptrdiff_t>(Timelines::kStepsMax));
  EXPECT_TRUE(notes(timeline, "the newest are not told"));
}

TEST_F(TimelineTest, WhatHasNoTimeOfBirthIsNotToldAsSent) {
  born_ms = 0;
  send("T", "body", pairs("UNIQ_KEY=A1"));
  EXPECT_EQ(whats(told("A1")), Whats{"stored"});
}

TEST_F(TimelineTest, IsFoundByIdKeyAndWithoutATopic) {
  const store::Appended sent = send("T", "body", pairs("UNIQ_KEY=A1;KEYS=order-7"));
  send("T", "other", pairs("UNIQ_KEY=A2;KEYS=order-8"));
  const std::string id = model::offset_message_id(options.address, sent.log_offset);
  for (const std::string& name : {id, std::string("A1"), std::string("order-7")}) {
    EXPECT_EQ(told(name).unique_keys, Whats{"A1"}) << name;
    EXPECT_EQ(told(name, "").unique_keys, Whats{"A1"}) << name;
  }
  EXPECT_EQ(ask("A1", "U").error().code, Errc::kMessageNotFound);
  EXPECT_EQ(ask("nothing").error().code, Errc::kMessageNotFound);
  EXPECT_EQ(ask("nothing", "").error().code, Errc::kMessageNotFound);
}

TEST_F(TimelineTest, AKeyOfManyTopicsNeedsATopic) {
  for (std::size_t i = 0; i < Timelines::kTopicsMax; ++i) make_topic("many" + std::to_string(i), 1);
  EXPECT_EQ(ask("A1", "").error().code, Errc::kInvalidArgument);
}

TEST_F(TimelineTest, ASendThatWasRepeated) {
  send("T", "body", pairs("UNIQ_KEY=A1"));
  clock.advance_ms(3'000);
  send("T", "body", pairs("UNIQ_KEY=A1"), 1);
  const Timeline timeline = told("A1");
  EXPECT_EQ(whats(timeline), (Whats{"sent", "stored", "stored again"}));
  const TimelineRow& again = row(timeline, "stored again");
  EXPECT_EQ(again.queue_id, 1);
  EXPECT_EQ(again.at_ms - row(timeline, "stored").at_ms, 3'000);
  EXPECT_NE(again.sentence.find("copy 2"), std::string::npos);
}

TEST_F(TimelineTest, ADuplicateThatWasLeftOut) {
  model::TopicConfig config{.name = "I", .read_queues = 4, .write_queues = 4};
  config.attributes = {{"+idempotent.key", "UNIQ_KEY"}};
  ASSERT_TRUE(topics.update(config).has_value());
  ASSERT_TRUE(idempotence.start().has_value());
  idempotence.tick();
  send("I", "body", pairs("UNIQ_KEY=A1"));
  clock.advance_ms(3'000);
  send("I", "body", pairs("UNIQ_KEY=A1"), 1);
  const Timeline timeline = told("A1", "I");
  EXPECT_EQ(whats(timeline), (Whats{"sent", "stored", "left_out"}));
  EXPECT_EQ(row(timeline, "left_out").at_ms, clock.wall_ms());
  EXPECT_FALSE(row(timeline, "left_out").sentence.empty());
}

TEST_F(TimelineTest, RetryAndDeadLetterAndReplay) {
  const store::Appended sent = send("T", "body", pairs("UNIQ_KEY=A1"));
  clock.advance_ms(1'000);
  give_back(sent, 1);
  Timeline timeline = told("A1");
  EXPECT_EQ(whats(timeline), (Whats{"sent", "stored", "waiting", "sent back"}));

  clock.advance_ms(1'000);
  schedule.tick();
  timeline = told("A1");
  ASSERT_EQ(whats(timeline), (Whats{"sent", "stored", "waiting", "sent back", "retry copy"}));
  EXPECT_EQ(timeline.rows[4].group, "g");
  EXPECT_EQ(timeline.rows[4].topic, "%RETRY%g");
  EXPECT_NE(timeline.rows[4].sentence.find("round 1"), std::string::npos);

  clock.advance_ms(1'000);
  give_back({.log_offset = store.record("%RETRY%g", 0, 0).log_offset}, -1);
  clock.advance_ms(1'000);
  const auto letter = store.record("%DLQ%g", 0, 0).log_offset;
  ASSERT_TRUE(dead_letters.order({.group = "g", .letter = letter, .by = "tester"}).has_value());
  timeline = told("A1");
  ASSERT_EQ(whats(timeline), (Whats{"sent", "stored", "waiting", "sent back", "retry copy", "dead",
                                    "replayed", "retry copy"}));
  EXPECT_EQ(timeline.rows[5].group, "g");
  EXPECT_EQ(timeline.rows[6].who, "tester");
  EXPECT_EQ(timeline.rows[7].sentence, "an operator gave a dead letter back");
}

TEST_F(TimelineTest, APurgedLetter) {
  const store::Appended sent = send("T", "body", pairs("UNIQ_KEY=A1"));
  give_back(sent, -1);
  const auto letter = store.record("%DLQ%g", 0, 0).log_offset;
  ASSERT_TRUE(
      dead_letters
          .order({.group = "g", .letter = letter, .order = LetterOrder::kPurge, .by = "tester"})
          .has_value());
  EXPECT_EQ(row(told("A1"), "purged").who, "tester");
}

TEST_F(TimelineTest, RedeliveriesHaveTheirCause) {
  const store::Appended sent = send("T", "body", pairs("UNIQ_KEY=A1"));
  clock.advance_ms(500);
  // A page of three messages that this one is in, one that it is not in, another group's topic.
  stats.causes().count({.cause = Cause::kQueueMoved,
                        .group = "g",
                        .topic = "T",
                        .queue_id = 0,
                        .offset = sent.queue_offset.value,
                        .messages = 3});
  stats.causes().count({.cause = Cause::kOffsetBack,
                        .group = "g",
                        .topic = "T",
                        .queue_id = 0,
                        .offset = sent.queue_offset.value + 1,
                        .messages = 3});
  stats.causes().count({.cause = Cause::kOffsetBack,
                        .group = "g",
                        .topic = "T",
                        .queue_id = 1,
                        .offset = sent.queue_offset.value});
  const Timeline timeline = told("A1");
  EXPECT_EQ(whats(timeline), (Whats{"sent", "stored", "given again"}));
  EXPECT_EQ(row(timeline, "given again").group, "g");
  EXPECT_EQ(row(timeline, "given again").sentence, cause_sentence(Cause::kQueueMoved));
}

TEST_F(TimelineTest, SaysHowGroupsStandAndWhatIsNotKnown) {
  send("T", "one", pairs("UNIQ_KEY=A1"));
  send("T", "two", pairs("UNIQ_KEY=A2"));
  EXPECT_TRUE(notes(told("A1"), "group g is done with queue 0 offset 0: it stands at 1"));
  EXPECT_TRUE(notes(told("A2"), "group g is not done with queue 0 offset 1: it stands at 1"));
  EXPECT_TRUE(notes(told("A1"), "of redeliveries the latest 1000"));
}

TEST_F(TimelineTest, CopiesHaveABound) {
  for (std::size_t i = 0; i < Timelines::kCopiesMax; ++i)
    send("T", "body", pairs("KEYS=same;UNIQ_KEY=A" + std::to_string(i)));
  const Timeline timeline = told("same");
  EXPECT_TRUE(notes(timeline, "more than 64 copies"));
}

}  // namespace
}  // namespace oncemq::broker
