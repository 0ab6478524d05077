#include "app/part_options.h"

#include <gtest/gtest.h>

namespace oncemq::app {
namespace {

TEST(PartOptions, RolesAreReadFromTheList) {
  model::Settings settings;
  EXPECT_TRUE(roles_of(settings).namesrv && roles_of(settings).broker);
  settings.roles = "broker";
  EXPECT_FALSE(roles_of(settings).namesrv);
  EXPECT_TRUE(roles_of(settings).broker);
}

TEST(PartOptions, RoutesShowWhatIsGivenThenWhatIsBound) {
  model::Settings settings;
  EXPECT_NE(shown_address(settings), "0.0.0.0");
  settings.bind_address = "127.0.0.1";
  EXPECT_EQ(shown_address(settings), "127.0.0.1");
  settings.broker_ip = "192.0.2.7";
  EXPECT_EQ(shown_address(settings), "192.0.2.7");
}

TEST(PartOptions, SettingsReachTheParts) {
  model::Settings settings;
  settings.flush_disk_type = "SYNC_FLUSH";
  settings.log_file_size = 1 << 20;
  settings.message_delay_level = "1s 2m";
  settings.broker_ip = "192.0.2.7";
  settings.broker_name = "b";
  settings.store_root = "/d";
  settings.broker_permission = 4;
  settings.max_message_size = 1000;
  settings.max_connections = 7;
  const store::StoreOptions store = store_options(settings);
  EXPECT_EQ(store.policy, store::CommitPolicy::kDurable);
  EXPECT_EQ(store.log_file_size, 1U << 20);
  EXPECT_EQ(store.root, "/d");
  const auto broker = broker_options(settings, 1234);
  ASSERT_TRUE(broker.has_value());
  EXPECT_EQ(broker->address.to_string(), "192.0.2.7:1234");
  EXPECT_EQ(broker->name, "b");
  EXPECT_EQ(broker->config_dir, "/d/config");
  EXPECT_EQ(broker->delay_levels_ms, (std::vector<std::int64_t>{1000, 120'000}));
  broker::Switches switches;
  fill_switches(settings, switches);
  EXPECT_FALSE(switches.writable());
  EXPECT_EQ(switches.max_message_size, 1000);
  EXPECT_EQ(server_options(settings).limits.connections, 7U);
}

TEST(PartOptions, ANameIsNoAddress) {
  model::Settings settings;
  settings.broker_ip = "my-host";
  EXPECT_EQ(broker_options(settings, 1).error().code, Errc::kInvalidArgument);
}

TEST(PartOptions, ABrokerWithoutNameHasTheHosts) {
  EXPECT_FALSE(broker_options(model::Settings{}, 1)->name.empty());
}

}  // namespace
}  // namespace oncemq::app
