#include "os/failing_disk.h"

#include <string>

#include <gtest/gtest.h>

#include "os/memory_disk.h"

namespace oncemq::os {
namespace {

class FailingDiskTest : public ::testing::Test {
 protected:
  std::unique_ptr<File> open(std::string_view path) {
    auto file = disk_.open(path, OpenMode::kCreate);
    EXPECT_TRUE(file.has_value());
    return std::move(*file);
  }
  static bool write(File& file, std::uint64_t offset, std::string_view text) {
    return file.write_at(offset, as_bytes(text)).has_value();
  }
  std::string content(Disk& disk, std::string_view path) {
    auto file = disk.open(path, OpenMode::kRead);
    if (!file) return "-";
    std::string text(*(*file)->size(), '?');
    (void)(*file)->read_at(0, {reinterpret_cast<std::byte*>(text.data()), text.size()});
    return text;
  }

  MemoryDisk memory_;
  FailingDisk disk_{memory_};
};

TEST_F(FailingDiskTest, TheNthCallOnMatchingPathsFails) {
  auto log = open("a.log");
  auto other = open("b.txt");
  disk_.inject({.call = DiskCall::kWrite,
                .path_end = ".log",
                .nth = 2,
                .times = 2,
                .error = Errc::kNoSpace});
  EXPECT_TRUE(write(*log, 0, "1"));
  EXPECT_TRUE(write(*other, 0, "1"));
  EXPECT_EQ(log->write_at(0, as_bytes("2")).error().code, Errc::kNoSpace);
  EXPECT_TRUE(write(*other, 0, "2"));
  EXPECT_FALSE(write(*log, 0, "3"));
  EXPECT_TRUE(write(*log, 0, "4"));
  EXPECT_EQ(disk_.failed(), 2U);
  EXPECT_EQ(disk_.calls(DiskCall::kWrite), 6U);
}

TEST_F(FailingDiskTest, ForeverUntilHealed) {
  auto file = open("f");
  disk_.inject({.call = DiskCall::kSync, .times = DiskFault::kForever});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(file->sync_data().error().code, Errc::kIo);
  disk_.heal();
  EXPECT_TRUE(file->sync_data().has_value());
}

TEST_F(FailingDiskTest, ShortWriteLetsTheFirstBytesThrough) {
  auto file = open("f");
  disk_.inject({.call = DiskCall::kWrite, .error = Errc::kNoSpace, .written = 4});
  const Bytes pieces[] = {as_bytes("abc"), as_bytes("def")};
  EXPECT_EQ(file->write_at(0, pieces).error().code, Errc::kNoSpace);
  EXPECT_EQ(content(memory_, "f"), "abcd");
}

TEST_F(FailingDiskTest, AfterAFailedSyncTheNextOneLies) {
  auto file = open("temp");
  ASSERT_TRUE(write(*file, 0, "old"));
  ASSERT_TRUE(file->sync_data().has_value());
  ASSERT_TRUE(disk_.rename("temp", "f").has_value());
  ASSERT_TRUE(disk_.sync_dir("").has_value());
  disk_.inject({.call = DiskCall::kSync, .path_end = "f"});
  ASSERT_TRUE(write(*file, 0, "new"));
  EXPECT_FALSE(file->sync_data().has_value()) << "found under its new name";
  EXPECT_TRUE(file->sync_data().has_value());
  EXPECT_EQ(content(disk_, "f"), "new");
  EXPECT_EQ(content(*memory_.crash(Crash::kDropUnsynced), "f"), "old");
}

TEST_F(FailingDiskTest, EveryOtherCallCanFail) {
  auto file = open("f");
  ASSERT_TRUE(write(*file, 0, "x"));
  auto mapping = file->map();
  ASSERT_TRUE(mapping.has_value());
  for (const DiskCall call :
       {DiskCall::kOpen, DiskCall::kRead, DiskCall::kAllocate, DiskCall::kTruncate,
        DiskCall::kRename, DiskCall::kRemove, DiskCall::kList, DiskCall::kStat, DiskCall::kMakeDirs,
        DiskCall::kSyncDir, DiskCall::kLock})
    disk_.inject({.call = call, .times = DiskFault::kForever});
  std::array<std::byte, 1> byte{};
  EXPECT_FALSE(disk_.open("f", OpenMode::kRead).has_value());
  EXPECT_FALSE(file->read_at(0, byte).has_value());
  EXPECT_FALSE(file->map().has_value());
  EXPECT_FALSE((*mapping)->prefault(0, 1).has_value());
  EXPECT_FALSE(file->allocate(2).has_value());
  EXPECT_FALSE(file->truncate(0).has_value());
  EXPECT_FALSE(disk_.rename("f", "g").has_value());
  EXPECT_FALSE(disk_.remove("f").has_value());
  EXPECT_FALSE(disk_.remove_tree("f").has_value());
  EXPECT_FALSE(disk_.list("").has_value());
  EXPECT_FALSE(disk_.stat("f").has_value());
  EXPECT_FALSE(disk_.make_dirs("d").has_value());
  EXPECT_FALSE(disk_.sync_dir("").has_value());
  EXPECT_FALSE(disk_.lock("lock", "").has_value());
  EXPECT_EQ(content(memory_, "f"), "x") << "nothing of it happened";
}

}  // namespace
}  // namespace oncemq::os
