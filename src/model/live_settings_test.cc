#include "model/live_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq::model {
namespace {

TEST(LiveSettings, UpdatesAllOrNone) {
  LiveSettings live{Settings{}};
  const Settings& before = live.get();
  const std::vector<SettingAssignment> good = {{.name = "maxMessageSize", .value = "5000"},
                                               {.name = "brokerPermission", .value = "4"}};
  ASSERT_TRUE(live.update(good).has_value());
  EXPECT_EQ(live.get().max_message_size, 5000);
  EXPECT_EQ(live.get().broker_permission, 4);
  EXPECT_EQ(before.max_message_size, 4 << 20) << "a reader's view does not move under it";
  EXPECT_EQ(live.version(), 1);

  const std::vector<SettingAssignment> fixed = {{.name = "maxMessageSize", .value = "6000"},
                                                {.name = "listenPort", .value = "1"}};
  const Status refused = live.update(fixed);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kNoPermission);
  EXPECT_EQ(live.get().max_message_size, 5000);
  const std::vector<SettingAssignment> unknown = {{.name = "nope", .value = "6"}};
  EXPECT_EQ(live.update(unknown).error().code, Errc::kNotFound);
  EXPECT_EQ(live.version(), 1);
}

TEST(LiveSettings, TellsItsListenerWhatWasSet) {
  LiveSettings live{Settings{}};
  std::vector<std::string> heard;
  live.on_update([&](std::span<const SettingAssignment> assignments) {
    for (const auto& a : assignments) heard.push_back(a.name + "=" + a.value);
  });
  const std::vector<SettingAssignment> one = {{.name = "brokerPermission", .value = "4"}};
  ASSERT_TRUE(live.update(one).has_value());
  EXPECT_THAT(heard, ::testing::ElementsAre("brokerPermission=4"));
}

TEST(LiveSettings, UpdatesAreBounded) {
  LiveSettings live{Settings{}};
  const std::vector<SettingAssignment> one = {{.name = "brokerPermission", .value = "4"}};
  for (std::size_t i = 0; i < LiveSettings::kUpdatesMax; ++i) ASSERT_TRUE(live.update(one));
  EXPECT_EQ(live.update(one).error().code, Errc::kBusy);
}

}  // namespace
}  // namespace oncemq::model
