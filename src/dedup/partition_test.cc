#include "dedup/partition.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dedup/key_filter.h"
#include "os/memory_disk.h"
#include "os/random.h"

namespace oncemq::dedup {
namespace {

using Kind = Partition::Found::Kind;

class PartitionTest : public ::testing::Test {
 protected:
  PartitionTest() { EXPECT_TRUE(disk.make_dirs("keys")); }

  std::vector<PartitionEntry> make(std::size_t count) {
    std::vector<PartitionEntry> entries(count);
    std::int64_t log = 1'000'000'000'000;
    for (std::size_t i = 0; i < count; ++i) {
      log += 1100 + static_cast<std::int64_t>(random.below(200));
      entries[i] = {{random.next(), random.next(), random.next()},
                    {.log_offset = {log},
                     .queue_offset = {5'000'000 + static_cast<std::int64_t>(i / 8)},
                     .queue_id = static_cast<std::int32_t>(i % 8),
                     .time_ms = 1'700'000'000'000 + static_cast<std::int64_t>(i)}};
    }
    return entries;
  }

  Status write(std::string_view path, const std::vector<PartitionEntry>& entries) {
    std::vector<Partition::Ref> refs(entries.begin(), entries.end());
    return Partition::write(disk, path, refs);
  }
  std::shared_ptr<const Partition> made(const std::vector<PartitionEntry>& entries) {
    EXPECT_TRUE(write("keys/1", entries));
    auto opened = Partition::open(disk, "keys/1");
    EXPECT_TRUE(opened);
    return opened ? *opened : nullptr;
  }

