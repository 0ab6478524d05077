#include "store/key_index.h"

#include <gtest/gtest.h>

#include "model/properties.h"
#include "os/memory_disk.h"

namespace oncemq::store {
namespace {

struct KeyIndexTest : ::testing::Test {
  os::ManualClock clock;
  os::MemoryDisk disk{&clock};
  Layout layout{"store"};
  IndexGeometry geometry{.slots = 16, .entries = 32};
  std::unique_ptr<KeyIndex> index;
  std::int64_t next_offset = 0;

  void SetUp() override { open(true); }
  void open(bool clean) {
    auto opened = KeyIndex::open(disk, clock, layout, geometry, clean);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    index = std::move(*opened);
  }
  LogOffset add(std::string_view keys, std::int64_t time = 1000, std::int32_t sys_flag = 0) {
    std::string properties;
    model::append_property(properties, model::property::kKeys, keys);
    model::RecordView record;
    record.topic = "T";
    record.properties = properties;
    record.log_offset = {next_offset};
    record.store_timestamp = time;
    record.sys_flag = sys_flag;
    next_offset += 100;
    EXPECT_TRUE(index->add(record).has_value());
    return record.log_offset;
  }
  std::vector<LogOffset> find(std::string_view key, std::int64_t begin = 0,
                              std::int64_t end = INT64_MAX, std::size_t max = 64) {
    return index->find("T", key, max, begin, end);
  }
};

TEST_F(KeyIndexTest, NewestFirstAndBounded) {
  const LogOffset first = add("k");
  const LogOffset second = add("k");
  EXPECT_EQ(find("k"), (std::vector<LogOffset>{second, first}));
  EXPECT_EQ(find("k", 0, INT64_MAX, 1), std::vector<LogOffset>{second});
  EXPECT_TRUE(find("other").empty());
}

TEST_F(KeyIndexTest, EachPartOfKeysAndTheUniqueKey) {
  std::string properties;
  model::append_property(properties, model::property::kKeys, "a  b");
  model::append_property(properties, model::property::kUniqueKey, "u");
  model::RecordView record;
  record.topic = "T";
  record.properties = properties;
  ASSERT_TRUE(index->add(record));
  for (std::string_view key : {"a", "b", "u"}) EXPECT_EQ(find(key).size(), 1U) << key;
  EXPECT_TRUE(find("").empty());
}

TEST_F(KeyIndexTest, RolledBackRecordsAreNotIndexed) {
  add("k", 1000, model::sysflag::kTransactionRollback);
  EXPECT_TRUE(find("k").empty());
}

TEST_F(KeyIndexTest, TimeRangeIsInSeconds) {
  add("k", 10'000);
  const LogOffset later = add("k", 20'500);
  EXPECT_EQ(find("k", 15'000), std::vector<LogOffset>{later});
  EXPECT_EQ(find("k", 20'400), std::vector<LogOffset>{later});  // its entry says 20'000
  EXPECT_TRUE(find("k", 22'000).empty());
  EXPECT_EQ(find("k", 0, 15'000).size(), 1U);
}

TEST_F(KeyIndexTest, RollsOverFilesAndFindsInAll) {
  for (int i = 0; i < 100; ++i) {
    add("key" + std::to_string(i), 1000 + i);
    clock.advance_ms(1);
  }
  EXPECT_EQ(disk.list("store/index")->size(), 4U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(find("key" + std::to_string(i)).size(), 1U) << i;
}

TEST_F(KeyIndexTest, NamesStayInOrderWhenTheClockGoesBack) {
  for (int i = 0; i < 70; ++i) {
    add("key" + std::to_string(i));
    if (i == 40) clock.jump_ms(-100'000'000);
  }
  const auto files = disk.list("store/index");
  ASSERT_EQ(files->size(), 3U);
  ASSERT_TRUE(index->finish());
  open(true);
  for (int i = 0; i < 70; ++i) EXPECT_EQ(find("key" + std::to_string(i)).size(), 1U) << i;
}

TEST_F(KeyIndexTest, ARecordIsNotIndexedTwice) {
  add("k");
  next_offset -= 100;
  add("k");
  EXPECT_EQ(find("k").size(), 1U);
}

TEST_F(KeyIndexTest, CleanReopenUsesTheSlotsOnDisk) {
  for (int i = 0; i < 20; ++i) add("key" + std::to_string(i));
  ASSERT_TRUE(index->finish());
  open(true);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(find("key" + std::to_string(i)).size(), 1U);
  add("key3");
  EXPECT_EQ(find("key3").size(), 2U);
}

TEST_F(KeyIndexTest, UncleanReopenTrustsCountedEntriesAndMakesSlotsAgain) {
  for (int i = 0; i < 10; ++i) add("key" + std::to_string(i));
  ASSERT_TRUE(index->checkpoint());
  for (int i = 10; i < 20; ++i) add("key" + std::to_string(i));
  ASSERT_TRUE(index->write_out());
  const auto after = disk.crash(os::Crash::kProcess);
  auto opened = KeyIndex::open(*after, clock, layout, geometry, false);
  ASSERT_TRUE(opened.has_value());
  index = std::move(*opened);
  ASSERT_TRUE(index->recover({100'000}));
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(find("key" + std::to_string(i)).size(), i < 10 ? 1U : 0U) << i;
  EXPECT_EQ(index->end_offset().value, 900);
}

TEST_F(KeyIndexTest, RecoverDropsWhatTheLogLost) {
  for (int i = 0; i < 60; ++i) add("key" + std::to_string(i));
  ASSERT_TRUE(index->finish());
  open(false);
  ASSERT_TRUE(index->recover({2000}));  // offsets 0 .. 1900 stay; the second file goes
  EXPECT_EQ(disk.list("store/index")->size(), 1U);
  for (int i = 0; i < 60; ++i)
    EXPECT_EQ(find("key" + std::to_string(i)).size(), i < 20 ? 1U : 0U) << i;
  next_offset = 2000;
  add("again");
  EXPECT_EQ(find("again").size(), 1U);
  ASSERT_TRUE(index->recover({0}));
  EXPECT_TRUE(disk.list("store/index")->empty());
}

TEST_F(KeyIndexTest, DropsFilesBehindTheLogsBeginningButNotTheLast) {
  for (int i = 0; i < 100; ++i) add("key" + std::to_string(i));
  ASSERT_TRUE(index->remove_below({5000}));
  EXPECT_EQ(disk.list("store/index")->size(), 3U);
  ASSERT_TRUE(index->remove_below({1'000'000}));
  EXPECT_EQ(disk.list("store/index")->size(), 1U);
}

TEST_F(KeyIndexTest, FilesOfAnotherSizeAreRefused) {
  add("k");
  geometry.entries = 64;
  const auto refused = KeyIndex::open(disk, clock, layout, geometry, true);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kCorrupt);
}

TEST_F(KeyIndexTest, DamagedChainsEnd) {
  for (int i = 0; i < 20; ++i) add("key" + std::to_string(i));
  ASSERT_TRUE(index->finish());
  const std::string path = "store/index/" + (*disk.list("store/index"))[0].name;
  auto file = disk.open(path, os::OpenMode::kReadWrite);
  // Every entry points at itself, every slot too far.
  std::array<std::byte, 4> bytes{};
  for (std::uint32_t i = 1; i < 21; ++i) {
    store_be<std::uint32_t>(bytes.data(), i);
    ASSERT_TRUE((*file)->write_at(geometry.entry_at(i) + 16, bytes));
  }
  open(true);
  for (int i = 0; i < 20; ++i) EXPECT_LE(find("key" + std::to_string(i)).size(), 1U);
  store_be<std::uint32_t>(bytes.data(), 4000);
  for (std::uint64_t slot = 0; slot < geometry.slots; ++slot)
    ASSERT_TRUE((*file)->write_at(40 + slot * 4, bytes));
  open(true);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(find("key" + std::to_string(i)).empty());
}

TEST(KeyIndexHash, IsJavasWithoutASign) {
  EXPECT_EQ(KeyIndex::hash("T", "k"), std::abs(model::java_hash("T#k")));
}

}  // namespace
}  // namespace oncemq::store
