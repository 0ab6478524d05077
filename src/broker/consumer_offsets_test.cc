#include "broker/consumer_offsets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/fixture.h"

namespace oncemq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ConsumerOffsetsTest : public ::testing::Test, protected Nouns {
 protected:
  void commit(std::string_view group, std::string_view topic, std::int32_t queue,
              std::int64_t offset) {
    ASSERT_TRUE(offsets.commit(group, topic, queue, {offset}).has_value());
  }
  std::int64_t stored(std::string_view group, std::string_view topic, std::int32_t queue) const {
    const auto offset = offsets.query(group, topic, queue);
    return offset.has_value() ? offset->value : -1;
  }
};

TEST_F(ConsumerOffsetsTest, LastCommitWinsEvenWhenSmaller) {
  EXPECT_EQ(stored("g", "T", 0), -1);
  commit("g", "T", 0, 10);
  commit("g", "T", 0, 7);
  commit("g", "T", 1, 1);
  EXPECT_EQ(stored("g", "T", 0), 7);
  EXPECT_EQ(stored("g", "T", 1), 1);
  EXPECT_EQ(stored("g", "U", 0), -1);
  EXPECT_EQ(stored("h", "T", 0), -1);
}

TEST_F(ConsumerOffsetsTest, DirtyOnlyAfterAChange) {
  EXPECT_FALSE(offsets.take_dirty());
  commit("g", "T", 0, 10);
  EXPECT_TRUE(offsets.take_dirty());
  EXPECT_FALSE(offsets.take_dirty());
  commit("g", "T", 0, 10);
  EXPECT_FALSE(offsets.take_dirty());
}

TEST_F(ConsumerOffsetsTest, ResetIsHandedOutOnceAndShieldsFromOldCommits) {
  commit("g", "T", 0, 10);
  commit("g", "T", 1, 10);
  ASSERT_TRUE(offsets.assign_reset("g", "T", 0, {3}).has_value());
  EXPECT_EQ(stored("g", "T", 0), 3);
  commit("g", "T", 0, 11);  // from the pull that was under way
  commit("g", "T", 1, 11);
  EXPECT_EQ(stored("g", "T", 0), 3);
  EXPECT_EQ(stored("g", "T", 1), 11);
  EXPECT_EQ(offsets.take_reset("g", "T", 1), std::nullopt);
  EXPECT_EQ(offsets.take_reset("h", "T", 0), std::nullopt);
  EXPECT_EQ(offsets.take_reset("g", "T", 0)->value, 3);
  EXPECT_EQ(offsets.take_reset("g", "T", 0), std::nullopt);
  commit("g", "T", 0, 4);
  EXPECT_EQ(stored("g", "T", 0), 4);
}

TEST_F(ConsumerOffsetsTest, WhoConsumesWhat) {
  commit("g", "T", 0, 1);
  commit("g", "A", 0, 1);
  commit("h", "T", 0, 1);
  EXPECT_THAT(offsets.topics_of("g"), ElementsAre("A", "T"));
  EXPECT_THAT(offsets.groups_of("T"), ElementsAre("g", "h"));
  EXPECT_THAT(offsets.topics_of("x"), IsEmpty());
  EXPECT_EQ(offsets.queues("g", "T").size(), 1U);
  EXPECT_TRUE(offsets.queues("g", "nothing").empty());
  std::vector<std::string> rows;
  offsets.for_each([&](const std::string& topic, const std::string& group, const auto& table) {
    rows.push_back(topic + "@" + group + "=" + std::to_string(table.size()));
  });
  EXPECT_THAT(rows, ElementsAre("A@g=1", "T@g=1", "T@h=1"));
}

TEST_F(ConsumerOffsetsTest, CloneAndRemove) {
  commit("g", "T", 0, 5);
  commit("g", "T", 1, 6);
  commit("g", "U", 0, 7);
  ASSERT_TRUE(offsets.clone("g", "h", "T").has_value());
  ASSERT_TRUE(offsets.clone("g", "h", "nothing").has_value());
  EXPECT_EQ(stored("h", "T", 1), 6);
  EXPECT_EQ(stored("h", "U", 0), -1);
  ASSERT_TRUE(offsets.assign_reset("g", "T", 0, {1}).has_value());
  offsets.remove_group("g");
  EXPECT_EQ(stored("g", "T", 0), -1);
  EXPECT_EQ(offsets.take_reset("g", "T", 0), std::nullopt);
  EXPECT_EQ(stored("h", "T", 0), 5);
  (void)offsets.take_dirty();
  offsets.remove_topic("T");
  EXPECT_EQ(stored("h", "T", 0), -1);
  EXPECT_TRUE(offsets.take_dirty());
}

