#include "route/name_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/memory_disk.h"

namespace oncemq::route {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

model::TopicConfig topic(std::string name, std::int32_t queues = 4, std::int32_t perm = 6) {
  return {.name = std::move(name), .read_queues = queues, .write_queues = queues, .perm = perm};
}

class NameServiceTest : public ::testing::Test {
 protected:
  static Registration registration(std::string broker = "b-a", std::string address = "h1:1",
                                   std::int64_t id = 0) {
    return {.cluster = "C",
            .broker_name = std::move(broker),
            .address = std::move(address),
            .broker_id = id,
            .ha_address = "ha:1",
            .version = {.counter = 1},
            .topics = {topic("T"), topic("U")},
            .channel = 11};
  }
  void put(const Registration& r) {
    const auto answer = names.register_broker(r);
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
  }
  void set(std::string_view name, std::string_view value) {
    const std::vector<model::SettingAssignment> one = {
        {.name = std::string(name), .value = std::string(value)}};
    ASSERT_TRUE(settings.update(one).has_value());
  }
  std::int32_t perm_of(std::string_view name) { return names.route(name)->queues.at(0).perm; }

  os::ManualClock clock;
  os::MemoryDisk disk;
  model::LiveSettings settings{model::Settings{}};
  std::unique_ptr<KvConfig> kv = KvConfig::open(disk, "namesrv").value();
  NameService names{settings, clock, *kv};
};

TEST_F(NameServiceTest, ARegisteredBrokerHasRoutes) {
  EXPECT_EQ(names.route("T").error().code, Errc::kTopicNotFound);
  put(registration());
  const auto route = names.route("T");
  ASSERT_TRUE(route.has_value());
  ASSERT_EQ(route->brokers.size(), 1U);
  EXPECT_EQ(route->brokers[0].name, "b-a");
  EXPECT_EQ(route->brokers[0].cluster, "C");
  EXPECT_THAT(route->brokers[0].addresses, ElementsAre(Pair(0, "h1:1")));
  EXPECT_EQ(route->queues[0], (QueueData{"b-a", 4, 4, 6, 0}));
  EXPECT_FALSE(route->order_conf.has_value());
  EXPECT_THAT(names.topics(), ElementsAre("T", "U"));
  EXPECT_THAT(names.topics_of_cluster("C"), ElementsAre("T", "U"));
  EXPECT_TRUE(names.topics_of_cluster("D").empty());
}

TEST_F(NameServiceTest, TwoBrokersShareATopic) {
  put(registration("b-a", "h1:1"));
  put(registration("b-b", "h2:1"));
  const auto route = names.route("T");
  EXPECT_EQ(route->queues.size(), 2U);
  EXPECT_EQ(route->brokers.size(), 2U);
  const ClusterInfo info = names.cluster_info();
  EXPECT_EQ(info.brokers.size(), 2U);
  EXPECT_THAT(info.clusters.at("C"), ElementsAre("b-a", "b-b"));
}

TEST_F(NameServiceTest, ReplicasAddAddressesButNoQueues) {
  put(registration());
  Registration replica = registration("b-a", "h2:1", 1);
  replica.topics = {topic("T", 9), topic("X")};
  const auto answer = names.register_broker(replica);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->master_address, "h1:1");
  EXPECT_EQ(answer->ha_address, "ha:1");
  EXPECT_THAT(names.route("T")->brokers[0].addresses,
              ElementsAre(Pair(0, "h1:1"), Pair(1, "h2:1")));
  EXPECT_EQ(names.route("T")->queues[0].read_queues, 4);
  EXPECT_FALSE(names.route("X").has_value());
}

TEST_F(NameServiceTest, AChangeUnderTheSameVersionIsSeen) {
  put(registration());
  Registration changed = registration();
  changed.topics[0].perm = 4;
  put(changed);
  EXPECT_EQ(perm_of("T"), 4);
}

TEST_F(NameServiceTest, WipedPermissionLastsUntilSomethingChanges) {
  put(registration());
  EXPECT_EQ(names.set_writable("b-a", false), 2);
  EXPECT_EQ(perm_of("T"), 4);
  Registration same = registration();
  std::swap(same.topics[0], same.topics[1]);
  put(same);
  EXPECT_EQ(perm_of("T"), 4) << "the order of topics is no change";
  EXPECT_EQ(names.set_writable("b-a", true), 2);
  EXPECT_EQ(perm_of("T"), 6);
  EXPECT_EQ(names.set_writable("b-a", false), 2);
  Registration next = registration();
  next.version.counter = 2;
  put(next);
  EXPECT_EQ(perm_of("T"), 6);
  EXPECT_EQ(names.set_writable("nobody", false).error().code, Errc::kNotFound);
}

