#include "os/memory_disk.h"

#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/clock.h"

namespace oncemq::os {
namespace {

using ::testing::ElementsAre;

std::unique_ptr<File> open(Disk& disk, std::string_view path) {
  auto file = disk.open(path, OpenMode::kCreate);
  EXPECT_TRUE(file.has_value());
  return std::move(*file);
}

void write(File& file, std::uint64_t offset, std::string_view text) {
  ASSERT_TRUE(file.write_at(offset, as_bytes(text)).has_value());
}

// "-" when the file is missing.
std::string content(Disk& disk, std::string_view path) {
  auto file = disk.open(path, OpenMode::kRead);
  if (!file) return "-";
  std::string text(*(*file)->size(), '?');
  EXPECT_TRUE(
      (*file)->read_at(0, {reinterpret_cast<std::byte*>(text.data()), text.size()}).has_value());
  return text;
}

TEST(MemoryDisk, UnsyncedBytesAreLostWithTheMachineAndKeptWithTheProcess) {
  MemoryDisk disk;
  auto file = open(disk, "f");
  ASSERT_TRUE(disk.sync_dir("").has_value());
  write(*file, 0, "durable");
  ASSERT_TRUE(file->sync_data().has_value());
  write(*file, 0, "DUR");
  write(*file, 7, "+more");
  EXPECT_EQ(content(*disk.crash(Crash::kDropUnsynced), "f"), "durable");
  EXPECT_EQ(content(*disk.crash(Crash::kKeepUnsynced), "f"), "DURable+more");
  auto restarted = disk.crash(Crash::kProcess);
  EXPECT_EQ(content(*restarted, "f"), "DURable+more");
  EXPECT_EQ(content(*restarted->crash(Crash::kDropUnsynced), "f"), "durable")
      << "a restart does not make bytes durable";
  EXPECT_EQ(content(disk, "f"), "DURable+more") << "the disk itself goes on";
}

TEST(MemoryDisk, NamesAreDurableOnlyAfterSyncDir) {
  MemoryDisk disk;
  ASSERT_TRUE(disk.make_dirs("d").has_value());
  ASSERT_TRUE(disk.sync_dir("").has_value());
  auto file = open(disk, "d/f");
  write(*file, 0, "x");
  ASSERT_TRUE(file->sync_data().has_value());
  EXPECT_EQ(content(*disk.crash(Crash::kDropUnsynced), "d/f"), "-");
  EXPECT_EQ(content(*disk.crash(Crash::kKeepUnsynced), "d/f"), "x");
  ASSERT_TRUE(disk.sync_dir("d").has_value());
  EXPECT_EQ(content(*disk.crash(Crash::kDropUnsynced), "d/f"), "x");
  ASSERT_TRUE(disk.remove("d/f").has_value());
  EXPECT_EQ(content(*disk.crash(Crash::kDropUnsynced), "d/f"), "x") << "removal is a name, too";
  EXPECT_EQ(content(*disk.crash(Crash::kKeepUnsynced), "d/f"), "-");
}

TEST(MemoryDisk, RenameIsThereAsAWholeOrNotAtAll) {
  MemoryDisk disk;
  write(*open(disk, "name"), 0, "old");
  ASSERT_TRUE(open(disk, "name")->sync_data().has_value());
  auto temp = open(disk, "temp");
  write(*temp, 0, "new");
  ASSERT_TRUE(temp->sync_data().has_value());
  ASSERT_TRUE(disk.sync_dir("").has_value());
  ASSERT_TRUE(disk.rename("temp", "name").has_value());
  std::set<std::pair<std::string, std::string>> seen;
  SeededRandom chance(1);
  for (int i = 0; i < 50; ++i) {
    auto after = disk.crash(Crash::kRandom, &chance);
    seen.emplace(content(*after, "name"), content(*after, "temp"));
  }
  EXPECT_THAT(seen, ElementsAre(std::pair("new", "-"), std::pair("old", "new")));
}

TEST(MemoryDisk, NamesSurviveInTheOrderOfTheirChanges) {
  MemoryDisk disk;
  for (const char* name : {"a", "b", "c"}) open(disk, name);
  std::set<std::vector<std::string>> seen;
  SeededRandom chance(2);
  for (int i = 0; i < 100; ++i) seen.insert(disk.crash(Crash::kRandom, &chance)->files());
  EXPECT_EQ(seen, (std::set<std::vector<std::string>>{{}, {"a"}, {"a", "b"}, {"a", "b", "c"}}));
}

TEST(MemoryDisk, RandomCrashTearsAtSectorsAndReorders) {
  MemoryDisk disk;
  auto file = open(disk, "f");
  ASSERT_TRUE(file->allocate(4 * MemoryDisk::kSector).has_value());
  ASSERT_TRUE(file->sync_data().has_value());
  ASSERT_TRUE(disk.sync_dir("").has_value());
  write(*file, 100, std::string(1000, 'a'));  // sectors 0, 1 and 2
  write(*file, 1100, std::string(800, 'b'));  // sectors 2 and 3
  std::set<std::string> seen;
  SeededRandom chance(3);
  bool later_without_earlier = false;
  for (int i = 0; i < 2000; ++i) {
    auto after = disk.crash(Crash::kRandom, &chance);
    const std::string text = content(*after, "f");
    ASSERT_EQ(text.size(), 4 * MemoryDisk::kSector);
    for (const auto& [from, to] : {std::pair{100, 512}, std::pair{512, 1024}, std::pair{1024, 1100},
                                   std::pair{1100, 1536}, std::pair{1536, 1900}}) {
      for (int at = from + 1; at < to; ++at)
        ASSERT_EQ(text[static_cast<std::size_t>(at)], text[static_cast<std::size_t>(from)])
            << "torn inside a sector";
    }
    later_without_earlier |= text[1600] == 'b' && text[200] == '\0';
    seen.insert(text);
  }
  EXPECT_EQ(seen.size(), 32U) << "every one of 2^5 outcomes";
  EXPECT_TRUE(later_without_earlier);
}

TEST(MemoryDisk, SyncedBytesSurviveEveryCrash) {
  SeededRandom chance(4);
  for (int round = 0; round < 200; ++round) {
    MemoryDisk disk;
    auto file = open(disk, "f");
    ASSERT_TRUE(disk.sync_dir("").has_value());
    std::string expected;
    const auto apply = [&](std::uint64_t offset, std::string_view text) {
      write(*file, offset, text);
      expected.resize(std::max<std::size_t>(expected.size(), offset + text.size()));
      expected.replace(offset, text.size(), text);
    };
    for (int i = 0; i < 5; ++i)
      apply(chance.below(3000), std::string(1 + chance.below(900), static_cast<char>('a' + i)));
    if (chance.below(2) == 0) {
      const std::size_t cut = chance.below(3000);
      ASSERT_TRUE(file->truncate(cut).has_value());
      expected.resize(cut);
    }
    ASSERT_TRUE(file->sync_data().has_value());
    const std::string synced = expected;
    std::vector<bool> touched(10'000);
    for (int i = 0; i < 3; ++i) {
      const std::uint64_t offset = chance.below(3000);
      const std::size_t size = 1 + chance.below(900);
      for (std::size_t at = offset; at < offset + size; ++at) touched[at] = true;
      apply(offset, std::string(size, static_cast<char>('A' + i)));
    }
    EXPECT_EQ(content(*disk.crash(Crash::kDropUnsynced), "f"), synced);
    EXPECT_EQ(content(*disk.crash(Crash::kKeepUnsynced), "f"), expected);
    const std::string after = content(*disk.crash(Crash::kRandom, &chance), "f");
    ASSERT_GE(after.size(), synced.size());
    for (std::size_t at = 0; at < synced.size(); ++at) {
      ASSERT_TRUE(touched[at] || after[at] == synced[at]) << "round " << round << " at " << at;
    }
  }
}

TEST(MemoryDisk, SameSeedSameCrash) {
  MemoryDisk disk;
  auto file = open(disk, "f");
  for (std::uint64_t i = 0; i < 20; ++i)
    write(*file, i * 300, std::string(300, static_cast<char>('a' + i)));
  SeededRandom first(7);
  SeededRandom second(7);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(content(*disk.crash(Crash::kRandom, &first), "f"),
              content(*disk.crash(Crash::kRandom, &second), "f"));
}

TEST(MemoryDisk, LostBytesAreReadableCleanAndNotOnTheDisk) {
  MemoryDisk disk;
  auto file = open(disk, "f");
  write(*file, 0, "old!old!");
  ASSERT_TRUE(file->sync_data().has_value());
  ASSERT_TRUE(disk.sync_dir("").has_value());
  write(*file, 0, "new1");
  write(*file, 2, "new2");
  MemoryDisk::lose_unsynced(*file);
  EXPECT_EQ(content(disk, "f"), "nenew2d!");
  ASSERT_TRUE(file->sync_data().has_value());
  EXPECT_EQ(content(*disk.crash(Crash::kDropUnsynced), "f"), "old!old!");
  EXPECT_EQ(content(*disk.crash(Crash::kKeepUnsynced), "f"), "old!old!");
  auto restarted = disk.crash(Crash::kProcess);
  EXPECT_EQ(content(*restarted, "f"), "nenew2d!");
  auto again = open(*restarted, "f");
  ASSERT_TRUE(again->sync_data().has_value());
  EXPECT_EQ(content(*restarted->crash(Crash::kDropUnsynced), "f"), "old!old!")
      << "a new process and its sync change nothing";
  write(*again, 0, "nenew2");
  EXPECT_EQ(content(*restarted->crash(Crash::kDropUnsynced), "f"), "old!old!");
  EXPECT_EQ(content(*restarted->crash(Crash::kKeepUnsynced), "f"), "nenew2d!");
  ASSERT_TRUE(again->sync_data().has_value());
  EXPECT_EQ(content(*restarted->crash(Crash::kDropUnsynced), "f"), "nenew2d!")
      << "written again and synced, they are on the disk";
}

TEST(MemoryDisk, CapacityCountsBlocksNotHoles) {
  MemoryDisk disk(nullptr, 1000);
  auto sparse = open(disk, "sparse");
  ASSERT_TRUE(sparse->truncate(1 << 20).has_value());
  EXPECT_EQ(disk.space("")->free, 1000U);
  auto file = open(disk, "f");
  ASSERT_TRUE(file->allocate(400).has_value());
  EXPECT_EQ(disk.space("")->free, 600U);
  write(*file, 0, std::string(400, 'x'));
  EXPECT_EQ(disk.space("")->free, 600U);
  EXPECT_EQ(file->write_at(400, as_bytes(std::string(700, 'y'))).error().code, Errc::kNoSpace);
  EXPECT_EQ(*file->size(), 1000U) << "what fits was written";
  EXPECT_EQ(open(disk, "g")->allocate(1).error().code, Errc::kNoSpace);
  ASSERT_TRUE(disk.remove("f").has_value());
  EXPECT_TRUE(open(disk, "g")->allocate(1000).has_value());
  disk.set_capacity(2000);
  EXPECT_EQ(disk.space("")->free, 1000U);
}

TEST(MemoryDisk, ObserverSeesEveryChangeOnce) {
  MemoryDisk disk;
  std::vector<std::string> seen;
  disk.observe([&](const DiskOperation& operation) {
    seen.push_back(operation.to_string());
    disk.crash(Crash::kProcess);  // no lock is held
  });
  auto file = open(disk, "f");
  write(*file, 3, "abc");
  ASSERT_TRUE(file->sync_data().has_value());
  ASSERT_TRUE(disk.rename("f", "g").has_value());
  ASSERT_TRUE(disk.sync_dir("").has_value());
  ASSERT_TRUE(disk.remove("g").has_value());
  (void)content(disk, "g");
  EXPECT_THAT(seen, ElementsAre("#1 create f [0, 0)", "#2 write f [3, 6)", "#3 sync f [0, 0)",
                                "#4 rename g [0, 0)", "#5 sync_dir  [0, 0)", "#6 remove g [0, 0)"));
  EXPECT_EQ(disk.operations(), 6U);
}

TEST(MemoryDisk, CorruptReachesMemoryAndDisk) {
  MemoryDisk disk;
  auto file = open(disk, "f");
  write(*file, 0, "abc");
  ASSERT_TRUE(file->sync_data().has_value());
  ASSERT_TRUE(disk.sync_dir("").has_value());
  ASSERT_TRUE(disk.corrupt("f", 1, std::byte{0x20}));
  EXPECT_EQ(content(disk, "f"), "aBc");
  EXPECT_EQ(content(*disk.crash(Crash::kDropUnsynced), "f"), "aBc");
  EXPECT_FALSE(disk.corrupt("f", 3, std::byte{1}));
  EXPECT_FALSE(disk.corrupt("g", 0, std::byte{1}));
}

TEST(MemoryDisk, ModificationTimesFollowTheClock) {
  ManualClock clock(1000);
  MemoryDisk disk(&clock);
  auto file = open(disk, "f");
  EXPECT_EQ(disk.stat("f")->modified_ms, 1000);
  clock.advance_ms(5);
  write(*file, 0, "x");
  EXPECT_EQ(disk.stat("f")->modified_ms, 1005);
  EXPECT_EQ(disk.crash(Crash::kDropUnsynced)->files().size(), 0U);
}

TEST(MemoryDisk, LocksDieWithTheProcess) {
  MemoryDisk disk;
  auto held = disk.lock("lock", "1");
  ASSERT_TRUE(held.has_value());
  auto restarted = disk.crash(Crash::kProcess);
  EXPECT_TRUE(restarted->lock("lock", "2").has_value());
  EXPECT_FALSE(disk.lock("lock", "3").has_value());
}

}  // namespace
}  // namespace oncemq::os
