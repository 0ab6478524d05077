#include "model/settings.h"

#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq::model {
namespace {

using ::testing::HasSubstr;

TEST(Settings, DefaultsOfTheTableAreInsideTheirOwnRanges) {
  Settings settings;
  for (const SettingRow& row : setting_rows()) {
    const std::string value = setting_text(settings, row);
    if (value.empty()) continue;
    Status status = apply_setting(settings, row.name, value);
    EXPECT_TRUE(status.has_value()) << row.name << ": " << status.error().message;
  }
  EXPECT_EQ(settings, Settings{});
  EXPECT_TRUE(check_settings(settings).has_value());
}

TEST(Settings, EveryNameStandsOnce) {
  std::set<std::string_view> names;
  for (const SettingRow& row : setting_rows())
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
}

TEST(Settings, PrintedSettingsReadBackAsTheSame) {
  Settings settings;
  settings.listen_port = 12345;
  settings.flush_disk_type = "SYNC_FLUSH";
  settings.auto_create_topic = false;
  settings.log_file_size = 8 << 20;
  Settings copy;
  ASSERT_TRUE(apply_properties(copy, print_settings(settings), "printed").has_value());
  EXPECT_EQ(copy, settings);
}

TEST(Settings, UnknownKeyNamesTheNearestOne) {
  Settings settings;
  const Status status = apply_setting(settings, "listenProt", "1");
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, Errc::kNotFound);
  EXPECT_THAT(status.error().message, HasSubstr("'listenPort'"));
}

TEST(Settings, BadValuesNameTheRange) {
  Settings settings;
  for (const auto& [name, value, wanted] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"listenPort", "65536", "0..65535"},
           {"listenPort", "-1", "0..65535"},
           {"listenPort", "12x", "0..65535"},
           {"listenPort", "", "0..65535"},
           {"flushDiskType", "SYNC", "ASYNC_FLUSH|SYNC_FLUSH"},
           {"autoCreateTopicEnable", "yes", "true or false"},
           {"deleteWhen", "24", "hours"},
           {"deleteWhen", "04;", "hours"},
           {"roles", "controller", "roles"},
           {"mappedFileSizeConsumeQueue", "30", "multiple of 20"},
           {"messageDelayLevel", "1s 5x", "5x"},
           {"authenticationEnabled", "true", "not served"},
           {"brokerRole", "SLAVE", "not served"}}) {
    const Status status = apply_setting(settings, name, value);
    ASSERT_FALSE(status.has_value()) << name << "=" << value;
    EXPECT_EQ(status.error().code, Errc::kInvalidArgument);
    EXPECT_THAT(status.error().message, HasSubstr(wanted));
  }
  EXPECT_EQ(settings, Settings{});
}

TEST(Settings, KeysWithoutMeaningAreAcceptedAndSaidSo) {
  Settings settings;
  const auto notes = apply_properties(
      settings, "sendMessageThreadPoolNums=16\nauthenticationEnabled=false\nlistenPort=1\n", "f");
  ASSERT_TRUE(notes.has_value());
  ASSERT_EQ(notes->size(), 2U);
  EXPECT_THAT((*notes)[0], HasSubstr("f:1: 'sendMessageThreadPoolNums' has no meaning here"));
  EXPECT_EQ(settings.listen_port, 1);
}

TEST(Settings, ErrorsOfAFileNameTheLine) {
  Settings settings;
  const auto notes = apply_properties(settings, "# head\n\nlistenPort=1\nbad=2\n", "broker.conf");
  ASSERT_FALSE(notes.has_value());
  EXPECT_THAT(notes.error().message, HasSubstr("broker.conf:4: "));
}

TEST(Settings, ContradictionsAreFound) {
  Settings same_port;
  same_port.listen_port = same_port.namesrv_listen_port;
  EXPECT_FALSE(check_settings(same_port).has_value());
  Settings any_port;
  any_port.listen_port = any_port.namesrv_listen_port = 0;
  EXPECT_TRUE(check_settings(any_port).has_value());
  Settings ratios;
  ratios.disk_max_used_percent = 88;
  EXPECT_FALSE(check_settings(ratios).has_value());
}

TEST(Properties, FollowTheJavaSyntax) {
  const auto parsed = parse_properties(
      "# comment\n! comment\na=1\r\n  b : two words \nc three\nd=x\\\n   y\ne\\=f=g\\u0041\\t\n"
      "h=\ni=c:\\\\temp\n");
  ASSERT_TRUE(parsed.has_value());
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& a : *parsed) pairs.emplace_back(a.name, a.value);
  EXPECT_THAT(pairs,
              ::testing::ElementsAre(::testing::Pair("a", "1"), ::testing::Pair("b", "two words"),
                                     ::testing::Pair("c", "three"), ::testing::Pair("d", "xy"),
                                     ::testing::Pair("e=f", "gA"), ::testing::Pair("h", ""),
                                     ::testing::Pair("i", "c:\\temp")));
  EXPECT_EQ((*parsed)[4].line, 8);
}

TEST(Properties, BrokenTextIsRefused) {
  EXPECT_FALSE(parse_properties("a=\\u12\n").has_value());
  EXPECT_FALSE(parse_properties("a=\\u12zz\n").has_value());
  EXPECT_FALSE(parse_properties("=1\n").has_value());
  EXPECT_TRUE(parse_properties("").has_value());
  EXPECT_TRUE(parse_properties("a\\").has_value());
}

TEST(Properties, RewriteReplacesTheLastAssignmentOnly) {
  EXPECT_EQ(rewrite_properties("# a=0\na=1\nb=2\na=3\\\n 4\nc=5", "a", "9"),
            "# a=0\na=1\nb=2\na=9\nc=5");
  EXPECT_EQ(rewrite_properties("b=2", "a", "9"), "b=2\na=9\n");
  EXPECT_EQ(rewrite_properties("", "a", "x\\y"), "a=x\\\\y\n");
}

TEST(DelayLevels, AreReadWithUnits) {
  const auto levels = parse_delay_levels(" 1s 5m  2h 1d ");
  ASSERT_TRUE(levels.has_value());
  EXPECT_THAT(*levels, ::testing::ElementsAre(1000, 300'000, 7'200'000, 86'400'000));
  EXPECT_FALSE(parse_delay_levels("").has_value());
  EXPECT_FALSE(parse_delay_levels("5").has_value());
  EXPECT_FALSE(parse_delay_levels("s").has_value());
  EXPECT_FALSE(parse_delay_levels("-1s").has_value());
}

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

TEST(SettingsDocumentation, CommittedPageIsCurrent) {
  std::ifstream file(ONCEMQ_SOURCE_DIR "/docs/configuration.md");
  std::stringstream content;
  content << file.rdbuf();
  EXPECT_EQ(content.str(), settings_markdown())
      << "print it anew: build/release/oncemq docs config > docs/configuration.md";
}

}  // namespace
}  // namespace oncemq::model
