#include "route/kv_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/failing_disk.h"
#include "os/memory_disk.h"

namespace oncemq::route {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

void write_file(os::Disk& disk, std::string_view text) {
  ASSERT_TRUE(disk.make_dirs("ns"));
  auto file = disk.open("ns/kvConfig.json", os::OpenMode::kCreate).value();
  ASSERT_TRUE(file->write_at(0, as_bytes(text)));
}

TEST(KvConfig, KeepsWhatWasPut) {
  os::MemoryDisk disk;
  {
    auto kv = KvConfig::open(disk, "ns").value();
    EXPECT_FALSE(kv->get("a", "k").has_value());
    EXPECT_FALSE(kv->list("a").has_value());
    ASSERT_TRUE(kv->put("a", "k", "v"));
    ASSERT_TRUE(kv->put("a", "k2", "\"quoted\""));
    ASSERT_TRUE(kv->put("b", "k", "other"));
    ASSERT_TRUE(kv->erase("b", "k"));
    ASSERT_TRUE(kv->erase("b", "k"));
    ASSERT_TRUE(kv->erase("a", "never"));
  }
  auto kv = KvConfig::open(disk, "ns").value();
  EXPECT_THAT(*kv->list("a"), ElementsAre(Pair("k", "v"), Pair("k2", "\"quoted\"")));
  EXPECT_FALSE(kv->list("b").has_value());
  EXPECT_EQ(kv->get("a", "k"), "v");
}

TEST(KvConfig, AnAnsweredChangeSurvivesTheMachine) {
  os::MemoryDisk disk;
  auto kv = KvConfig::open(disk, "ns").value();
  ASSERT_TRUE(disk.sync_dir("."));
  ASSERT_TRUE(kv->put("a", "k", "1"));
  auto after = disk.crash(os::Crash::kDropUnsynced);
  EXPECT_EQ(KvConfig::open(*after, "ns").value()->get("a", "k"), "1");
}

TEST(KvConfig, ReadsWhatApacheWrote) {
  os::MemoryDisk disk;
  write_file(disk, R"({"configTable":{"ORDER_TOPIC_CONFIG":{"T":"b-a:4;b-b:4"}}})");
  EXPECT_EQ(KvConfig::open(disk, "ns").value()->get("ORDER_TOPIC_CONFIG", "T"), "b-a:4;b-b:4");
}

TEST(KvConfig, ABrokenFileIsNeverTakenForAnEmptyOne) {
  for (const std::string_view text : {"", "{", "[]", R"({"configTable":7})", R"({"other":{}})"}) {
    os::MemoryDisk disk;
    write_file(disk, text);
    const auto kv = KvConfig::open(disk, "ns");
    ASSERT_FALSE(kv.has_value()) << text;
    EXPECT_EQ(kv.error().code, Errc::kCorrupt);
  }
}

TEST(KvConfig, AFailedWriteIsToldAndTheNextTriesAgain) {
  os::MemoryDisk memory;
  os::FailingDisk disk(memory);
  auto kv = KvConfig::open(disk, "ns").value();
  disk.inject({.call = os::DiskCall::kSync, .path_end = ".tmp"});
  EXPECT_FALSE(kv->put("a", "k", "1").has_value());
  ASSERT_TRUE(kv->put("a", "k2", "2"));
  EXPECT_EQ(KvConfig::open(memory, "ns").value()->get("a", "k"), "1");
}

}  // namespace
}  // namespace oncemq::route
