#include "store/retention.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "store/testing.h"

namespace oncemq::store {
namespace {

using testing::bodies;
using testing::send;
using testing::Sent;

constexpr std::int64_t kHourMs = 3'600'000;

struct RetentionTest : testing::StoreFixture {
  void SetUp() override {
    log::set_level(log::Level::kOff);
    options.delete_when = "04";
    options.file_reserved_hours = 72;
  }
  void TearDown() override { log::set_level(log::Level::kInfo); }
  void fill(int count, int first = 0) {
    for (int i = first; i < first + count; ++i)
      ASSERT_TRUE(send(*store, std::to_string(i) + std::string(200, '.')));
    store->step();
  }
  std::size_t log_files() { return disk->list("store/commitlog")->size(); }
  void to_hour(int hour) {
    while (clock.local(clock.wall_ms()).hour != hour) clock.advance_ms(60'000);
  }
};

TEST_F(RetentionTest, ExpiredFilesGoInTheHourOfDeleteWhenOnly) {
  open();
  fill(200);
  const std::size_t before = log_files();
  ASSERT_GT(before, 4U);
  clock.advance_ms(80 * kHourMs);
  to_hour(5);
  store->housekeep();
  EXPECT_EQ(log_files(), before);
  to_hour(4);
  store->housekeep();
  EXPECT_LT(log_files(), before);
  EXPECT_GE(log_files(), 1U);
  ConsumeQueue& queue = store->queue("T", 0);
  EXPECT_GT(queue.min().value, 0);
  const auto rest = bodies(*store, "T", 0, queue.min().value);
  EXPECT_EQ(static_cast<std::int64_t>(rest.size()), queue.max().value - queue.min().value);
  const ReadResult read = store->read({.queue = &queue, .offset = {0}});
  EXPECT_EQ(read.status, ReadStatus::kOffsetTooSmall);
  EXPECT_EQ(read.next, queue.min());
}

TEST_F(RetentionTest, YoungFilesStay) {
  open();
  fill(200);
  const std::size_t before = log_files();
  clock.advance_ms(48 * kHourMs);
  to_hour(4);
  store->housekeep();
  EXPECT_EQ(log_files(), before);
  store->clean_now();
  EXPECT_EQ(log_files(), before);
}

TEST_F(RetentionTest, CleanNowIgnoresTheHour) {
  open();
  fill(200);
  clock.advance_ms(80 * kHourMs);
  to_hour(12);
  store->clean_now();
  EXPECT_GT(store->min_offset().value, 0);
}

TEST_F(RetentionTest, AtMostTenFilesPerPassAndNeverTheLast) {
  open();
  fill(600);
  const std::size_t before = log_files();
  ASSERT_GT(before, 12U);
  clock.advance_ms(80 * kHourMs);
  store->clean_now();
  EXPECT_EQ(log_files(), before - 10);
  for (int i = 0; i < 10; ++i) store->clean_now();
  EXPECT_GE(log_files(), 1U);
  EXPECT_EQ(store->queue("T", 0).max().value, 600);
  EXPECT_EQ(send(*store, "next")->queue_offset.value, 600);
}

TEST_F(RetentionTest, QueueAndIndexFilesFollow) {
  open();
  fill(600);
  const std::size_t queue_files = disk->list("store/consumequeue/T/0")->size();
  clock.advance_ms(80 * kHourMs);
  for (int i = 0; i < 3; ++i) store->clean_now();
  EXPECT_LT(disk->list("store/consumequeue/T/0")->size(), queue_files);
  const std::int64_t min = store->queue("T", 0).min().value;
  ASSERT_TRUE(store->close());
  open();
  EXPECT_EQ(store->queue("T", 0).min().value, min);
  EXPECT_EQ(store->queue("T", 0).max().value, 600);
  crash(os::Crash::kProcess);
  open();
  EXPECT_EQ(store->queue("T", 0).min().value, min);
  EXPECT_EQ(store->queue("T", 0).next().value, 600);
}

// A beginning that retention took is not one that is lost, wherever a crash comes.
TEST_F(RetentionTest, AStartDoesNotMissWhatRetentionTook) {
  open();
  fill(600);
  clock.advance_ms(80 * kHourMs);
  std::vector<std::unique_ptr<os::MemoryDisk>> images;
  disk->observe([&](const os::DiskOperation& done) {
    if (done.kind != os::DiskOperation::Kind::kRemove &&
        done.path.find("watermark") == std::string::npos)
      return;
    for (const os::Crash how : {os::Crash::kProcess, os::Crash::kDropUnsynced})
      images.push_back(disk->crash(how));
  });
  for (int i = 0; i < 3; ++i) {
    store->clean_now();
    store->step();
  }
  disk->observe(nullptr);
  const std::int64_t first = store->queue("T", 0).min().value;
  ASSERT_GT(first, 40);
  ASSERT_FALSE(disk->stat("store/consumequeue/T/0/00000000000000000000").has_value());
  images.push_back(disk->crash(os::Crash::kProcess));
  store.reset();
  for (auto& image : images) {
    disk = std::move(image);
    open();
    EXPECT_FALSE(store->recovered().whole_log);
    ConsumeQueue& queue = store->queue("T", 0);
    EXPECT_EQ(bodies(*store, "T", 0, queue.min().value).size(),
              static_cast<std::size_t>(600 - queue.min().value));
    store.reset();
  }
}

// The last file stays although all of its records are gone; a queue without a file begins at 0.
TEST_F(RetentionTest, AQueueWhoseRecordsAreAllGoneKeepsItsPlace) {
  open();
  for (int i = 0; i < 40; ++i)
    ASSERT_TRUE(send(*store, Sent{.topic = "Old", .body = std::string(200, '.')}));
  fill(600);
  clock.advance_ms(80 * kHourMs);
  for (int i = 0; i < 3; ++i) store->clean_now();
  store->step();
  EXPECT_EQ(store->queue("Old", 0).min().value, 40);
  crash(os::Crash::kProcess);
  open();
  EXPECT_FALSE(store->recovered().whole_log);
  EXPECT_EQ(store->queue("Old", 0).min().value, 40);
  EXPECT_EQ(store->queue("Old", 0).next().value, 40);
}

TEST_F(RetentionTest, SpansOutliveTheirFile) {
  open();
  fill(200);
  const ReadResult read = store->read({.queue = store->find_queue("T", 0), .max_messages = 2});
  clock.advance_ms(80 * kHourMs);
  store->clean_now();
  ASSERT_GT(store->min_offset().value, 0);
  EXPECT_TRUE(model::decode_record(read.spans[0].bytes, model::Verify::kFull).has_value());
}

TEST_F(RetentionTest, AboveTheForceLevelFilesOfAnyAgeGo) {
  open();
  fill(200);
  const std::size_t before = log_files();
  disk->set_capacity(disk->space("store")->total - disk->space("store")->free +
                     disk->space("store")->total / 1'000'000'000'000);  // nearly full
  store->housekeep();
  EXPECT_LT(log_files(), before);
}

TEST_F(RetentionTest, DiskFullRefusesUntilThereIsRoom) {
  options.clean_forcibly = false;
  open();
  fill(50);
  const os::DiskSpace space = *disk->space("store");
  const std::uint64_t used = space.total - space.free;
  disk->set_capacity(used * 100 / 95);
  store->housekeep();
  ASSERT_TRUE(store->refusal().has_value());
  EXPECT_TRUE(store->stats().disk_full);
  EXPECT_GT(store->stats().disk_used_ratio, 0.9);
  EXPECT_FALSE(send(*store, "x").has_value());
  EXPECT_EQ(bodies(*store).size(), 50U);
  disk->set_capacity(used * 10);
  store->housekeep();
  EXPECT_FALSE(store->refusal().has_value());
  EXPECT_TRUE(send(*store, "x").has_value());
}

TEST_F(RetentionTest, FloorOfFreeBytesRefusesWhateverTheRatio) {
  open();
  fill(10);
  options.free_space_floor = 0;
  const os::DiskSpace space = *disk->space("store");
  ASSERT_TRUE(store->close());
  options.free_space_floor = 1 << 20;
  open();
  disk->set_capacity((space.total - space.free) * 2);
  store->housekeep();
  EXPECT_TRUE(store->refusal().has_value());
}

}  // namespace
}  // namespace oncemq::store
