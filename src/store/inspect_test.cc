#include "store/inspect.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "model/properties.h"
#include "store/testing.h"

namespace oncemq::store {
namespace {

using testing::bodies;
using testing::send;
using testing::Sent;
using testing::StoreFixture;

struct InspectTest : StoreFixture {
  void SetUp() override {
    log::set_level(log::Level::kOff);
    open();
    for (int i = 0; i < 200; ++i) {
      std::string properties;
      model::append_property(properties, model::property::kUniqueKey, "U" + std::to_string(i));
      model::append_property(properties, model::property::kTags, i % 2 == 0 ? "A" : "B");
      const auto sent = send(*store, Sent{.queue_id = i % 2,
                                          .body = std::to_string(i),
                                          .properties = properties,
                                          .tags_code = model::tags_code(i % 2 == 0 ? "A" : "B")});
      ASSERT_TRUE(sent.has_value());
      places.push_back(*sent);
    }
  }
  void TearDown() override { log::set_level(log::Level::kInfo); }
  void stop() {
    ASSERT_TRUE(store->close());
    store.reset();
  }
  CheckReport check() {
    auto report = check_store(*disk, clock, options, nullptr);
    EXPECT_TRUE(report.has_value()) << report.error().message;
    return report ? *report : CheckReport{};
  }
  std::string log_path(LogOffset at) const {
    return "store/commitlog/" + file_name(at.value / 8192 * 8192);
  }
  std::vector<Appended> places;
};

TEST_F(InspectTest, ACleanFolderIsSoundAndStaysUntouched) {
  stop();
  const std::uint64_t before = disk->operations();
  const CheckReport report = check();
  EXPECT_TRUE(report.sound()) << report.to_json().dump();
  EXPECT_TRUE(report.clean);
  EXPECT_EQ(report.records, 200U);
  EXPECT_EQ(report.queues, 2U);
  EXPECT_EQ(report.queue_entries, 200U);
  EXPECT_EQ(report.index_entries, 200U);
  // Only the lock file is touched, and says the same afterwards.
  EXPECT_LE(disk->operations() - before, 4U);
  open();
  EXPECT_EQ(store->recovered().scanned_bytes, 0U);
}

TEST_F(InspectTest, AKilledBrokersFolderIsSoundWithNotes) {
  store->step();
  (void)send(*store, "tail");
  crash(os::Crash::kProcess);
  const CheckReport report = check();
  EXPECT_TRUE(report.sound()) << report.to_json().dump();
  EXPECT_FALSE(report.clean);
}

TEST_F(InspectTest, AFolderInUseIsRefused) {
  const auto report = check_store(*disk, clock, options, nullptr);
  ASSERT_FALSE(report.has_value());
  EXPECT_EQ(report.error().code, Errc::kInUse);
  options.root = "elsewhere";
  EXPECT_EQ(check_store(*disk, clock, options, nullptr).error().code, Errc::kNotFound);
}

TEST_F(InspectTest, FindsAFlippedBitOfARecordAndWhatFollows) {
  stop();
  const LogOffset at = places[50].log_offset;
  ASSERT_TRUE(
      disk->corrupt(log_path(at), static_cast<std::uint64_t>(at.value % 8192) + 89, std::byte{4}));
  const CheckReport report = check();
  ASSERT_FALSE(report.sound());
  EXPECT_NE(report.problems[0].place.find(std::to_string(at.value)), std::string::npos);
  EXPECT_EQ(report.records, 199U);
}

TEST_F(InspectTest, FindsDamagedQueueEntriesMissingQueuesAndKeys) {
  stop();
  ASSERT_TRUE(disk->corrupt("store/consumequeue/T/0/" + file_name(0), 7, std::byte{1}));
  const CheckReport entry = check();
  EXPECT_EQ(entry.problem_count, 1U) << entry.to_json().dump();
  ASSERT_TRUE(disk->remove_tree("store/consumequeue/T/1"));
  EXPECT_EQ(check().problem_count, 101U);
  const auto index = disk->list("store/index");
  ASSERT_TRUE(index.has_value());
  // Hash of the second entry of the first file.
  ASSERT_TRUE(disk->corrupt("store/index/" + (*index)[0].name, 40 + 64 * 4 + 20 + 3, std::byte{1}));
  EXPECT_EQ(check().problem_count, 102U);
}

TEST_F(InspectTest, FindsEntriesBehindTheLogAndALyingMark) {
  stop();
  const auto lost = places[199].log_offset;
  auto file = disk->open(log_path(lost), os::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->truncate(static_cast<std::uint64_t>(lost.value % 8192)));
  ASSERT_TRUE((*file)->truncate(8192));
  const CheckReport report = check();
  EXPECT_EQ(report.records, 199U);
  EXPECT_EQ(report.problem_count, 2U) << report.to_json().dump();  // queue end, watermark
}

TEST_F(InspectTest, DumpsRecordsAndEntries) {
  stop();
  std::vector<Json> lines;
  const auto keep = [&](const Json& json) { lines.push_back(json); };
  ASSERT_TRUE(
      dump_records(*disk, options, {.from = places[10].log_offset.value, .count = 3}, keep));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]["queueOffset"].as_int(), 5);
  EXPECT_EQ(lines[0]["properties"]["UNIQ_KEY"].as_string(), "U10");
  lines.clear();
  ASSERT_TRUE(dump_queue(*disk, options, "T", 1, {.from = 98}, keep));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1]["logOffset"].as_int(), places[199].log_offset.value);
  EXPECT_EQ(dump_queue(*disk, options, "T", 7, {}, keep).error().code, Errc::kNotFound);
  EXPECT_FALSE(
      dump_records(*disk, options, {.from = places[10].log_offset.value + 1}, keep).has_value());
}

