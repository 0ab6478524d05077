#include "broker/message_query.h"

#include <gtest/gtest.h>

#include "broker/fixture.h"

namespace oncemq::broker {
namespace {

class MessageQueryTest : public ::testing::Test, protected Nouns {
 protected:
  MessageQueryTest() { make_topic("T"); }
};

TEST_F(MessageQueryTest, ByOffset) {
  const store::Appended sent = send("T", "x");
  const auto span = query.by_offset(sent.log_offset);
  ASSERT_TRUE(span.has_value());
  EXPECT_EQ(span->bytes.size(), static_cast<std::size_t>(sent.size));
  EXPECT_EQ(query.by_offset({sent.log_offset.value + 1}).error().code, Errc::kMessageNotFound);
}

TEST_F(MessageQueryTest, ByKeyNewestFirstWithItsPlace) {
  send("T", "a", pairs("UNIQ_KEY=1;KEYS=k"));
  clock.advance_ms(10);
  const store::Appended last = send("T", "b", pairs("UNIQ_KEY=2;KEYS=k"));
  const std::int64_t now = clock.wall_ms();
  const auto found =
      query.by_key({.topic = "T", .key = "k", .max = 10, .begin_ms = 0, .end_ms = now});
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->records.size(), 2U);
  EXPECT_EQ(found->index_offset, last.log_offset);
  EXPECT_EQ(found->index_timestamp, now);
  EXPECT_EQ(
      query.by_key({.topic = "T", .key = "k", .begin_ms = 0, .end_ms = now - 1})->records.size(),
      1U);
  EXPECT_EQ(query.by_key({.topic = "U", .key = "k", .end_ms = now}).error().code,
            Errc::kMessageNotFound);
}

TEST_F(MessageQueryTest, NumberOfAnswersIsBounded) {
  (void)query.by_key({.topic = "T", .key = "k", .max = 1'000});
  EXPECT_EQ(store.last_query.max, 64);
  (void)query.by_key({.topic = "T", .key = "k", .max = 0});
  EXPECT_EQ(store.last_query.max, 1);
  (void)query.by_key({.topic = "T", .key = "k", .max = 64, .unique = true});
  EXPECT_EQ(store.last_query.max, 32);
}

TEST_F(MessageQueryTest, QueueBounds) {
  EXPECT_EQ(query.earliest_store_time("T", 0), -1);
  const std::int64_t first = clock.wall_ms();
  send("T", "a");
  clock.advance_ms(10);
  send("T", "b");
  EXPECT_EQ(query.max_offset("T", 0)->value, 2);
  EXPECT_EQ(query.min_offset("T", 0)->value, 0);
  EXPECT_EQ(query.earliest_store_time("T", 0), first);
  EXPECT_EQ(query.offset_by_time("T", 0, first + 1, store::Boundary::kLower)->value, 1);
  EXPECT_EQ(query.offset_by_time("T", 0, first + 1, store::Boundary::kUpper)->value, 0);
  store.fake("T", 0).cut(1);
  EXPECT_EQ(query.min_offset("T", 0)->value, 1);
}

TEST_F(MessageQueryTest, UnknownQueues) {
  EXPECT_EQ(query.max_offset("U", 0).error().code, Errc::kTopicNotFound);
  EXPECT_EQ(query.min_offset("T", 4).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(query.offset_by_time("T", -1, 0, store::Boundary::kLower).error().code,
            Errc::kInvalidArgument);
  EXPECT_EQ(query.earliest_store_time("U", 0).error().code, Errc::kTopicNotFound);
  // A topic that was made narrower can still be asked about its former queues.
  send("T", "a", {}, 3);
  make_topic("T", 2);
  EXPECT_EQ(query.max_offset("T", 3)->value, 1);
}

TEST_F(MessageQueryTest, ConsumerOffset) {
  const auto offset = [&](bool zero) { return query.consumer_offset("g", "T", 0, zero); };
  EXPECT_EQ(offset(true).error().code, Errc::kOffsetNotFound);  // nothing is stored there yet
  send("T", "a");
  EXPECT_EQ(offset(true)->value, 0);
  EXPECT_EQ(offset(false).error().code, Errc::kOffsetNotFound);
  store.fake("T", 0).cut(1);
  EXPECT_EQ(offset(true).error().code, Errc::kOffsetNotFound);
  store.fake("T", 0).cut(0);
  options.warm_log_bytes = 10;
  EXPECT_EQ(offset(true).error().code, Errc::kOffsetNotFound);  // no longer in memory
  ASSERT_TRUE(offsets.commit("g", "T", 0, {7}).has_value());
  EXPECT_EQ(offset(false)->value, 7);
  EXPECT_EQ(query.consumer_offset("g", "U", 0, true).error().code, Errc::kOffsetNotFound);
}

}  // namespace
}  // namespace oncemq::broker
