#include "model/config_json.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq::model {
namespace {

using testing::ElementsAre;

Json parsed(std::string_view text) {
  Result<Json> json = Json::parse(text);
  EXPECT_TRUE(json) << text;
  return json ? *json : Json();
}

constexpr std::string_view kTopic =
    R"({"attributes":{"a":"b"},"order":true,"perm":4,"readQueueNums":3,"topicFilterType":"MULTI_TAG",)"
    R"("topicName":"T","topicSysFlag":2,"writeQueueNums":5})";

TEST(ConfigJson, Topic) {
  const Result<TopicConfig> topic = topic_config_from_json(parsed(kTopic));
  ASSERT_TRUE(topic);
  EXPECT_EQ(*topic, (TopicConfig{.name = "T",
                                 .read_queues = 3,
                                 .write_queues = 5,
                                 .perm = 4,
                                 .multi_tag = true,
                                 .sys_flag = 2,
                                 .order = true,
                                 .attributes = {{"a", "b"}}}));
  EXPECT_EQ(to_json(*topic).dump(), kTopic);
}

TEST(ConfigJson, GroupKeepsWhatNothingReads) {
  constexpr std::string_view kGroup =
      R"({"attributes":{},"brokerId":1,"consumeBroadcastEnable":false,"consumeEnable":false,)"
      R"("consumeFromMinEnable":false,"consumeMessageOrderly":true,"consumeTimeoutMinute":7,)"
      R"("groupName":"g","groupRetryPolicy":{"type":"EXPONENTIAL","exponentialRetryPolicy":)"
      R"({"initial":5000}},"groupSysFlag":3,"notifyConsumerIdsChangedEnable":false,)"
      R"("retryMaxTimes":4,"retryQueueNums":2,"subscriptionDataSet":[{"topic":"T"}],)"
      R"("whichBrokerWhenConsumeSlowly":9})";
  const Result<GroupConfig> group = group_config_from_json(parsed(kGroup));
  ASSERT_TRUE(group);
  EXPECT_EQ(group->name, "g");
  EXPECT_EQ(group->retry_max_times, 4);
  EXPECT_EQ(group->which_broker_when_slow, 9);
  EXPECT_EQ(group->subscription_json, R"([{"topic":"T"}])");
  EXPECT_EQ(to_json(*group).dump(), kGroup);
}

TEST(ConfigJson, AbsentMembersAreDefaults) {
  const Result<GroupConfig> group = group_config_from_json(parsed(R"({"groupName":"g"})"));
  ASSERT_TRUE(group);
  EXPECT_EQ(*group, GroupConfig{.name = "g"});
  EXPECT_EQ(
      to_json(*group).dump(),
      R"({"attributes":{},"brokerId":0,"consumeBroadcastEnable":true,"consumeEnable":true,)"
      R"("consumeFromMinEnable":true,"consumeMessageOrderly":false,"consumeTimeoutMinute":15,)"
      R"("groupName":"g","groupRetryPolicy":{"type":"CUSTOMIZED"},"groupSysFlag":0,)"
      R"("notifyConsumerIdsChangedEnable":true,"retryMaxTimes":16,"retryQueueNums":1,)"
      R"("whichBrokerWhenConsumeSlowly":1})");
}

TEST(ConfigJson, Subscription) {
  const Result<Subscription> subscription = subscription_from_json(parsed(
      R"({"topic":"T","subString":"a||b","codeSet":[97,98],"tagsSet":["a","b"],"subVersion":5})"));
  ASSERT_TRUE(subscription);
  EXPECT_THAT(subscription->tags, ElementsAre("a", "b"));
  EXPECT_EQ(
      to_json(*subscription).dump(),
      R"({"classFilterMode":false,"codeSet":[97,98],"expressionType":"TAG","subString":"a||b",)"
      R"("subVersion":5,"tagsSet":["a","b"],"topic":"T"})");
  const Result<Subscription> all = subscription_from_json(parsed(R"({"topic":"T"})"));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->expression, "*");
  EXPECT_TRUE(all->matches_all());
}

