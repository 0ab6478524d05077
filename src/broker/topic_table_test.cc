#include "broker/topic_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/fixture.h"
#include "model/config_json.h"

namespace oncemq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;
namespace perm = model::perm;

class TopicTableTest : public ::testing::Test, protected Nouns {
 protected:
  static model::TopicConfig config(std::string name, std::int32_t queues = 4) {
    model::TopicConfig topic;
    topic.name = std::move(name);
    topic.read_queues = topic.write_queues = queues;
    return topic;
  }
};

TEST_F(TopicTableTest, TextOfTheFileIsThatOfTheWholeTable) {
  model::TopicConfig special = config("quoted\"\n", 3);
  special.attributes = {{"message.type", "FIFO"}};
  ASSERT_TRUE(topics.ensure(special).has_value());
  ASSERT_TRUE(topics.update(config("later", 2)).has_value());
  ASSERT_TRUE(topics.update(config("later", 7)).has_value());
  ASSERT_TRUE(topics.update(config("gone")).has_value());
  ASSERT_TRUE(topics.remove("gone").has_value());
  const TopicSnapshot now = topics.snapshot();
  model::TopicTableMap table;
  for (const model::TopicConfig& topic : now.topics) table.emplace(topic.name, topic);
  EXPECT_EQ(topics.dump(), model::topic_table_to_json(table, now.version).dump_pretty());
}

TEST_F(TopicTableTest, NewBrokerHasItsOwnTopics) {
  const auto expect = [&](std::string_view name, std::int32_t queues, std::int32_t bits) {
    const auto topic = topics.config(name);
    ASSERT_TRUE(topic.has_value()) << name;
    EXPECT_EQ(topic->read_queues, queues) << name;
    EXPECT_EQ(topic->write_queues, queues) << name;
    EXPECT_EQ(topic->perm, bits) << name;
  };
  expect("TBW102", 8, 7);
  expect("SELF_TEST_TOPIC", 1, 6);
  expect("BenchmarkTest", 1024, 6);
  expect("C", 16, 7);
  expect("b-a", 1, 7);
  expect("OFFSET_MOVED_EVENT", 1, 6);
  expect("SCHEDULE_TOPIC_XXXX", 4, 6);
  expect("C_REPLY_TOPIC", 1, 6);
  expect("rmq_sys_REVIVE_LOG_C", 8, 6);
  expect("rmq_sys_SYNC_BROKER_MEMBER_b-a", 1, 1);
  expect("RMQ_SYS_TRANS_HALF_TOPIC", 1, 6);
  expect("RMQ_SYS_TRANS_OP_HALF_TOPIC", 1, 6);
  expect("rmq_sys_wheel_timer", 1, 6);
  EXPECT_FALSE(topics.config("RMQ_SYS_TRACE_TOPIC").has_value());
  EXPECT_EQ(topics.system_topics().size(), topics.size());
}

TEST_F(TopicTableTest, WhatIsDumpedIsLoadedAgain) {
  make_topic("T", 3);
  model::TopicConfig attributed = config("A");
  attributed.attributes = {{"+message.type", "FIFO"}};
  ASSERT_TRUE(topics.update(attributed).has_value());
  TopicTable other(options, switches, store, clock);
  ASSERT_TRUE(other.load(topics.dump()).has_value());
  EXPECT_EQ(other.snapshot().topics, topics.snapshot().topics);
  EXPECT_EQ(other.config("A")->attributes.at("message.type"), "FIFO");
}

TEST_F(TopicTableTest, StartingIsAChangeOfItsOwn) {
  TopicTable other(options, switches, store, clock);
  ASSERT_TRUE(other.load(topics.dump()).has_value());
  EXPECT_NE(other.version(), topics.version());
}

TEST_F(TopicTableTest, BrokenFileIsCorrupt) {
  TopicTable other(options, switches, store, clock);
  for (const char* text : {"{", "[]", "{\"dataVersion\":{}}"}) {
    const Status loaded = other.load(text);
    ASSERT_FALSE(loaded.has_value()) << text;
    EXPECT_EQ(loaded.error().code, Errc::kCorrupt);
  }
}

TEST_F(TopicTableTest, DefaultTopicOfAFormerLifeNoLongerInherits) {
  const std::string text = topics.dump();
  switches.auto_create_topic = false;
  TopicTable other(options, switches, store, clock);
  ASSERT_TRUE(other.load(text).has_value());
  EXPECT_EQ(other.config("TBW102")->perm, 6);
  TopicTable fresh(options, switches, store, clock);
  ASSERT_TRUE(fresh.load("").has_value());
  EXPECT_FALSE(fresh.config("TBW102").has_value());
}

