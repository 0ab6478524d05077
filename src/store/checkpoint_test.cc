#include "store/checkpoint.h"

#include <gtest/gtest.h>

#include "os/failing_disk.h"
#include "os/memory_disk.h"

namespace oncemq::store {
namespace {

TEST(Checkpoint, IsReadBackAndMissingMeansZeros) {
  os::MemoryDisk disk;
  EXPECT_EQ(*read_checkpoint(disk, "checkpoint"), Checkpoint{});
  const Checkpoint checkpoint{
      .log_ms = 1, .queues_ms = 2, .index_ms = 3, .master_flushed = 4, .confirm_offset = 5};
  ASSERT_TRUE(write_checkpoint(disk, "checkpoint", checkpoint));
  EXPECT_EQ(*read_checkpoint(disk, "checkpoint"), checkpoint);
  EXPECT_EQ(disk.stat("checkpoint")->size, 4096U);
}

struct WatermarkTest : ::testing::Test {
  os::MemoryDisk disk;
  std::unique_ptr<WatermarkFile> file;
  void open() {
    ASSERT_TRUE(disk.make_dirs("once"));
    auto opened = WatermarkFile::open(disk, "once/watermark", "once");
    ASSERT_TRUE(opened.has_value());
    file = std::move(*opened);
  }
};

TEST_F(WatermarkTest, NewestSlotWins) {
  open();
  EXPECT_FALSE(file->last().has_value());
  for (std::int64_t i = 1; i <= 5; ++i)
    ASSERT_TRUE(file->write({.durable = i * 100, .dispatched = i * 10, .store_timestamp = i}));
  open();
  ASSERT_TRUE(file->last().has_value());
  EXPECT_EQ(file->last()->durable, 500);
  EXPECT_EQ(file->last()->dispatched, 50);
  EXPECT_EQ(file->last()->sequence, 5);
}

TEST_F(WatermarkTest, DamageOfOneSlotLeavesTheOther) {
  open();
  ASSERT_TRUE(file->write({.durable = 100}));
  ASSERT_TRUE(file->write({.durable = 200}));
  ASSERT_TRUE(disk.corrupt("once/watermark", 2 % 2 * WatermarkFile::kSlotSize + 20, std::byte{1}));
  open();
  EXPECT_EQ(file->last()->durable, 100);
  ASSERT_TRUE(disk.corrupt("once/watermark", WatermarkFile::kSlotSize + 20, std::byte{1}));
  open();
  EXPECT_FALSE(file->last().has_value());
}

TEST_F(WatermarkTest, ATornWriteNeverLosesBoth) {
  open();
  for (std::int64_t i = 1; i <= 3; ++i) ASSERT_TRUE(file->write({.durable = i}));
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::unique_ptr<os::MemoryDisk> torn;
    os::SeededRandom chance(seed);
    os::MemoryDisk fresh;
    ASSERT_TRUE(fresh.make_dirs("once"));
    ASSERT_TRUE(fresh.sync_dir(""));
    auto mark = WatermarkFile::open(fresh, "once/watermark", "once");
    ASSERT_TRUE((*mark)->write({.durable = 1}));
    ASSERT_TRUE((*mark)->write({.durable = 2}));
    fresh.observe([&](const os::DiskOperation& operation) {
      if (operation.kind == os::DiskOperation::Kind::kWrite)
        torn = fresh.crash(os::Crash::kRandom, &chance);
    });
    ASSERT_TRUE((*mark)->write({.durable = 3}));
    const auto found = WatermarkFile::view(*torn, "once/watermark");
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_GE((*found)->durable, 2);
  }
}

TEST_F(WatermarkTest, ErrorsAreHandedOn) {
  os::FailingDisk failing(disk);
  ASSERT_TRUE(disk.make_dirs("once"));
  auto mark = WatermarkFile::open(failing, "once/watermark", "once");
  failing.inject({.call = os::DiskCall::kSync, .path_end = "watermark"});
  EXPECT_FALSE((*mark)->write({.durable = 1}).has_value());
  EXPECT_FALSE((*mark)->last().has_value());
  EXPECT_EQ(WatermarkFile::view(disk, "nowhere").error().code, Errc::kNotFound);
}

}  // namespace
}  // namespace oncemq::store
