#include "broker/send_repeats.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "broker/fixture.h"

namespace oncemq::broker {
namespace {

std::string key(std::size_t number) {
  return "7F0000012A1C18B4AAC2A2" + std::to_string(1'000'000'000 + number);
}

constexpr std::uint64_t kTopic = 0x6bf0e1c4a9d27315;

TEST(SendRepeats, KnowsWhatItSaw) {
  SendRepeats repeats;
  for (std::size_t i = 0; i < 1'000; ++i) EXPECT_FALSE(repeats.see(kTopic, key(i)));
  for (std::size_t i = 0; i < 1'000; ++i) EXPECT_TRUE(repeats.see(kTopic, key(i)));
  EXPECT_FALSE(repeats.see(kTopic + 1, key(0)));
  EXPECT_FALSE(repeats.see(kTopic, ""));
  EXPECT_TRUE(repeats.see(kTopic, ""));
}

// The oldest of a bucket goes first, so half of the room is always remembered whole, or nearly.
TEST(SendRepeats, ForgetsTheOldest) {
  SendRepeats repeats;
  const std::size_t room = SendRepeats::kBuckets * SendRepeats::kKeys;
  for (std::size_t i = 0; i < 2 * room; ++i) EXPECT_FALSE(repeats.see(kTopic, key(i))) << i;
  std::size_t old = 0;
  for (std::size_t i = 0; i < 1'000; ++i) old += repeats.see(kTopic, key(i)) ? 1U : 0U;
  EXPECT_LT(old, 50U);
  std::size_t latest = 0;
  for (std::size_t i = 2 * room - room / 4; i < 2 * room; ++i)
    latest += repeats.see(kTopic, key(i)) ? 1U : 0U;
  EXPECT_GT(latest, room / 4 * 99 / 100);
}

TEST(SendRepeats, ThreadsAtOneTime) {
  SendRepeats repeats;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&repeats, t] {
      for (std::size_t i = 0; i < 5'000; ++i) repeats.see(kTopic, key(t * 5'000 + i));
    });
  for (std::thread& thread : threads) thread.join();
  std::size_t known = 0;
  for (std::size_t i = 0; i < 20'000; ++i) known += repeats.see(kTopic, key(i)) ? 1U : 0U;
  EXPECT_GT(known, 19'000U);
}

struct RepeatedSendsTest : ::testing::Test, Nouns {
  RepeatedSendsTest() { make_topic("t"); }
  std::uint64_t count() const {
    return stats.causes().totals()[static_cast<std::size_t>(Cause::kSendRepeated)];
  }
};

TEST_F(RepeatedSendsTest, TheSecondCopyIsCounted) {
  const std::vector<std::string> read = {"t"};
  send("t", "body", pairs("UNIQ_KEY=a"));
  send("t", "body", pairs("UNIQ_KEY=b"));
  EXPECT_EQ(count(), 0U);
  const store::Appended second = send("t", "body", pairs("UNIQ_KEY=a"));
  EXPECT_EQ(count(), 1U);
  const auto index = static_cast<std::size_t>(Cause::kSendRepeated);
  EXPECT_EQ(stats.causes().of_group("g", read)[index], 1U);
  EXPECT_EQ(stats.causes().of_group("g")[index], 0U);
  const auto events = stats.causes().recent("g", read);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].cause, Cause::kSendRepeated);
  EXPECT_EQ(events[0].topic, "t");
  EXPECT_EQ(events[0].offset, second.queue_offset.value);
  send("t", "body", pairs("UNIQ_KEY=a"));
  EXPECT_EQ(count(), 2U);
}

TEST_F(RepeatedSendsTest, InOneBatchOfTheLoopToo) {
  const std::string properties = pairs("UNIQ_KEY=a");
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(sender.stage(request("t", "body", properties), batch).has_value());
  sender.commit(batch);
  EXPECT_EQ(count(), 2U);
}

TEST_F(RepeatedSendsTest, WithoutAKeyNothingIsRepeated) {
  send("t", "body");
  send("t", "body");
  EXPECT_EQ(count(), 0U);
}

TEST_F(RepeatedSendsTest, DelayedMessagesHaveNoOffsetYet) {
  send("t", "body", pairs("UNIQ_KEY=a;DELAY=2"));
  send("t", "body", pairs("UNIQ_KEY=a;DELAY=2"));
  EXPECT_EQ(count(), 1U);
  EXPECT_EQ(stats.causes().recent("", std::vector<std::string>{"t"}).front().offset, -1);
}

TEST_F(RepeatedSendsTest, CopiesOfConsumersAndBrokerAreExempt) {
  ASSERT_TRUE(groups.update({.name = "g"}).has_value());
  make_topic("%DLQ%g");
  const store::Appended stored = send("t", "body", pairs("UNIQ_KEY=a"));
  for (int i = 0; i < 2; ++i) {
    send("%RETRY%g", "body", pairs("UNIQ_KEY=a"));
    send("%DLQ%g", "body", pairs("UNIQ_KEY=a"));
    ASSERT_TRUE(send_back.stage({.group = "g", .offset = stored.log_offset}, batch).has_value());
    sender.commit(batch);
    batch.clear();
  }
  send("t", "body", pairs("UNIQ_KEY=h;TRAN_MSG=true;PGROUP=pg"));
  send("t", "body", pairs("UNIQ_KEY=h;TRAN_MSG=true;PGROUP=pg"));
  EXPECT_EQ(count(), 0U);
}

TEST_F(RepeatedSendsTest, ABatchCountsAllItsMessages) {
  const std::string first = pairs("UNIQ_KEY=1");
  const std::string second = pairs("UNIQ_KEY=2");
  const BatchPart parts[] = {{.body = as_bytes("x"), .properties = first},
                             {.body = as_bytes("y"), .properties = second}};
  const std::string header = pairs("UNIQ_KEY=batch");
  for (int i = 0; i < 2; ++i) {
    SendRequest whole = request("t", "xy", header);
    whole.is_batch = true;
    whole.parts = parts;
    ASSERT_TRUE(sender.stage(whole, batch).has_value());
    sender.commit(batch);
    batch.clear();
  }
  EXPECT_EQ(count(), 2U);
}

TEST_F(RepeatedSendsTest, SwitchedOff) {
  options.watch_sends = false;
  Sender off{options,     switches, topics, groups,      locks,
             idempotence, store,    stats,  unique_keys, clock};
  off.set_accepting(true);
  const std::string properties = pairs("UNIQ_KEY=a");
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(off.stage(request("t", "body", properties), batch).has_value());
  off.commit(batch);
  EXPECT_EQ(count(), 0U);
}

// A producer that repeats itself pushes no other event out.
TEST_F(RepeatedSendsTest, EventsAreBoundedApart) {
  Causes& causes = stats.causes();
  causes.count({.cause = Cause::kQueueMoved, .group = "g", .topic = "t"});
  for (std::size_t i = 0; i < Causes::kRecent + 5; ++i)
    causes.count({.cause = Cause::kSendRepeated, .group = {}, .topic = "t"});
  EXPECT_EQ(causes.recent("g").size(), 1U);
  EXPECT_EQ(causes.recent("g", std::vector<std::string>{"t"}).size(), Causes::kRecent + 1);
  std::size_t rows = 0;
  causes.for_each_group([&](std::string_view, const CauseCounts&) { ++rows; });
  EXPECT_EQ(rows, 1U);
}

}  // namespace
}  // namespace oncemq::broker
