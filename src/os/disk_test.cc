// The contract of os/disk.h, asked of every Disk we have.
#include "os/disk.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "os/failing_disk.h"
#include "os/memory_disk.h"
#include "os/real_disk.h"

namespace oncemq::os {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RealFolder {
 public:
  RealFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "oncemq_disk_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~RealFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  RealFolder(const RealFolder&) = delete;
  RealFolder& operator=(const RealFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

enum class Which { kReal, kMemory, kFailing };

class DiskContract : public ::testing::TestWithParam<Which> {
 protected:
  Disk& disk() {
    switch (GetParam()) {
      case Which::kReal:
        return real_;
      case Which::kMemory:
        return memory_;
      case Which::kFailing:
        return failing_;
    }
    return real_;
  }
  std::string path(std::string_view name) {
    if (GetParam() == Which::kReal) return folder_.path() + "/" + std::string(name);
    return std::string(name);
  }
  std::unique_ptr<File> open(std::string_view name, OpenMode mode = OpenMode::kCreate) {
    auto file = disk().open(path(name), mode);
    EXPECT_TRUE(file.has_value()) << file.error().message;
    return file ? std::move(*file) : nullptr;
  }
  std::string content(std::string_view name) {
    auto file = open(name, OpenMode::kRead);
    std::string text(*file->size() + 10, '?');
    const auto count = file->read_at(0, {reinterpret_cast<std::byte*>(text.data()), text.size()});
    EXPECT_TRUE(count.has_value());
    text.resize(*count);
    return text;
  }
  Errc open_error(std::string_view name, OpenMode mode) {
    const auto file = disk().open(path(name), mode);
    EXPECT_FALSE(file.has_value());
    return file ? Errc::kInternal : file.error().code;
  }

 private:
  RealFolder folder_;
  RealDisk real_;
  MemoryDisk memory_;
  MemoryDisk below_;
  FailingDisk failing_{below_};
};

TEST_P(DiskContract, OpenModes) {
  EXPECT_EQ(open_error("f", OpenMode::kRead), Errc::kNotFound);
  EXPECT_EQ(open_error("f", OpenMode::kReadWrite), Errc::kNotFound);
  EXPECT_EQ(open_error("missing/f", OpenMode::kCreate), Errc::kNotFound);
  open("f", OpenMode::kCreateNew);
  EXPECT_EQ(open_error("f", OpenMode::kCreateNew), Errc::kInUse);
  ASSERT_TRUE(open("f", OpenMode::kReadWrite)->write_at(0, as_bytes("x")).has_value());
  open("f", OpenMode::kCreate);
  EXPECT_EQ(content("f"), "x") << "kCreate leaves what is there";
  EXPECT_EQ(open("f", OpenMode::kRead)->write_at(0, as_bytes("y")).error().code, Errc::kIo);
}

TEST_P(DiskContract, WritesLeaveHolesAsZeros) {
  auto file = open("f");
  ASSERT_TRUE(file->write_at(5, as_bytes("world")).has_value());
  EXPECT_EQ(content("f"), std::string("\0\0\0\0\0world", 10));
  ASSERT_TRUE(file->write_at(0, as_bytes("hello")).has_value());
  ASSERT_TRUE(file->write_at(3, as_bytes("")).has_value());
  EXPECT_EQ(content("f"), "helloworld");
  EXPECT_TRUE(file->sync_data().has_value());
}

TEST_P(DiskContract, PiecesStandOneBehindTheOther) {
  auto file = open("f");
  std::vector<std::string> texts;
  std::string expected = "-";
  for (int i = 0; i < 200; ++i) {  // more than one system call takes
    texts.push_back(i % 7 == 0 ? "" : std::to_string(i) + ",");
    expected += texts.back();
  }
  std::vector<Bytes> pieces;
  for (const std::string& text : texts) pieces.push_back(as_bytes(text));
  ASSERT_TRUE(file->write_at(0, as_bytes("-")).has_value());
  ASSERT_TRUE(file->write_at(1, pieces).has_value());
  EXPECT_EQ(content("f"), expected);
}

TEST_P(DiskContract, ReadsStopAtTheEnd) {
  auto file = open("f");
  ASSERT_TRUE(file->write_at(0, as_bytes("hello")).has_value());
  std::array<std::byte, 4> into{};
  EXPECT_EQ(*file->read_at(0, into), 4U);
  EXPECT_EQ(as_text(into), "hell");
  EXPECT_EQ(*file->read_at(3, into), 2U);
  EXPECT_EQ(as_text(Bytes(into).first(2)), "lo");
  EXPECT_EQ(*file->read_at(5, into), 0U);
  EXPECT_EQ(*file->read_at(500, into), 0U);
}

TEST_P(DiskContract, AllocateGrowsWithZerosAndNeverCuts) {
  auto file = open("f");
  ASSERT_TRUE(file->write_at(0, as_bytes("abc")).has_value());
  ASSERT_TRUE(file->allocate(6).has_value());
  EXPECT_EQ(content("f"), std::string("abc\0\0\0", 6));
  ASSERT_TRUE(file->allocate(2).has_value());
  EXPECT_EQ(*file->size(), 6U);
}

TEST_P(DiskContract, TruncateCutsAndTheCutIsZeroWhenItComesBack) {
  auto file = open("f");
  ASSERT_TRUE(file->write_at(0, as_bytes("abcdef")).has_value());
  ASSERT_TRUE(file->truncate(2).has_value());
  EXPECT_EQ(content("f"), "ab");
  ASSERT_TRUE(file->truncate(5).has_value());
  EXPECT_EQ(content("f"), std::string("ab\0\0\0", 5));
}

TEST_P(DiskContract, MappingSeesLaterWritesAndOutlivesTheFile) {
  std::shared_ptr<const Mapping> mapping;
  {
    auto file = open("f");
    ASSERT_TRUE(file->allocate(100'000).has_value());
    auto mapped = file->map();
    ASSERT_TRUE(mapped.has_value());
    mapping = *mapped;
    EXPECT_EQ(mapping->bytes().size(), 100'000U);
    EXPECT_EQ(mapping->bytes()[70'000], std::byte{0});
    ASSERT_TRUE(file->write_at(70'000, as_bytes("later")).has_value());
    EXPECT_EQ(as_text(mapping->bytes().subspan(70'000, 5)), "later");
    // Growing the file must not move what is mapped.
    ASSERT_TRUE(file->write_at(10'000'000, as_bytes("x")).has_value());
    ASSERT_TRUE(file->write_at(0, as_bytes("again")).has_value());
    EXPECT_EQ(as_text(mapping->bytes().first(5)), "again");
  }
  ASSERT_TRUE(disk().remove(path("f")).has_value());
  EXPECT_TRUE(mapping->prefault(1, 99'999).has_value());
  EXPECT_TRUE(mapping->prefault(100'000, 0).has_value());
  mapping->release(1, 99'998);
  mapping->release(0, 100'000);
  mapping->release(100'000, 0);
  EXPECT_EQ(as_text(mapping->bytes().first(5)), "again");
}

TEST_P(DiskContract, EmptyFileHasAnEmptyMapping) {
  auto mapping = open("f")->map();
  ASSERT_TRUE(mapping.has_value());
  EXPECT_TRUE((*mapping)->bytes().empty());
}

TEST_P(DiskContract, RenameReplaces) {
  auto old_file = open("a");
  ASSERT_TRUE(old_file->write_at(0, as_bytes("new")).has_value());
  ASSERT_TRUE(open("b")->write_at(0, as_bytes("old")).has_value());
  ASSERT_TRUE(disk().rename(path("a"), path("b")).has_value());
  EXPECT_EQ(content("b"), "new");
  EXPECT_EQ(open_error("a", OpenMode::kRead), Errc::kNotFound);
  ASSERT_TRUE(old_file->write_at(0, as_bytes("NEW")).has_value());
  EXPECT_EQ(content("b"), "NEW");
  EXPECT_EQ(disk().rename(path("a"), path("c")).error().code, Errc::kNotFound);
}

TEST_P(DiskContract, RemoveTakesFilesAndEmptyFolders) {
  ASSERT_TRUE(disk().make_dirs(path("d/e")).has_value());
  open("d/e/f");
  EXPECT_EQ(disk().remove(path("d/e")).error().code, Errc::kInUse);
  ASSERT_TRUE(disk().remove(path("d/e/f")).has_value());
  ASSERT_TRUE(disk().remove(path("d/e")).has_value());
  EXPECT_EQ(disk().remove(path("d/e")).error().code, Errc::kNotFound);
}

TEST_P(DiskContract, RemoveTree) {
  ASSERT_TRUE(disk().make_dirs(path("d/e/g")).has_value());
  open("d/e/f");
  open("d/h");
  ASSERT_TRUE(disk().remove_tree(path("d")).has_value());
  EXPECT_EQ(disk().stat(path("d")).error().code, Errc::kNotFound);
  EXPECT_TRUE(disk().remove_tree(path("d")).has_value());
}

TEST_P(DiskContract, ListIsSortedAndTellsSizes) {
  ASSERT_TRUE(disk().make_dirs(path("d/b")).has_value());
  ASSERT_TRUE(disk().make_dirs(path("d/b")).has_value());
  ASSERT_TRUE(open("d/c")->write_at(0, as_bytes("123")).has_value());
  open("d/a");
  const auto entries = disk().list(path("d"));
  ASSERT_TRUE(entries.has_value());
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_EQ((*entries)[0].name, "a");
  EXPECT_EQ((*entries)[1].name, "b");
  EXPECT_TRUE((*entries)[1].is_directory);
  EXPECT_EQ((*entries)[1].size, 0U);
  EXPECT_EQ((*entries)[2].name, "c");
  EXPECT_FALSE((*entries)[2].is_directory);
  EXPECT_EQ((*entries)[2].size, 3U);
  EXPECT_EQ(disk().list(path("missing")).error().code, Errc::kNotFound);
  const auto one = disk().stat(path("d/c"));
  ASSERT_TRUE(one.has_value());
  EXPECT_EQ(one->name, "c");
  EXPECT_EQ(one->size, 3U);
}

TEST_P(DiskContract, FoldersSync) {
  ASSERT_TRUE(disk().make_dirs(path("d")).has_value());
  EXPECT_TRUE(disk().sync_dir(path("d")).has_value());
  EXPECT_EQ(disk().sync_dir(path("missing")).error().code, Errc::kNotFound);
}

TEST_P(DiskContract, SpaceIsPlausible) {
  ASSERT_TRUE(disk().make_dirs(path("d")).has_value());
  const auto space = disk().space(path("d"));
  ASSERT_TRUE(space.has_value());
  EXPECT_GT(space->total, 0U);
  EXPECT_LE(space->free, space->total);
  EXPECT_EQ(disk().space(path("missing")).error().code, Errc::kNotFound);
}

TEST_P(DiskContract, LockExcludesASecondHolder) {
  auto first = disk().lock(path("lock"), "pid 1");
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(content("lock"), "pid 1");
  const auto second = disk().lock(path("lock"), "pid 2");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::kInUse);
  EXPECT_THAT(second.error().message, HasSubstr("pid 1"));
  first->reset();
  EXPECT_TRUE(disk().lock(path("lock"), "3").has_value());
  EXPECT_EQ(content("lock"), "3");
}

std::string which_name(const ::testing::TestParamInfo<Which>& info) {
  static constexpr const char* kNames[] = {"Real", "Memory", "Failing"};
  return kNames[static_cast<int>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(All, DiskContract,
                         ::testing::Values(Which::kReal, Which::kMemory, Which::kFailing),
                         which_name);

TEST(RealDisk, FullDeviceIsNoSpace) {
  RealDisk disk;
  auto file = disk.open("/dev/full", OpenMode::kReadWrite);
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ((*file)->write_at(0, as_bytes("x")).error().code, Errc::kNoSpace);
  const Bytes piece = as_bytes("x");
  EXPECT_EQ((*file)->write_at(0, std::span<const Bytes>(&piece, 1)).error().code, Errc::kNoSpace);
}

// A line of /proc/self/status, in KiB.
std::size_t memory_kib(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name)) return std::stoul(line.substr(name.size()));
  return 0;
}

TEST(RealDisk, ReleasedPagesNoLongerCountForTheProcess) {
  const RealFolder folder;
  RealDisk disk;
  auto file = disk.open(folder.path() + "/f", OpenMode::kCreate);
  ASSERT_TRUE(file.has_value());
  constexpr std::size_t kSize = 16 << 20;
  ASSERT_TRUE((*file)->truncate(kSize).has_value());
  ASSERT_TRUE((*file)->write_at(kSize / 2, as_bytes("kept")).has_value());
  const auto mapping = *(*file)->map();
  ASSERT_TRUE(mapping->prefault(0, kSize).has_value());
  const std::size_t before = memory_kib("RssFile:");
  mapping->release(0, kSize);
  EXPECT_LT(memory_kib("RssFile:") + (kSize >> 11), before) << "more than half of it went";
  EXPECT_EQ(as_text(mapping->bytes().subspan(kSize / 2, 4)), "kept");
}

TEST(RealDisk, ErrorsNameThePathAndTheCause) {
  RealDisk disk;
  const auto file = disk.open("/nowhere/at/all", OpenMode::kRead);
  ASSERT_FALSE(file.has_value());
  EXPECT_THAT(file.error().message,
              AllOf(HasSubstr("'/nowhere/at/all'"), HasSubstr("No such file")));
}

}  // namespace
}  // namespace oncemq::os