TEST_F(NameServiceTest, OneTopicCannotBeAFirstRegistration) {
  Registration one = registration();
  one.topics.resize(1);
  EXPECT_EQ(names.register_broker(one).error().code, Errc::kInvalidArgument);
  EXPECT_FALSE(names.broker_group("b-a").has_value());
  put(registration());
  one.topics[0].read_queues = 16;
  put(one);
  EXPECT_EQ(names.route("T")->queues[0].read_queues, 16);
  EXPECT_TRUE(names.route("U").has_value());
}

TEST_F(NameServiceTest, TopicsThatAreNoLongerNamedLeaveWhenWished) {
  put(registration());
  Registration fewer = registration();
  fewer.version.counter = 2;
  fewer.topics = {topic("U"), topic("V")};
  put(fewer);
  EXPECT_TRUE(names.route("T").has_value());
  set("deleteTopicWithBrokerRegistration", "true");
  fewer.version.counter = 3;
  put(fewer);
  EXPECT_FALSE(names.route("T").has_value());
  EXPECT_TRUE(names.route("V").has_value());
}

TEST_F(NameServiceTest, ChangedTopicsAreTakenAtOnce) {
  names.update_topics("C", "b-a", "h1:1", {.counter = 2}, std::vector{topic("N")});
  EXPECT_FALSE(names.route("N").has_value()) << "a stranger";
  put(registration());
  names.update_topics("C", "b-a", "h1:1", {.counter = 2}, std::vector{topic("N"), topic("T", 8)});
  EXPECT_TRUE(names.route("N").has_value());
  EXPECT_EQ(names.route("T")->queues[0].read_queues, 8);
  EXPECT_EQ(names.compare_version("C", "h1:1", {.counter = 2}), (model::DataVersion{.counter = 2}));
}

TEST_F(NameServiceTest, TheSameAddressUnderAnotherIdMoves) {
  put(registration());
  put(registration("b-a", "h1:1", 3));
  EXPECT_THAT(names.broker_group("b-a")->addresses, ElementsAre(Pair(3, "h1:1")));
}

TEST_F(NameServiceTest, AnOlderStateDoesNotTakeAnId) {
  Registration newer = registration();
  newer.version.state_version = 5;
  put(newer);
  Registration older = registration("b-a", "h2:1");
  older.version.state_version = 4;
  EXPECT_EQ(names.register_broker(older).error().code, Errc::kInvalidArgument);
  EXPECT_THAT(names.broker_group("b-a")->addresses, ElementsAre(Pair(0, "h1:1")));
  older.version.state_version = 6;
  put(older);
  EXPECT_THAT(names.broker_group("b-a")->addresses, ElementsAre(Pair(0, "h2:1")));
}

TEST_F(NameServiceTest, UnregisteringRemovesQueuesWithTheLastAddress) {
  put(registration());
  put(registration("b-a", "h2:1", 1));
  names.unregister_broker("C", "b-a", "h2:1", 1);
  EXPECT_TRUE(names.route("T").has_value());
  names.unregister_broker("C", "b-a", "elsewhere:1", 0);
  EXPECT_TRUE(names.route("T").has_value()) << "the id belongs to another address";
  names.unregister_broker("C", "b-a", "h1:1", 0);
  EXPECT_FALSE(names.route("T").has_value());
  EXPECT_TRUE(names.topics().empty());
  EXPECT_TRUE(names.cluster_info().clusters.empty());
}

TEST_F(NameServiceTest, SilentBrokersExpire) {
  Registration quick = registration("b-q", "h3:1");
  quick.timeout_ms = 1000;
  put(quick);
  put(registration());
  clock.advance_ms(1001);
  EXPECT_EQ(names.expire(), 1U);
  EXPECT_FALSE(names.broker_group("b-q").has_value());
  clock.advance_ms(kBrokerTimeoutMs - 1001);
  EXPECT_EQ(names.expire(), 0U);
  names.heartbeat("C", "h1:1", 11);
  clock.advance_ms(kBrokerTimeoutMs);
  EXPECT_EQ(names.expire(), 0U);
  EXPECT_TRUE(names.compare_version("C", "h1:1", {.counter = 1}).has_value());
  clock.advance_ms(kBrokerTimeoutMs);
  EXPECT_EQ(names.expire(), 0U) << "asking for an equal version was a sign of life";
  EXPECT_TRUE(names.compare_version("C", "h1:1", {.counter = 9}).has_value());
  clock.advance_ms(1);
  EXPECT_EQ(names.expire(), 1U);
  EXPECT_FALSE(names.compare_version("C", "h1:1", {.counter = 1}).has_value());
}

TEST_F(NameServiceTest, AJumpingWallClockExpiresNobody) {
  put(registration());
  clock.jump_ms(10'000'000);
  EXPECT_EQ(names.expire(), 0U);
}

TEST_F(NameServiceTest, AClosedConnectionTakesItsBrokersAlong) {
  put(registration());
  Registration other = registration("b-b", "h2:1");
  other.channel = 12;
  put(other);
  names.channel_closed(99);
  names.channel_closed(0);
  EXPECT_EQ(names.route("T")->queues.size(), 2U);
  names.channel_closed(11);
  EXPECT_EQ(names.route("T")->queues[0].broker_name, "b-b");
}

