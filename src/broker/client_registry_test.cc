#include "broker/client_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/fixture.h"

namespace oncemq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ClientRegistryTest : public ::testing::Test, protected Nouns {
 protected:
  ClientRegistryTest() {
    clients.set_events({.ids_changed =
                            [this](const std::string& group, std::span<const ChannelId> channels) {
                              std::string line = group + ":";
                              for (ChannelId channel : channels)
                                line += " " + std::to_string(static_cast<std::uint64_t>(channel));
                              told.push_back(line);
                            },
                        .expired =
                            [this](ChannelId channel) {
                              expired.push_back(static_cast<std::uint64_t>(channel));
                            }});
  }

  void join(std::uint64_t channel, std::string_view id, std::string_view group,
            std::string_view expression = "*", std::int64_t version = 1) {
    ASSERT_TRUE(
        clients.heartbeat(beat(channel, id, group, {subscription("T", expression, version)}))
            .has_value());
  }
  std::vector<std::string> take_told() { return std::exchange(told, {}); }

  std::vector<std::string> told;
  std::vector<std::uint64_t> expired;
};

TEST_F(ClientRegistryTest, JoinAndLeaveAreTold) {
  join(1, "c1", "g");
  EXPECT_THAT(take_told(), ElementsAre("g: 1"));
  join(1, "c1", "g");
  EXPECT_THAT(take_told(), IsEmpty());
  join(2, "c0", "g");
  EXPECT_THAT(take_told(), ElementsAre("g: 1 2"));
  EXPECT_THAT(clients.consumer_ids("g"), ElementsAre("c0", "c1"));
  clients.unregister(ChannelId{2}, "c0", "", "g");
  EXPECT_THAT(take_told(), ElementsAre("g: 1"));
  clients.connection_closed(ChannelId{1});
  EXPECT_THAT(take_told(), IsEmpty());
  EXPECT_THAT(clients.consumer_ids("g"), IsEmpty());
  EXPECT_EQ(clients.consumer_group("g"), std::nullopt);
}

TEST_F(ClientRegistryTest, HeartbeatMakesTheGroupAndItsRetryTopic) {
  join(1, "c1", "g");
  EXPECT_NE(groups.find("g"), nullptr);
  EXPECT_NE(topics.find("%RETRY%g"), nullptr);
}

TEST_F(ClientRegistryTest, GroupThatMayNotBeMadeIsSkipped) {
  switches.auto_create_group = false;
  join(1, "c1", "g");
  EXPECT_THAT(clients.consumer_ids("g"), IsEmpty());
  EXPECT_THAT(take_told(), IsEmpty());
}

TEST_F(ClientRegistryTest, NewTopicsAreToldNewExpressionsAreNot) {
  join(1, "c1", "g", "a", 1);
  take_told();
  join(1, "c1", "g", "b", 2);
  EXPECT_THAT(take_told(), IsEmpty());
  EXPECT_EQ(clients.pull_view("g", "T").subscription->expression, "b");
  join(1, "c1", "g", "old", 1);
  EXPECT_EQ(clients.pull_view("g", "T").subscription->expression, "b");
  ASSERT_TRUE(clients.heartbeat(beat(1, "c1", "g", {subscription("U", "*")})).has_value());
  EXPECT_THAT(take_told(), ElementsAre("g: 1"));
  EXPECT_EQ(clients.pull_view("g", "T").subscription, nullptr);
  EXPECT_NE(clients.pull_view("g", "U").subscription, nullptr);
  EXPECT_THAT(clients.groups_subscribing("U"), ElementsAre("g"));
  EXPECT_THAT(clients.groups_subscribing("T"), IsEmpty());
}

TEST_F(ClientRegistryTest, BroadcastingAndSilencedGroupsAreNotTold) {
  Heartbeat broadcast = beat(1, "c1", "b", {subscription("T", "*")});
  broadcast.consumers[0].model = model::MessageModel::kBroadcasting;
  ASSERT_TRUE(clients.heartbeat(broadcast).has_value());
  model::GroupConfig quiet;
  quiet.name = "quiet";
  quiet.notify_consumer_ids_changed_enable = false;
  ASSERT_TRUE(groups.update(quiet).has_value());
  join(1, "c1", "quiet");
  EXPECT_THAT(take_told(), IsEmpty());
  switches.notify_consumer_ids = false;
  join(1, "c1", "g");
  EXPECT_THAT(take_told(), IsEmpty());
}

TEST_F(ClientRegistryTest, FingerprintTellsWhenTheFullFormIsNeeded) {
  const auto changed = [&](std::int32_t fingerprint, bool light) {
    Heartbeat heartbeat = beat(1, "c1", "g", {});
    if (!light) heartbeat.consumers[0].subscriptions = {subscription("T", "*")};
    heartbeat.fingerprint = fingerprint;
    heartbeat.without_subscriptions = light;
    return clients.heartbeat(heartbeat)->subscriptions_changed;
  };
  EXPECT_TRUE(changed(0, false));  // V1 always
  EXPECT_TRUE(changed(7, true));   // not known yet, so the light form is not enough
  EXPECT_TRUE(changed(7, true));
  EXPECT_TRUE(changed(7, false));
  EXPECT_FALSE(changed(7, false));
  EXPECT_FALSE(changed(7, true));
  EXPECT_NE(clients.pull_view("g", "T").subscription, nullptr);  // the light form kept it
  EXPECT_TRUE(changed(8, true));
}