TEST_F(TopicTableTest, ScheduleTopicGrowsWithTheLevels) {
  const std::string text = topics.dump();
  options.delay_levels_ms.push_back(60'000);
  TopicTable other(options, switches, store, clock);
  ASSERT_TRUE(other.load(text).has_value());
  EXPECT_EQ(other.config("SCHEDULE_TOPIC_XXXX")->write_queues, 5);
}

TEST_F(TopicTableTest, QueuesWithoutAConfigurationGetTheirTopicBack) {
  store.queue("Lost", 2);
  store.queue("Wide", 11);
  store.queue("%RETRY%g", 0);
  TopicTable other(options, switches, store, clock);
  ASSERT_TRUE(other.load(topics.dump()).has_value());
  EXPECT_EQ(other.config("Lost")->write_queues, 8);
  EXPECT_EQ(other.config("Lost")->perm, perm::kRead | perm::kWrite);
  EXPECT_EQ(other.config("Wide")->read_queues, 12);
  EXPECT_EQ(other.config("%RETRY%g")->read_queues, 1);
}

TEST_F(TopicTableTest, EveryChangeHasAVersionAndIsAnnounced) {
  std::vector<std::string> heard;
  int dirty = 0;
  topics.set_listener([&](std::span<const std::string> names) {
    heard.emplace_back(names.empty() ? "(all)" : names[0]);
  });
  topics.set_dirty_hook([&] { ++dirty; });
  std::vector<model::DataVersion> versions{topics.version()};
  const auto step = [&](const Status& status) {
    ASSERT_TRUE(status.has_value());
    versions.push_back(topics.version());
  };
  step(topics.update(config("T")));
  step(topics.update(config("T", 5)));
  step(topics.remove("T"));
  topics.touch();
  versions.push_back(topics.version());
  ASSERT_TRUE(topics.ensure(config("E")).has_value());
  versions.push_back(topics.version());
  // The clock stood still, and still no two are the same.
  for (std::size_t i = 0; i < versions.size(); ++i)
    for (std::size_t j = i + 1; j < versions.size(); ++j) EXPECT_NE(versions[i], versions[j]);
  EXPECT_THAT(heard, ElementsAre("T", "T", "T", "(all)", "E"));
  EXPECT_EQ(dirty, 5);
}

TEST_F(TopicTableTest, NoChangeHasNoVersion) {
  make_topic("T");
  const model::DataVersion before = topics.version();
  int heard = 0;
  topics.set_listener([&](std::span<const std::string>) { ++heard; });
  make_topic("T");
  ASSERT_TRUE(topics.ensure(config("T", 9)).has_value());
  ASSERT_TRUE(topics.remove("unknown").has_value());
  EXPECT_EQ(topics.version(), before);
  EXPECT_EQ(heard, 0);
  EXPECT_EQ(topics.config("T")->read_queues, 4);
}

TEST_F(TopicTableTest, SnapshotBelongsToItsVersion) {
  make_topic("T");
  const TopicSnapshot snapshot = topics.snapshot();
  EXPECT_EQ(snapshot.version, topics.version());
  EXPECT_EQ(snapshot.topics.size(), topics.size());
  EXPECT_TRUE(std::is_sorted(snapshot.topics.begin(), snapshot.topics.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));
}

TEST_F(TopicTableTest, UpdateRefusals) {
  const auto refused = [&](const model::TopicConfig& topic) {
    const Status status = topics.update(topic);
    EXPECT_FALSE(status.has_value()) << topic.name;
    return status.has_value() ? Errc::kInternal : status.error().code;
  };
  EXPECT_EQ(refused(config("a b")), Errc::kInvalidArgument);
  EXPECT_EQ(refused(config("TBW102")), Errc::kInvalidArgument);
  EXPECT_EQ(refused(config("C")), Errc::kInvalidArgument);
  EXPECT_EQ(refused(config("b-a")), Errc::kInvalidArgument);
  EXPECT_EQ(refused(config("C_REPLY_TOPIC")), Errc::kInvalidArgument);
  EXPECT_EQ(refused(config("T", -1)), Errc::kInvalidArgument);
  EXPECT_EQ(refused(config("T", 65'537)), Errc::kInvalidArgument);
  model::TopicConfig strange = config("T");
  strange.perm = 16;
  EXPECT_EQ(refused(strange), Errc::kInvalidArgument);
  EXPECT_EQ(topics.find("T"), nullptr);
  for (const char* name : {"SCHEDULE_TOPIC_XXXX", "C", "C_REPLY_TOPIC"}) {
    const Status removed = topics.remove(name);
    ASSERT_FALSE(removed.has_value()) << name;
    EXPECT_EQ(removed.error().code, Errc::kInvalidArgument);
  }
}

TEST_F(TopicTableTest, BoundHoldsForEveryWayIn) {
  options.topics_max = topics.size();
  EXPECT_EQ(topics.update(config("T")).error().code, Errc::kBusy);
  EXPECT_EQ(topics.ensure(config("T")).error().code, Errc::kBusy);
  EXPECT_EQ(topics.create_by_send("T", "TBW102", 4, false).error().code, Errc::kBusy);
}

TEST_F(TopicTableTest, CreatedBySendInheritsFromTheDefault) {
  auto created = topics.create_by_send("T", "TBW102", 4, true);
  ASSERT_TRUE(created.has_value());
  EXPECT_EQ((*created)->write_queues(), 4);
  EXPECT_EQ((*created)->perm(), 6);
  EXPECT_EQ((*created)->sys_flag(), 1);
  EXPECT_EQ((*topics.create_by_send("U", "TBW102", 100, false))->write_queues(), 8);
  EXPECT_EQ(topics.create_by_send("V", "TBW102", 0, false).error().code, Errc::kTopicNotFound);
  EXPECT_EQ(topics.create_by_send("V", "T", 4, false).error().code, Errc::kTopicNotFound);
  EXPECT_EQ(topics.create_by_send("a b", "TBW102", 4, false).error().code, Errc::kInvalidArgument);
  EXPECT_EQ((*topics.create_by_send("%RETRY%g", "T", 4, false))->write_queues(), 1);
}

TEST_F(TopicTableTest, AutoCreationIsSwitchedWhileTheBrokerRuns) {
  EXPECT_TRUE(topics.create_by_send("A", "TBW102", 4, false).has_value());
  switches.auto_create_topic = false;
  EXPECT_EQ(topics.create_by_send("B", "TBW102", 4, false).error().code, Errc::kTopicNotFound);
  EXPECT_TRUE(topics.create_by_send("%RETRY%g", "TBW102", 4, false).has_value());
  switches.auto_create_topic = true;
  EXPECT_TRUE(topics.create_by_send("B", "TBW102", 4, false).has_value());
}

TEST_F(TopicTableTest, ItsTopicIsMadeWhenAutoCreationIsSwitchedOn) {
  switches.auto_create_topic = false;
  TopicTable fresh(options, switches, store, clock);
  ASSERT_TRUE(fresh.load("").has_value());
  fresh.touch();
  EXPECT_FALSE(fresh.config("TBW102").has_value());
  switches.auto_create_topic = true;
  std::vector<std::string> told;
  fresh.set_listener([&](std::span<const std::string> names) {
    told.insert(told.end(), names.begin(), names.end());
  });
  fresh.touch();
  EXPECT_EQ(told, std::vector<std::string>{"TBW102"});
  EXPECT_EQ(fresh.config("TBW102")->perm, 7);
  EXPECT_TRUE(fresh.create_by_send("T", "TBW102", 4, false).has_value());
  fresh.touch();
  EXPECT_EQ(told.size(), 2U) << "it is made once";
}

TEST_F(TopicTableTest, TheTopicOfAWaitingMessageIsMadeAgainUnlessItWasDeleted) {
  make_topic("T");
  EXPECT_EQ(topics.topic_of_waiting("T", 9, {5}), topics.find("T"));
  EXPECT_EQ((*topics.find("T")).read_queues(), 4);
  const TopicEntry* made = topics.topic_of_waiting("Unsaved", 11, {5});
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->read_queues(), 12);
  EXPECT_EQ(topics.topic_of_waiting("%RETRY%g", 0, {5})->read_queues(), 1);
  ASSERT_TRUE(topics.remove("Unsaved").has_value());
  EXPECT_EQ(topics.topic_of_waiting("Unsaved", 0, {5}), nullptr);
  store.deleted_before = {"Earlier"};
  EXPECT_EQ(topics.topic_of_waiting("Earlier", 0, {5}), nullptr);
  EXPECT_EQ(topics.topic_of_waiting("a b", 0, {5}), nullptr);
  EXPECT_EQ(topics.topic_of_waiting("Far", 65'536, {5}), nullptr);
  EXPECT_EQ(topics.topic_of_waiting("Far", -1, {5}), nullptr);
}

TEST_F(TopicTableTest, DeletedTopicMayComeBackUnderTheSameAddress) {
  make_topic("T");
  const TopicEntry* entry = topics.find("T");
  ASSERT_NE(entry, nullptr);
  const std::size_t before = topics.size();
  ASSERT_TRUE(topics.remove("T").has_value());
  EXPECT_FALSE(entry->alive());
  EXPECT_EQ(topics.find("T"), nullptr);
  EXPECT_EQ(topics.config("T"), std::nullopt);
  EXPECT_EQ(topics.size(), before - 1);
  EXPECT_THAT(store.deleted, ElementsAre("T"));
  make_topic("T", 2);
  EXPECT_EQ(topics.find("T"), entry);
  EXPECT_TRUE(entry->alive());
  EXPECT_EQ(entry->read_queues(), 2);
}

TEST_F(TopicTableTest, FailedDeletionOfFilesIsTold) {
  make_topic("T");
  store.delete_status = fail(Errc::kIo, "no");
  EXPECT_EQ(topics.remove("T").error().code, Errc::kIo);
  EXPECT_EQ(topics.find("T"), nullptr);
}

TEST_F(TopicTableTest, QueueHandlesAreTheStoresOwn) {
  make_topic("T", 2);
  const TopicEntry* entry = topics.find("T");
  EXPECT_EQ(entry->queue(0), &store.queue("T", 0));
  EXPECT_EQ(entry->queue(1), &store.queue("T", 1));
  make_topic("T", 40);
  EXPECT_EQ(entry->queue(0), &store.queue("T", 0));
  EXPECT_EQ(entry->queue(39), &store.queue("T", 39));
  EXPECT_EQ(entry->queue(-1), nullptr);
  EXPECT_EQ(entry->queue(65'536), nullptr);
}

// ---- attributes

TEST(TopicAttributesTest, TextForm) {
  const auto changes = parse_attribute_changes("+message.type=FIFO,-reserve.time");
  ASSERT_TRUE(changes.has_value());
  EXPECT_THAT(*changes, UnorderedElementsAre(
                            std::pair<const std::string, std::string>{"+message.type", "FIFO"},
                            std::pair<const std::string, std::string>{"-reserve.time", ""}));
  EXPECT_TRUE(parse_attribute_changes("")->empty());
  for (const char* text : {"message.type=FIFO", "+message.type", "-a=b", "+", "+a=1,+a=2"})
    EXPECT_EQ(parse_attribute_changes(text).error().code, Errc::kInvalidArgument) << text;
}

TEST(TopicAttributesTest, Changes) {
  const std::map<std::string, std::string> current{{"message.type", "FIFO"}};
  const auto apply = [&](std::string change, std::string value, bool creating = false) {
    return apply_attribute_changes(creating ? std::map<std::string, std::string>{} : current,
                                   {{std::move(change), std::move(value)}}, creating);
  };
  EXPECT_EQ(apply("+message.type", "NORMAL")->at("message.type"), "NORMAL");
  EXPECT_EQ(apply("+reserve.time", "86400000")->size(), 2U);
  EXPECT_TRUE(apply("-message.type", "")->empty());
  EXPECT_EQ(apply("+queue.type", "SimpleCQ", true)->at("queue.type"), "SimpleCQ");
  EXPECT_EQ(apply("+queue.type", "BatchCQ", true).error().code, Errc::kNotSupported);
  EXPECT_EQ(apply("+cleanup.policy", "COMPACTION", true).error().code, Errc::kNotSupported);
  for (const auto& [change, value] :
       std::vector<std::pair<std::string, std::string>>{{"+message.type", "ODD"},
                                                        {"+reserve.time", "soon"},
                                                        {"+reserve.time", "-2"},
                                                        {"+unknown", "x"},
                                                        {"-reserve.time", ""},
                                                        {"+queue.type", "SimpleCQ"},
                                                        {"+cleanup.policy", "DELETE"},
                                                        {"message.type", "FIFO"},
                                                        {"+", "x"}})
    EXPECT_EQ(apply(change, value).error().code, Errc::kInvalidArgument) << change;
  EXPECT_EQ(apply("-message.type", "", true).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(
      apply_attribute_changes(current, {{"+message.type", "FIFO"}, {"-message.type", ""}}, false)
          .error()
          .code,
      Errc::kInvalidArgument);
}

}  // namespace
}  // namespace oncemq::broker
