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

TEST(Settings, PrintedValuesAreEscaped) {
  Settings settings;
  ASSERT_TRUE(apply_setting(settings, "brokerName", "a\\b\\").has_value());
  ASSERT_TRUE(apply_setting(settings, "regionId", "two\r\nlines").has_value());
  Settings copy;
  const auto applied = apply_properties(copy, print_settings(settings), "printed");
  ASSERT_TRUE(applied.has_value()) << applied.error().message;
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

TEST(SettingsDocumentation, CommittedPageIsCurrent) {
  std::ifstream file(ONCEMQ_SOURCE_DIR "/docs/configuration.md");
  std::stringstream content;
  content << file.rdbuf();
  EXPECT_EQ(content.str(), settings_markdown())
      << "print it anew: build/release/oncemq docs config > docs/configuration.md";
}

}  // namespace
}  // namespace oncemq::model