TEST_F(ClientRegistryTest, SilentChannelsExpire) {
  join(1, "c1", "g");
  join(2, "c2", "g");
  Heartbeat producer;
  producer.client.channel = ChannelId{3};
  producer.client.client_id = "p";
  producer.producer_groups = {"pg"};
  ASSERT_TRUE(clients.heartbeat(producer).has_value());
  take_told();
  clock.advance_ms(60'000);
  join(2, "c2", "g");
  clock.advance_ms(59'999);
  clients.expire();
  EXPECT_THAT(expired, IsEmpty());
  clock.advance_ms(1);
  clients.expire();
  EXPECT_THAT(expired, ElementsAre(1, 3));
  EXPECT_THAT(take_told(), ElementsAre("g: 2"));
  EXPECT_THAT(clients.consumer_ids("g"), ElementsAre("c2"));
  EXPECT_THAT(clients.producers("pg"), IsEmpty());
}

TEST_F(ClientRegistryTest, ChannelThatLeftOneGroupStaysInTheOther) {
  join(1, "c1", "g");
  clock.advance_ms(60'000);
  join(1, "c1", "h");
  clock.advance_ms(60'000);
  clients.expire();
  EXPECT_THAT(expired, IsEmpty());
  EXPECT_THAT(clients.consumer_groups(), ElementsAre("h"));
}

TEST_F(ClientRegistryTest, ProducersByGroupAndById) {
  Heartbeat producer;
  producer.client.channel = ChannelId{3};
  producer.client.client_id = "p";
  producer.client.version = 479;
  producer.producer_groups = {"pg", "qg"};
  ASSERT_TRUE(clients.heartbeat(producer).has_value());
  EXPECT_EQ(clients.producers("pg").at(0).version, 479);
  EXPECT_EQ(clients.producers("pg").at(0).last_heartbeat_ms, clock.wall_ms());
  EXPECT_EQ(clients.all_producers().size(), 2U);
  EXPECT_EQ(clients.producer("p")->channel, ChannelId{3});
  EXPECT_EQ(clients.producer("q"), std::nullopt);
  clients.unregister(ChannelId{3}, "p", "pg", "");
  EXPECT_THAT(clients.producers("pg"), IsEmpty());
  EXPECT_EQ(clients.producers("qg").size(), 1U);
  clients.connection_closed(ChannelId{3});
  EXPECT_TRUE(clients.all_producers().empty());
  switches.register_producer = false;
  ASSERT_TRUE(clients.heartbeat(producer).has_value());
  EXPECT_TRUE(clients.all_producers().empty());
}

TEST_F(ClientRegistryTest, ConsumersThatHaveGoneAreKnownForAWhile) {
  join(1, "c1", "g");
  join(2, "c2", "g");
  EXPECT_EQ(clients.consumer_of(ChannelId{1}), "c1");
  clients.connection_closed(ChannelId{1});
  clients.unregister(ChannelId{2}, "c2", "", "g");
  EXPECT_EQ(clients.consumer_of(ChannelId{1}), "c1");
  EXPECT_EQ(clients.consumer_of(ChannelId{2}), "c2");
  EXPECT_EQ(clients.consumer_of(ChannelId{3}), "");
  for (std::uint64_t channel = 10; channel < 10 + 4'095; ++channel) {
    join(channel, "others", "g");
    clients.connection_closed(ChannelId{channel});
  }
  EXPECT_EQ(clients.consumer_of(ChannelId{1}), "");
  EXPECT_EQ(clients.consumer_of(ChannelId{2}), "c2");
}

TEST_F(ClientRegistryTest, UnregisterOverAnotherConnectionFindsTheClient) {
  join(1, "c1", "g");
  clients.unregister(ChannelId{9}, "c1", "", "g");
  EXPECT_THAT(clients.consumer_ids("g"), IsEmpty());
  join(1, "c1", "g");
  clients.unregister(ChannelId{9}, "stranger", "nobody", "g");
  EXPECT_THAT(clients.consumer_ids("g"), ElementsAre("c1"));
  clients.connection_closed(ChannelId{1});
  EXPECT_THAT(clients.consumer_ids("g"), IsEmpty());
}

TEST_F(ClientRegistryTest, BoundIsGivenBackByLeaving) {
  options.channels_max = 2;
  join(1, "c1", "g");
  join(2, "c2", "g");
  Heartbeat third = beat(3, "c3", "other", {subscription("T", "*")});
  third.producer_groups = {"pg"};
  const auto refused = clients.heartbeat(third);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kBusy);
  EXPECT_THAT(clients.consumer_groups(), ElementsAre("g"));
  EXPECT_TRUE(clients.all_producers().empty());
  join(1, "c1", "g");  // who is in stays in
  clients.connection_closed(ChannelId{1});
  join(3, "c3", "g");
}

TEST_F(ClientRegistryTest, GroupViewForTheOperator) {
  Heartbeat first = beat(1, "c1", "g", {subscription("T", "a"), subscription("A", "*")});
  first.consumers[0].consume_from = "CONSUME_FROM_FIRST_OFFSET";
  first.consumers[0].type = model::ConsumeType::kActively;
  ASSERT_TRUE(clients.heartbeat(first).has_value());
  const auto view = clients.consumer_group("g");
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->type, model::ConsumeType::kActively);
  EXPECT_EQ(view->consume_from, "CONSUME_FROM_FIRST_OFFSET");
  ASSERT_EQ(view->subscriptions.size(), 2U);
  EXPECT_EQ(view->subscriptions[0].topic, "A");
  EXPECT_EQ(clients.consumer("g", "c1")->address, "10.0.0.9:50000");
  EXPECT_EQ(clients.consumer("g", "c2"), std::nullopt);
  EXPECT_EQ(clients.consumer("h", "c1"), std::nullopt);
  EXPECT_FALSE(clients.pull_view("h", "T").online);
}

}  // namespace
}  // namespace oncemq::broker