TEST_F(InspectTest, RebuildMakesQueuesAndIndexAnew) {
  stop();
  ASSERT_TRUE(disk->corrupt("store/consumequeue/T/0/" + file_name(0), 7, std::byte{1}));
  const auto report = rebuild_store(*disk, clock, options, false, nullptr);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->records, 200U);
  EXPECT_EQ(report->queues, 2U);
  EXPECT_TRUE(check().sound()) << check().to_json().dump();
  open();
  EXPECT_EQ(bodies(*store, "T", 0).size(), 100U);
}

TEST_F(InspectTest, RebuildGivesUpDamageOnlyWhenTold) {
  stop();
  for (int i : {50, 120}) {
    const LogOffset at = places[static_cast<std::size_t>(i)].log_offset;
    ASSERT_TRUE(disk->corrupt(log_path(at), static_cast<std::uint64_t>(at.value % 8192) + 89,
                              std::byte{4}));
  }
  const auto refused = rebuild_store(*disk, clock, options, false, nullptr);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kCorrupt);
  const auto report = rebuild_store(*disk, clock, options, true, nullptr);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(report->losses.size(), 2U);
  open();
  // The lost places stay taken: everybody else keeps his offset.
  EXPECT_EQ(store->queue("T", 0).max().value, 100);
  const ReadResult read = store->read({.queue = store->find_queue("T", 0),
                                       .offset = {24},
                                       .max_messages = 3,
                                       .max_bytes = 1 << 20});
  EXPECT_EQ(read.status, ReadStatus::kFound);
  EXPECT_EQ(read.messages, 3);
  EXPECT_EQ(read.next.value, 28);  // 25 is lost
  EXPECT_EQ(bodies(*store, "T", 1).size(), 100U);
  stop();
  const CheckReport after = check();
  EXPECT_TRUE(after.sound()) << after.to_json().dump();
}

TEST_F(InspectTest, DamageUpToTheEndOfAFileIsBridgedByABlank) {
  stop();
  // From some record to the end of its file nothing is readable.
  const LogOffset at = places[20].log_offset;
  auto file = disk->open(log_path(at), os::OpenMode::kReadWrite);
  const std::vector<std::byte> junk(8192 - static_cast<std::size_t>(at.value % 8192),
                                    std::byte{0x5a});
  ASSERT_TRUE((*file)->write_at(static_cast<std::uint64_t>(at.value % 8192), junk));
  const auto report = rebuild_store(*disk, clock, options, true, nullptr);
  ASSERT_TRUE(report.has_value()) << report.error().message;
  open();
  EXPECT_EQ(store->queue("T", 0).max().value, 100);
  EXPECT_EQ(store->queue("T", 1).max().value, 100);
}

}  // namespace
}  // namespace oncemq::store