TEST(ConfigJson, Tables) {
  const DataVersion version{.state_version = 0, .timestamp = 17, .counter = 5};
  const TopicTableMap topics{{"T", {.name = "T"}}, {"U", {.name = "U", .perm = 2}}};
  const Result<TopicTableFile> topic_file =
      topic_table_from_json(parsed(topic_table_to_json(topics, version).dump()));
  ASSERT_TRUE(topic_file);
  EXPECT_EQ(topic_file->topics, topics);
  EXPECT_EQ(topic_file->version, version);

  const GroupTableMap groups{{"g", {.name = "g", .retry_max_times = 2}}};
  const ForbiddenTable forbidden{{"g", {{"T", 1}}}};
  const Result<GroupTableFile> group_file =
      group_table_from_json(parsed(group_table_to_json(groups, forbidden, version).dump()));
  ASSERT_TRUE(group_file);
  EXPECT_EQ(group_file->groups, groups);
  EXPECT_EQ(group_file->forbidden, forbidden);
}

TEST(ConfigJson, AnEntryWithoutANameIsCalledLikeItsKey) {
  const Result<TopicTableFile> file =
      topic_table_from_json(parsed(R"({"topicConfigTable":{"T":{"perm":2}}})"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->topics.at("T").name, "T");
}

TEST(ConfigJson, OffsetsAsUpstreamWritesThem) {
  const Result<OffsetTableFile> file = offset_table_from_json(parsed(
      R"({"dataVersion":{"counter":1},"groupTopicMap":{"g":["T"]},"offsetTable":{"T@g":{0:15,1:9}}})"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->offsets.at("T@g").at(0), 15);
  EXPECT_EQ(file->offsets.at("T@g").at(1), 9);
  EXPECT_EQ(
      offset_table_to_json(*file).dump(),
      R"({"dataVersion":{"counter":1,"stateVersion":0,"timestamp":0},"groupTopicMap":{"g":["T"]},)"
      R"("offsetTable":{"T@g":{"0":15,"1":9}}})");
}

TEST(ConfigJson, DelayOffsets) {
  const Result<DelayOffsetFile> file =
      delay_offset_from_json(parsed(R"({"offsetTable":{1:100,2:57}})"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->offsets.at(2), 57);
  EXPECT_EQ(
      delay_offset_to_json(*file).dump(),
      R"({"dataVersion":{"counter":0,"stateVersion":0,"timestamp":0},"offsetTable":{"1":100,"2":57}})");
}

TEST(ConfigJson, WhatIsBrokenIsRefusedAndNeverEmpty) {
  const auto refused = [](const auto& result) {
    return !result.has_value() && result.error().code == Errc::kBadBytes;
  };
  EXPECT_TRUE(refused(topic_config_from_json(parsed("[]"))));
  EXPECT_TRUE(refused(topic_config_from_json(parsed(R"({"perm":{}})"))));
  EXPECT_TRUE(refused(group_config_from_json(parsed(R"({"groupName":[]})"))));
  EXPECT_TRUE(refused(data_version_from_json(parsed("7"))));
  EXPECT_TRUE(refused(subscription_from_json(parsed(R"({"codeSet":7})"))));
  EXPECT_TRUE(refused(topic_table_from_json(parsed("{}"))));
  EXPECT_TRUE(refused(topic_table_from_json(parsed(R"({"topicConfigTable":[]})"))));
  EXPECT_TRUE(refused(topic_table_from_json(parsed(R"({"topicConfigTable":{"T":1}})"))));
  EXPECT_TRUE(refused(topic_table_from_json(parsed(R"({"topicConfigTable":{},"dataVersion":1})"))));
  EXPECT_TRUE(refused(group_table_from_json(parsed("{}"))));
  EXPECT_TRUE(refused(
      group_table_from_json(parsed(R"({"subscriptionGroupTable":{},"forbiddenTable":1})"))));
  EXPECT_TRUE(refused(offset_table_from_json(parsed("{}"))));
  EXPECT_TRUE(refused(offset_table_from_json(parsed(R"({"offsetTable":{"T@g":{"x":1}}})"))));
  EXPECT_TRUE(refused(offset_table_from_json(parsed(R"({"offsetTable":{},"onceResets":7})"))));
  EXPECT_TRUE(refused(delay_offset_from_json(parsed("{}"))));
  EXPECT_TRUE(refused(delay_offset_from_json(parsed(R"({"offsetTable":{"x":1}})"))));
}

}  // namespace
}  // namespace oncemq::model
