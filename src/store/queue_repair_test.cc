#include "store/queue_repair.h"

#include <array>

#include <gtest/gtest.h>

#include "base/log.h"
#include "store/testing.h"

namespace oncemq::store {
namespace {

// Queue files hold 20 entries here.
struct QueueRepairTest : testing::StoreFixture {
  void SetUp() override {
    log::set_level(log::Level::kOff);
    open();
    for (int i = 0; i < 70; ++i) {
      ASSERT_TRUE(testing::send(*store, std::to_string(i)));
      ASSERT_TRUE(testing::send(*store, testing::Sent{.queue_id = 1, .body = "other"}));
    }
    ASSERT_TRUE(store->close());
    store.reset();
  }
  void TearDown() override { log::set_level(log::Level::kInfo); }
  void lose(const std::string& name) {
    ASSERT_TRUE(
        disk->remove("store/consumequeue/T/0/" + std::string(20 - name.size(), '0') + name));
  }
  ReadResult read(std::int64_t from) {
    return store->read({.queue = store->find_queue("T", 0),
                        .offset = {from},
                        .max_messages = 32,
                        .max_bytes = 1 << 20});
  }
  void expect_all(std::size_t count) {
    const auto all = testing::bodies(*store);
    ASSERT_EQ(all.size(), count);
    for (std::size_t i = 0; i < 70; ++i) EXPECT_EQ(all[i], std::to_string(i));
  }
};

TEST_F(QueueRepairTest, ReadersWaitForARemovedFileUntilItIsMadeAgain) {
  for (const std::string name : {"000", "400", "800"}) {
    SCOPED_TRACE(name);
    lose(name);
    open();
    const std::int64_t from = std::stoll(name) / 20;
    const ReadResult missing = read(from);
    EXPECT_EQ(missing.status, ReadStatus::kEntryMissing);
    EXPECT_EQ(missing.next.value, from) << "nobody skips what can be made again";
    store->housekeep();
    EXPECT_EQ(read(from).status, ReadStatus::kFound);
    expect_all(70);
    // What was made again is synced like anything else.
    ASSERT_TRUE(store->close());
    crash(os::Crash::kDropUnsynced);
    open();
    expect_all(70);
    EXPECT_FALSE(store->recovered().whole_log);
    ASSERT_TRUE(store->close());
    store.reset();
  }
}

TEST_F(QueueRepairTest, WhatWasMadeAgainSurvivesTheMachine) {
  lose("000");
  ASSERT_TRUE(disk->sync_dir("store/consumequeue/T/0"));
  open();
  EXPECT_EQ(read(0).status, ReadStatus::kEntryMissing);
  store->housekeep();
  expect_all(70);
  crash(os::Crash::kDropUnsynced);
  open();
  expect_all(70);
}

// A failed sync is never tried again: what it covered may be gone.
TEST_F(QueueRepairTest, ASyncThatFailsStopsTheStore) {
  lose("000");
  os::FailingDisk failing(*disk);
  ASSERT_TRUE(try_open(failing));
  EXPECT_EQ(read(0).status, ReadStatus::kEntryMissing);
  failing.inject(
      {.call = os::DiskCall::kSync, .path_end = "consumequeue/T/0/00000000000000000000"});
  store->housekeep();
  ASSERT_EQ(fatal.size(), 1U);
  EXPECT_EQ(fatal[0].code, Errc::kIo);
  EXPECT_EQ(testing::send(*store, "x").error().code, Errc::kNotWritable);
  store.reset();
}

TEST_F(QueueRepairTest, AFullDiskOnlyDelaysARepair) {
  lose("000");
  os::FailingDisk failing(*disk);
  ASSERT_TRUE(try_open(failing));
  EXPECT_EQ(read(0).status, ReadStatus::kEntryMissing);
  failing.inject({.call = os::DiskCall::kSync,
                  .path_end = "consumequeue/T/0/00000000000000000000",
                  .error = Errc::kNoSpace});
  store->housekeep();
  EXPECT_TRUE(fatal.empty());
  store->housekeep();
  expect_all(70);
  store.reset();
}

TEST_F(QueueRepairTest, WritingIntoARemovedFileNoticesToo) {
  open();
  lose("1200");
  ASSERT_TRUE(testing::send(*store, "70"));
  store->step();
  store->housekeep();
  ASSERT_TRUE(store->close());
  store.reset();
  open();
  expect_all(71);
}

TEST_F(QueueRepairTest, AHoleInAFileIsFilled) {
  {
    auto file = disk->open("store/consumequeue/T/0/00000000000000000400", os::OpenMode::kReadWrite);
    ASSERT_TRUE(file.has_value());
    const std::array<std::byte, 100> zeros{};
    ASSERT_TRUE((*file)->write_at(40, zeros));
  }
  open();
  const ReadResult missing = read(22);
  EXPECT_EQ(missing.status, ReadStatus::kEntryMissing);
  EXPECT_EQ(missing.next.value, 22);
  store->housekeep();
  expect_all(70);
}

TEST_F(QueueRepairTest, ItWorksInPortionsAndTakesNothingForeign) {
  open();
  lose("000");
  const DeletedTopics none = *DeletedTopics::load(*disk, Layout("store"));
  const Layout layout("store");
  const auto log = LogFiles::view(*disk, layout);
  ASSERT_TRUE(log.has_value());
  QueueFiles files(*disk, layout, 400);
  QueueRepair repair(**log, files, none, options.delay_levels_ms, *store->find_queue("T", 0), {0},
                     {65}, {store->marks().committed().value});
  int calls = 0;
  for (;; ++calls) {
    const auto done = repair.some(1000);
    ASSERT_TRUE(done.has_value()) << done.error().message;
    if (*done) break;
  }
  EXPECT_GT(calls, 5);
  EXPECT_EQ(repair.written(), 65) << "neither those of the other queue nor those behind the end";
}

TEST_F(QueueRepairTest, WhatCannotBeMadeAgainIsSteppedOver) {
  lose("000");
  ASSERT_TRUE(disk->corrupt("store/commitlog/00000000000000000000", 2, std::byte{0x7f}));
  open();
  EXPECT_EQ(read(0).next.value, 0);
  store->housekeep();
  const ReadResult skipped = read(0);
  EXPECT_EQ(skipped.status, ReadStatus::kOffsetTooSmall) << "now it is known to be gone";
  EXPECT_EQ(skipped.next.value, 20) << "the next file";
}

}  // namespace
}  // namespace oncemq::store
