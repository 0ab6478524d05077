#include "broker/config_saver.h"

#include <gtest/gtest.h>

#include "os/failing_disk.h"
#include "os/memory_disk.h"

namespace oncemq::broker {
namespace {

class ConfigSaverTest : public ::testing::Test {
 protected:
  ConfigSaverTest() {
    file = saver.add("topics.json", [this] {
      ++dumps;
      return std::string("{\"n\":") + std::to_string(number) + "}";
    });
  }
  bool stored(std::string_view text) {
    ConfigSaver other(memory, "config");
    const auto loaded = other.load(other.add("topics.json", [] { return std::string(); }));
    return loaded.has_value() && loaded->find(text) != std::string::npos;
  }

  os::MemoryDisk memory;
  os::FailingDisk disk{memory};
  ConfigSaver saver{disk, "config"};
  std::size_t file = 0;
  int number = 1;
  int dumps = 0;
};

TEST_F(ConfigSaverTest, NothingIsWrittenUnlessMarked) {
  EXPECT_FALSE(saver.pending());
  ASSERT_TRUE(saver.run().has_value());
  EXPECT_EQ(dumps, 0);
  EXPECT_EQ(saver.load(file).value(), "");
}

TEST_F(ConfigSaverTest, ManyChangesAreOneWrite) {
  for (int i = 0; i < 100; ++i) saver.mark(file);
  EXPECT_TRUE(saver.pending());
  number = 7;
  ASSERT_TRUE(saver.run().has_value());
  EXPECT_EQ(dumps, 1);
  EXPECT_FALSE(saver.pending());
  EXPECT_TRUE(stored("\"n\":7"));
}

TEST_F(ConfigSaverTest, WhoWaitsIsToldAfterTheWrite) {
  saver.mark(file);
  int told = 0;
  saver.when_saved([&](const Status& status) {
    EXPECT_TRUE(status.has_value());
    EXPECT_TRUE(stored("\"n\":1"));
    ++told;
  });
  EXPECT_EQ(told, 0);
  ASSERT_TRUE(saver.run().has_value());
  EXPECT_EQ(told, 1);
  ASSERT_TRUE(saver.run().has_value());
  EXPECT_EQ(told, 1);
  saver.when_saved([&](const Status&) { ++told; });
  EXPECT_TRUE(saver.pending());
  ASSERT_TRUE(saver.run().has_value());
  EXPECT_EQ(told, 2);
}

TEST_F(ConfigSaverTest, FailedFileStaysMarkedAndIsToldOff) {
  saver.mark(file);
  ASSERT_TRUE(saver.run().has_value());
  number = 2;
  saver.mark(file);
  disk.inject({.call = os::DiskCall::kWrite, .path_end = "", .error = Errc::kNoSpace});
  Errc told = Errc::kInternal;
  saver.when_saved([&](const Status& status) { told = status.error().code; });
  EXPECT_EQ(saver.run().error().code, Errc::kNoSpace);
  EXPECT_EQ(told, Errc::kNoSpace);
  EXPECT_TRUE(saver.pending());
  EXPECT_TRUE(stored("\"n\":1"));
  ASSERT_TRUE(saver.run().has_value());
  EXPECT_TRUE(stored("\"n\":2"));
}

TEST_F(ConfigSaverTest, OneFailureDoesNotKeepTheOthersFromTheDisk) {
  const std::size_t second = saver.add("groups.json", [] { return std::string("{\"g\":1}"); });
  saver.mark(file);
  saver.mark(second);
  disk.inject({.call = os::DiskCall::kWrite, .path_end = ""});
  EXPECT_FALSE(saver.run().has_value());
  EXPECT_NE(saver.load(second)->find("\"g\":1"), std::string::npos);
}

TEST_F(ConfigSaverTest, BrokenFilesAreNotTakenForANewBroker) {
  saver.mark(file);
  ASSERT_TRUE(saver.run().has_value());
  ASSERT_TRUE(memory.corrupt("config/topics.json", 2, std::byte{0x55}));
  EXPECT_EQ(saver.load(file).error().code, Errc::kCorrupt);
}

}  // namespace
}  // namespace oncemq::broker
