#include "broker/group_table.h"

#include <gtest/gtest.h>

#include "broker/fixture.h"

namespace oncemq::broker {
namespace {

class GroupTableTest : public ::testing::Test, protected Nouns {
 protected:
  static model::GroupConfig config(std::string name) {
    model::GroupConfig group;
    group.name = std::move(name);
    return group;
  }
};

TEST_F(GroupTableTest, SystemGroupsAreThereWithoutRetryTopics) {
  ASSERT_NE(groups.find("TOOLS_CONSUMER"), nullptr);
  ASSERT_NE(groups.find("CID_RMQ_SYS_TRANS"), nullptr);
  EXPECT_EQ(groups.size(), model::group::system_groups().size());
  EXPECT_EQ(topics.find("%RETRY%TOOLS_CONSUMER"), nullptr);
}

TEST_F(GroupTableTest, RetryTopicIsMadeAndAnnouncedWithTheGroup) {
  std::vector<std::string> heard;
  topics.set_listener([&](std::span<const std::string> names) { heard.push_back(names[0]); });
  ASSERT_TRUE(groups.find_or_create("g").has_value());
  EXPECT_EQ(heard, std::vector<std::string>{"%RETRY%g"});
  EXPECT_EQ(topics.config("%RETRY%g")->read_queues, 1);
  EXPECT_EQ(topics.config("%RETRY%g")->perm, 6);
  ASSERT_TRUE(groups.find_or_create("g").has_value());
  EXPECT_EQ(heard.size(), 1U);
  model::GroupConfig wide = config("wide");
  wide.retry_queues = 3;
  ASSERT_TRUE(groups.update(wide).has_value());
  EXPECT_EQ(topics.config("%RETRY%wide")->write_queues, 3);
}

TEST_F(GroupTableTest, UnknownGroupIsRefusedWithoutAutoCreation) {
  switches.auto_create_group = false;
  EXPECT_EQ(groups.find_or_create("g").error().code, Errc::kGroupNotFound);
  EXPECT_EQ(groups.find("g"), nullptr);
  EXPECT_TRUE(groups.find_or_create("TOOLS_CONSUMER").has_value());
}

TEST_F(GroupTableTest, Refusals) {
  EXPECT_EQ(groups.find_or_create("a b").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(groups.update(config("a b")).error().code, Errc::kInvalidArgument);
  model::GroupConfig strange = config("g");
  strange.retry_queues = -1;
  EXPECT_EQ(groups.update(strange).error().code, Errc::kInvalidArgument);
  strange = config("g");
  strange.attributes = {{"plain", "x"}};
  EXPECT_EQ(groups.update(strange).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(groups.remove("CID_RMQ_SYS_TRANS").error().code, Errc::kInvalidArgument);
  EXPECT_TRUE(groups.remove("unknown").has_value());
  options.groups_max = groups.size();
  EXPECT_EQ(groups.update(config("g")).error().code, Errc::kBusy);
  EXPECT_EQ(groups.find("g"), nullptr);
}

TEST_F(GroupTableTest, UpdateIsSeenByWhoHoldsTheEntry) {
  const GroupEntry* entry = *groups.find_or_create("g");
  EXPECT_TRUE(entry->consume_enable());
  EXPECT_EQ(entry->retry_max_times(), 16);
  model::GroupConfig changed = config("g");
  changed.consume_enable = false;
  changed.consume_broadcast_enable = false;
  changed.retry_max_times = 3;
  changed.notify_consumer_ids_changed_enable = false;
  ASSERT_TRUE(groups.update(changed).has_value());
  EXPECT_FALSE(entry->consume_enable());
  EXPECT_FALSE(entry->broadcast_enable());
  EXPECT_FALSE(entry->notify_ids());
  EXPECT_EQ(entry->retry_max_times(), 3);
  ASSERT_TRUE(groups.remove("g").has_value());
  EXPECT_FALSE(entry->alive());
  EXPECT_EQ(groups.config("g"), std::nullopt);
  ASSERT_TRUE(groups.find_or_create("g").has_value());
  EXPECT_TRUE(entry->alive());
  EXPECT_TRUE(entry->consume_enable());
}

TEST_F(GroupTableTest, EveryChangeHasAVersion) {
  int dirty = 0;
  groups.set_dirty_hook([&] { ++dirty; });
  model::DataVersion last = groups.snapshot().version;
  const auto changed = [&] { return std::exchange(last, groups.snapshot().version) != last; };
  ASSERT_TRUE(groups.update(config("g")).has_value());
  EXPECT_TRUE(changed());
  ASSERT_TRUE(groups.update(config("g")).has_value());
  EXPECT_FALSE(changed());
  groups.set_readable("g", "T", false);
  EXPECT_TRUE(changed());
  ASSERT_TRUE(groups.remove("g").has_value());
  EXPECT_TRUE(changed());
  EXPECT_EQ(dirty, 3);
}

TEST_F(GroupTableTest, AttributesChange) {
  model::GroupConfig group = config("g");
  group.attributes = {{"+a", "1"}, {"+b", "2"}};
  ASSERT_TRUE(groups.update(group).has_value());
  group.attributes = {{"-a", ""}};
  ASSERT_TRUE(groups.update(group).has_value());
  EXPECT_EQ(groups.config("g")->attributes, (std::map<std::string, std::string>{{"b", "2"}}));
}

TEST_F(GroupTableTest, ForbiddenTopics) {
  EXPECT_TRUE(groups.readable("g", "T"));
  groups.set_readable("g", "T", false);
  EXPECT_FALSE(groups.readable("g", "T"));
  EXPECT_TRUE(groups.readable("g", "U"));
  EXPECT_TRUE(groups.readable("h", "T"));
  EXPECT_EQ(groups.snapshot().forbidden.at("g").at("T"), 4);
  groups.set_readable("g", "T", true);
  EXPECT_TRUE(groups.readable("g", "T"));
  EXPECT_TRUE(groups.snapshot().forbidden.empty());
}

TEST_F(GroupTableTest, WhatIsDumpedIsLoadedAgain) {
  model::GroupConfig group = config("g");
  group.retry_max_times = 5;
  ASSERT_TRUE(groups.update(group).has_value());
  groups.set_readable("g", "T", false);
  TopicTable other_topics(options, switches, store, clock);
  GroupTable other(options, switches, other_topics, clock);
  ASSERT_TRUE(other.load(groups.dump()).has_value());
  EXPECT_EQ(other.snapshot().groups, groups.snapshot().groups);
  EXPECT_FALSE(other.readable("g", "T"));
  EXPECT_NE(other.snapshot().version, groups.snapshot().version);
  // Groups of a folder that another broker wrote get their retry topic at the start.
  EXPECT_NE(other_topics.find("%RETRY%g"), nullptr);
}

TEST_F(GroupTableTest, BrokenFileIsCorrupt) {
  GroupTable other(options, switches, topics, clock);
  for (const char* text : {"{", "[]", "{}"})
    EXPECT_EQ(other.load(text).error().code, Errc::kCorrupt) << text;
}

}  // namespace
}  // namespace oncemq::broker
