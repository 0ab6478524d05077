#include "app/settings_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/failing_disk.h"
#include "os/memory_disk.h"

namespace oncemq::app {
namespace {

using ::testing::HasSubstr;

class SettingsFile : public ::testing::Test {
 protected:
  void write(std::string_view text) {
    auto file = disk.open("broker.conf", os::OpenMode::kCreate).value();
    ASSERT_TRUE(file->truncate(0));
    ASSERT_TRUE(file->write_at(0, as_bytes(text)));
  }
  std::string read(os::Disk& from) {
    auto file = from.open("broker.conf", os::OpenMode::kRead).value();
    std::string text(file->size().value(), '\0');
    EXPECT_TRUE(file->read_at(0, {reinterpret_cast<std::byte*>(text.data()), text.size()}));
    return text;
  }

  os::MemoryDisk disk;
  model::Settings settings;
  const std::vector<model::SettingAssignment> change = {{.name = "maxMessageSize", .value = "5"},
                                                        {.name = "brokerPermission", .value = "4"}};
};

TEST_F(SettingsFile, IsReadWithNotes) {
  write("listenPort=1\nwarmMapedFileEnable=true\n");
  const auto notes = read_settings_file(disk, "broker.conf", settings);
  ASSERT_TRUE(notes.has_value());
  EXPECT_EQ(settings.listen_port, 1);
  ASSERT_EQ(notes->size(), 1U);
  EXPECT_THAT(notes->front(), HasSubstr("broker.conf:2"));
}

TEST_F(SettingsFile, RefusalsNameTheFile) {
  EXPECT_EQ(read_settings_file(disk, "broker.conf", settings).error().code, Errc::kNotFound);
  write("listenPort=x\n");
  EXPECT_THAT(read_settings_file(disk, "broker.conf", settings).error().message,
              HasSubstr("broker.conf:1"));
}

TEST_F(SettingsFile, KeepsEverythingElseWhenItIsWritten) {
  write("# mine\nmaxMessageSize=9\nlistenPort=1\n");
  ASSERT_TRUE(disk.sync_dir("."));
  ASSERT_TRUE(write_settings_file(disk, "broker.conf", change));
  const std::string wanted = "# mine\nmaxMessageSize=5\nlistenPort=1\nbrokerPermission=4\n";
  EXPECT_EQ(read(disk), wanted);
  EXPECT_EQ(read(*disk.crash(os::Crash::kDropUnsynced)), wanted) << "durable when it returns";
}

TEST_F(SettingsFile, AFailedWriteLeavesTheOldFile) {
  write("maxMessageSize=9\n");
  os::FailingDisk failing(disk);
  failing.inject({.call = os::DiskCall::kWrite, .error = Errc::kNoSpace});
  EXPECT_EQ(write_settings_file(failing, "broker.conf", change).error().code, Errc::kNoSpace);
  EXPECT_EQ(read(disk), "maxMessageSize=9\n");
  EXPECT_EQ(write_settings_file(disk, "other.conf", change).error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace oncemq::app