TEST_F(ConsumerOffsetsTest, BoundIsGivenBackByRemoval) {
  options.offsets_max = 2;
  commit("g", "T", 0, 1);
  commit("g", "T", 1, 1);
  EXPECT_EQ(offsets.commit("g", "T", 2, {1}).error().code, Errc::kBusy);
  EXPECT_EQ(offsets.commit("g", "U", 0, {1}).error().code, Errc::kBusy);
  EXPECT_EQ(offsets.assign_reset("g", "U", 0, {1}).error().code, Errc::kBusy);
  EXPECT_EQ(offsets.take_reset("g", "U", 0), std::nullopt);
  EXPECT_EQ(offsets.clone("g", "h", "T").error().code, Errc::kBusy);
  EXPECT_TRUE(offsets.queues("g", "U").empty());
  commit("g", "T", 0, 2);
  offsets.remove_topic("T");
  commit("g", "U", 0, 1);
}

TEST_F(ConsumerOffsetsTest, WhatIsDumpedIsLoadedAgain) {
  commit("g", "T", 0, 5);
  commit("g", "T", 12, 6);
  ConsumerOffsets other(options, clock);
  ASSERT_TRUE(other.load(offsets.dump()).has_value());
  EXPECT_EQ(other.queues("g", "T"), offsets.queues("g", "T"));
  EXPECT_FALSE(other.take_dirty());
  EXPECT_TRUE(other.load("").has_value());
}

TEST_F(ConsumerOffsetsTest, AResetThatWaitsOutlivesTheProcess) {
  commit("g", "T", 0, 10);
  commit("g", "T", 1, 10);
  commit("h", "T", 0, 10);
  ASSERT_TRUE(offsets.assign_reset("g", "T", 0, {3}).has_value());
  ASSERT_TRUE(offsets.assign_reset("g", "T", 1, {10}).has_value());
  (void)offsets.take_dirty();
  EXPECT_EQ(offsets.take_reset("g", "T", 1)->value, 10);
  EXPECT_TRUE(offsets.take_dirty());
  ConsumerOffsets other(options, clock);
  ASSERT_TRUE(other.load(offsets.dump()).has_value());
  // A consumer that has not heard of it goes on where it was.
  ASSERT_TRUE(other.commit("g", "T", 0, {11}).has_value());
  EXPECT_EQ(other.query("g", "T", 0)->value, 3);
  EXPECT_EQ(other.take_reset("g", "T", 1), std::nullopt);
  EXPECT_EQ(other.take_reset("h", "T", 0), std::nullopt);
  EXPECT_EQ(other.take_reset("g", "T", 0)->value, 3);
  EXPECT_EQ(other.take_reset("g", "T", 0), std::nullopt);
  EXPECT_EQ(other.dump().find("onceResets"), std::string::npos);
}

TEST_F(ConsumerOffsetsTest, AResetToWhereTheGroupStandsIsSavedToo) {
  commit("g", "T", 0, 3);
  (void)offsets.take_dirty();
  ASSERT_TRUE(offsets.assign_reset("g", "T", 0, {3}).has_value());
  EXPECT_TRUE(offsets.take_dirty());
}

TEST_F(ConsumerOffsetsTest, AResetThatApacheServedMeanwhileIsForgotten) {
  ASSERT_TRUE(offsets
                  .load("{\"offsetTable\":{\"T@g\":{\"0\":8,\"1\":3}},"
                        "\"onceResets\":{\"T@g\":{\"0\":3,\"1\":3,\"2\":3},\"U@g\":{\"0\":1}}}")
                  .has_value());
  EXPECT_EQ(offsets.take_reset("g", "T", 0), std::nullopt);
  EXPECT_EQ(offsets.take_reset("g", "T", 2), std::nullopt);
  EXPECT_EQ(offsets.take_reset("g", "U", 0), std::nullopt);
  EXPECT_EQ(offsets.take_reset("g", "T", 1)->value, 3);
}

TEST_F(ConsumerOffsetsTest, ReadsWhatTheJavaSideWrites) {
  ASSERT_TRUE(offsets
                  .load("{\"dataVersion\":{\"counter\":3,\"stateVersion\":0,\"timestamp\":1},"
                        "\"groupTopicMap\":{\"g\":[\"T\"]},"
                        "\"offsetTable\":{\"T@g\":{0:15,1:9},\"nonsense\":{0:1}}}")
                  .has_value());
  EXPECT_EQ(stored("g", "T", 0), 15);
  EXPECT_EQ(stored("g", "T", 1), 9);
}

TEST_F(ConsumerOffsetsTest, BrokenFileIsCorrupt) {
  for (const char* text : {"{", "[]"})
    EXPECT_EQ(offsets.load(text).error().code, Errc::kCorrupt) << text;
}

}  // namespace
}  // namespace oncemq::broker