TEST_F(NameServiceTest, ActingMasterIsReadOnlyAndShownAsMaster) {
  set("supportActingMaster", "true");
  Registration master = registration();
  master.acting_master = true;
  put(master);
  Registration replica = registration("b-a", "h2:1", 1);
  replica.acting_master = true;
  put(replica);
  EXPECT_THAT(names.route("T")->brokers[0].addresses,
              ElementsAre(Pair(0, "h1:1"), Pair(1, "h2:1")));
  names.unregister_broker("C", "b-a", "h1:1", 0);
  EXPECT_EQ(perm_of("T"), 4);
  EXPECT_THAT(names.route("T")->brokers[0].addresses, ElementsAre(Pair(0, "h2:1")));
  EXPECT_THAT(names.broker_group("b-a")->addresses, ElementsAre(Pair(1, "h2:1")));
}

TEST_F(NameServiceTest, TopicsAreDeletedEverywhereOrInOneCluster) {
  put(registration());
  Registration elsewhere = registration("b-d", "h2:1");
  elsewhere.cluster = "D";
  put(elsewhere);
  names.delete_topic("T", "D");
  EXPECT_EQ(names.route("T")->queues.size(), 1U);
  names.delete_topic("T", "nowhere");
  names.delete_topic("nothing", "");
  EXPECT_TRUE(names.route("T").has_value());
  names.delete_topic("T", "");
  EXPECT_FALSE(names.route("T").has_value());
  names.delete_topic("U", "C");
  names.delete_topic("U", "D");
  EXPECT_FALSE(names.route("U").has_value());
}

TEST_F(NameServiceTest, TopicsAreRegisteredByHandForKnownBrokersOnly) {
  put(registration());
  const std::vector<QueueData> good = {{"b-a", 2, 2, 6, 0}};
  const std::vector<QueueData> bad = {{"b-a", 3, 3, 6, 0}, {"b-x", 2, 2, 6, 0}};
  EXPECT_EQ(names.register_topic("H", bad).error().code, Errc::kNotFound);
  EXPECT_FALSE(names.route("H").has_value());
  ASSERT_TRUE(names.register_topic("H", good));
  ASSERT_TRUE(names.register_topic("H", {}));
  EXPECT_EQ(names.route("H")->queues[0].read_queues, 2);
}

TEST_F(NameServiceTest, OrderConfigurationTravelsWhenSwitchedOn) {
  put(registration());
  ASSERT_TRUE(kv->put(kOrderTopicNamespace, "T", "b-a:4"));
  EXPECT_FALSE(names.route("T")->order_conf.has_value());
  set("orderMessageEnable", "true");
  EXPECT_EQ(names.route("T")->order_conf, "b-a:4");
  EXPECT_FALSE(names.route("U")->order_conf.has_value());
}

TEST_F(NameServiceTest, RoutesCanWaitForBrokersAfterAStart) {
  put(registration());
  set("needWaitForService", "true");
  EXPECT_EQ(names.route("T").error().code, Errc::kNotReady);
  clock.advance_ms(45'000);
  EXPECT_TRUE(names.route("T").has_value());
}

TEST_F(NameServiceTest, UnitAndSystemLists) {
  Registration r = registration();
  r.topics[0].sys_flag = 1;
  r.topics[1].sys_flag = 2;
  r.topics.push_back(topic("V"));
  r.topics.back().sys_flag = 3;
  put(r);
  EXPECT_THAT(names.topics_of_unit(UnitFilter::kUnit), ElementsAre("T", "V"));
  EXPECT_THAT(names.topics_of_unit(UnitFilter::kUnitSubscribed), ElementsAre("U", "V"));
  EXPECT_THAT(names.topics_of_unit(UnitFilter::kUnitSubscribedNotUnit), ElementsAre("U"));
  EXPECT_THAT(names.system_topics().topics, UnorderedElementsAre("C", "b-a"));
  EXPECT_EQ(names.system_topics().broker_address, "h1:1");
}

TEST_F(NameServiceTest, ARetryTopicOfOneBrokerIsKnownBeforehand) {
  EXPECT_FALSE(names.route("%RETRY%g").has_value());
  put(registration());
  const auto route = names.route("%RETRY%g");
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->queues[0], (QueueData{"b-a", 1, 1, 6, 0}));
  EXPECT_THAT(names.topics(), ElementsAre("T", "U")) << "nothing is made by asking";
  set("autoCreateSubscriptionGroup", "false");
  EXPECT_FALSE(names.route("%RETRY%g").has_value());
  set("autoCreateSubscriptionGroup", "true");
  put(registration("b-b", "h2:1"));
  EXPECT_FALSE(names.route("%RETRY%g").has_value()) << "which broker it will be is not known";
}

}  // namespace
}  // namespace oncemq::route