  os::MemoryDisk disk;
  os::SeededRandom random{1};
};

TEST_F(PartitionTest, FindsWhatIsThereAndNothingElse) {
  for (std::size_t count : {1u, 2u, 63u, 64u, 65u, 5'000u}) {
    const auto entries = make(count);
    const auto partition = made(entries);
    ASSERT_NE(partition, nullptr);
    EXPECT_EQ(partition->summary().keys, count);
    for (const PartitionEntry& entry : entries) {
      const auto found = partition->find(entry.key);
      ASSERT_TRUE(found && found->kind == Kind::kSame);
      EXPECT_EQ(found->original.log_offset, entry.original.log_offset);
      EXPECT_EQ(found->original.queue_offset, entry.original.queue_offset);
      EXPECT_EQ(found->original.queue_id, entry.original.queue_id);
      EXPECT_GE(found->original.time_ms, entry.original.time_ms);
      EXPECT_LE(found->original.time_ms,
                entry.original.time_ms + 1 + static_cast<std::int64_t>(count / 60));
      MessageKey other = entry.key;
      other.low ^= 1;
      EXPECT_EQ(partition->find(other)->kind, Kind::kOtherBody);
      other = entry.key;
      other.high ^= 1ULL << 63;
      EXPECT_EQ(partition->find(other)->kind, Kind::kOtherBody);
      EXPECT_EQ(partition->find({random.next(), entry.key.high, entry.key.low})->kind,
                Kind::kAbsent);
    }
  }
}

TEST_F(PartitionTest, AKeyTakesTwentyNineBytes) {
  const auto partition = made(make(200'000));
  EXPECT_LE(static_cast<double>(partition->file_bytes()) / 200'000, 29.4);
  EXPECT_LE(static_cast<double>(partition->memory()) / 200'000, 0.4);
}

// A producer that uses one key for everything must not cost more than others.
TEST_F(PartitionTest, OneKeyWithManyBodies) {
  auto entries = make(3'000);
  for (PartitionEntry& entry : entries) entry.key.key = 42ULL << 40;
  const auto partition = made(entries);
  for (const PartitionEntry& entry : entries) {
    const auto found = partition->find(entry.key);
    ASSERT_TRUE(found && found->kind == Kind::kSame);
    EXPECT_EQ(found->original.log_offset, entry.original.log_offset);
  }
  for (std::uint64_t high : {0ULL, 1ULL << 63, ~0ULL})
    EXPECT_EQ(partition->find({42ULL << 40, high, 5})->kind, Kind::kOtherBody);
  EXPECT_EQ(partition->find({41ULL << 40, 5, 5})->kind, Kind::kAbsent);
  EXPECT_EQ(partition->find({43ULL << 40, 5, 5})->kind, Kind::kAbsent);
}

TEST_F(PartitionTest, EqualHalvesOfDigestsOverSeveralBlocks) {
  auto entries = make(1'000);
  for (PartitionEntry& entry : entries) {
    entry.key.key = 7ULL << 50;
    entry.key.high = 9;
  }
  const auto partition = made(entries);
  for (const PartitionEntry& entry : entries)
    EXPECT_EQ(partition->find(entry.key)->kind, Kind::kSame);
  EXPECT_EQ(partition->find({7ULL << 50, 9, 12345})->kind, Kind::kOtherBody);
}

TEST_F(PartitionTest, WideLocations) {
  auto entries = make(2);
  entries[0].original = {.log_offset = {0}, .queue_offset = {0}, .queue_id = 0, .time_ms = 5};
  entries[1].original = {.log_offset = {(1LL << 48) - 1},
                         .queue_offset = {(1LL << 48) - 1},
                         .queue_id = (1 << 30) + 1,
                         .time_ms = 6};
  const auto partition = made(entries);
  for (const PartitionEntry& entry : entries) {
    const auto found = partition->find(entry.key);
    EXPECT_EQ(found->original.log_offset, entry.original.log_offset);
    EXPECT_EQ(found->original.queue_offset, entry.original.queue_offset);
    EXPECT_EQ(found->original.queue_id, entry.original.queue_id);
    EXPECT_EQ(found->original.time_ms, entry.original.time_ms);
  }
  entries[1].original.log_offset = {1LL << 50};
  EXPECT_EQ(write("keys/2", entries).error().code, Errc::kInternal);
}

TEST_F(PartitionTest, GivesBackItsKeys) {
  const auto entries = make(1'000);
  const auto partition = made(entries);
  std::set<std::uint64_t> expected;
  for (const PartitionEntry& entry : entries)
    expected.insert(KeyFilter::significant(entry.key.key));
  std::set<std::uint64_t> seen;
  ASSERT_TRUE(partition->for_each_key([&](std::span<const std::uint64_t> keys) {
    for (std::uint64_t key : keys) seen.insert(KeyFilter::significant(key));
  }));
  EXPECT_EQ(seen, expected);
}

TEST_F(PartitionTest, AFlippedBitAnywhereIsFound) {
  const auto entries = make(600);
  ASSERT_NE(made(entries), nullptr);
  auto file = disk.open("keys/1", os::OpenMode::kReadWrite);
  const std::uint64_t size = *(*file)->size();
  for (std::uint64_t at = 0; at < size; at += 1 + size / 500) {
    std::byte byte{};
    ASSERT_TRUE((*file)->read_at(at, {&byte, 1}));
    const std::byte flipped = byte ^ std::byte{0x10};
    ASSERT_TRUE((*file)->write_at(at, Bytes(&flipped, 1)));
    const auto opened = Partition::open(disk, "keys/1");
    if (opened) {
      const Status read = (*opened)->for_each_key([](std::span<const std::uint64_t>) {});
      ASSERT_FALSE(read) << at;
      EXPECT_EQ(read.error().code, Errc::kCorrupt);
      bool met = false;
      for (const PartitionEntry& entry : entries) met |= !(*opened)->find(entry.key);
      EXPECT_TRUE(met);
    } else {
      EXPECT_EQ(opened.error().code, Errc::kCorrupt) << at;
    }
    ASSERT_TRUE((*file)->write_at(at, Bytes(&byte, 1)));
  }
}

TEST_F(PartitionTest, ACutFileIsBroken) {
  ASSERT_NE(made(make(600)), nullptr);
  auto file = disk.open("keys/1", os::OpenMode::kReadWrite);
  const std::uint64_t size = *(*file)->size();
  for (std::uint64_t cut :
       {size - 1, size / 2, std::uint64_t{600}, std::uint64_t{10}, std::uint64_t{0}}) {
    ASSERT_TRUE((*file)->truncate(cut));
    EXPECT_EQ(Partition::open(disk, "keys/1").error().code, Errc::kCorrupt) << cut;
  }
  EXPECT_EQ(Partition::open(disk, "keys/3").error().code, Errc::kNotFound);
}

TEST_F(PartitionTest, AFullDiskLeavesTheOldFile) {
  const auto entries = make(600);
  ASSERT_NE(made(entries), nullptr);
  disk.set_capacity(40'000);
  auto more = make(5000);
  EXPECT_EQ(write("keys/1", more).error().code, Errc::kNoSpace);
  const auto opened = Partition::open(disk, "keys/1");
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->find(entries[0].key)->kind, Kind::kSame);
}

}  // namespace
}  // namespace oncemq::dedup
