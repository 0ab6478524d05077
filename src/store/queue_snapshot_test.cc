#include "store/queue_snapshot.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "os/memory_disk.h"
#include "store/testing.h"

namespace oncemq::store {
namespace {

TEST(QueueSnapshot, IsReadBackOrNotAtAll) {
  os::MemoryDisk disk;
  const Layout layout("store");
  ASSERT_TRUE(disk.make_dirs(layout.own_dir()));
  EXPECT_FALSE(QueueSnapshot::load(disk, layout).has_value());
  const QueueSnapshot snapshot{.session = "s",
                               .clean = true,
                               .position = 12345,
                               .queues = {{"T", 0, 0, 7}, {"%RETRY%g", 3, 20, 25}}};
  ASSERT_TRUE(snapshot.save(disk, layout));
  const auto found = QueueSnapshot::load(disk, layout);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->session, "s");
  EXPECT_TRUE(found->clean);
  EXPECT_EQ(found->position, 12345);
  EXPECT_EQ(found->queues, snapshot.queues);
  const std::uint64_t size = disk.stat(layout.queue_snapshot())->size;
  for (std::uint64_t at = 0; at < size; ++at) {
    ASSERT_TRUE(disk.corrupt(layout.queue_snapshot(), at, std::byte{0x10}));
    EXPECT_FALSE(QueueSnapshot::load(disk, layout).has_value()) << at;
    ASSERT_TRUE(disk.corrupt(layout.queue_snapshot(), at, std::byte{0x10}));
  }
  ASSERT_TRUE(QueueSnapshot::remove(disk, layout));
  ASSERT_TRUE(QueueSnapshot::remove(disk, layout));
  EXPECT_FALSE(QueueSnapshot::load(disk, layout).has_value());
}

struct SnapshotStart : testing::StoreFixture {
  void SetUp() override { log::set_level(log::Level::kOff); }
  void TearDown() override { log::set_level(log::Level::kInfo); }
  void send_many(int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(testing::send(*store, testing::Sent{.queue_id = i % 4, .body = "x"}));
  }
  std::int64_t total() {
    std::int64_t sum = 0;
    for (int q = 0; q < 4; ++q)
      sum += static_cast<std::int64_t>(testing::bodies(*store, "T", q).size());
    return sum;
  }
};

TEST_F(SnapshotStart, AfterTheDeathOfTheProcessTheLogBehindItIsDispatchedAgain) {
  open();
  send_many(100);
  ASSERT_TRUE(store->close());
  open();
  send_many(60);
  store->step();
  crash(os::Crash::kProcess);
  open();
  EXPECT_GT(store->recovered().scanned_bytes, 0U);
  EXPECT_FALSE(store->recovered().whole_log);
  EXPECT_EQ(total(), 160);
  // What it did not see synced is synced before it counts on it.
  store->step();
  crash(os::Crash::kDropUnsynced);
  open();
  EXPECT_EQ(total(), 160);
}

TEST_F(SnapshotStart, AfterARestartOfTheMachineFoldersDecide) {
  open();
  send_many(100);
  ASSERT_TRUE(store->close());
  open();
  send_many(60);
  store->step();
  const std::int64_t durable = total();
  crash(os::Crash::kDropUnsynced);
  open();
  EXPECT_EQ(total(), durable);
}

TEST_F(SnapshotStart, AFolderMoreOrLessIsNotOverlooked) {
  open();
  send_many(100);
  ASSERT_TRUE(store->close());
  store.reset();
  ASSERT_TRUE(disk->remove_tree("store/consumequeue/T/2"));
  open();
  EXPECT_TRUE(store->recovered().whole_log);
  EXPECT_EQ(total(), 100);
}

// A stop that would have to wait for thousands of fresh queue files.
struct ManyQueues : SnapshotStart {
  static constexpr int kQueues = 2100;

  void SetUp() override {
    SnapshotStart::SetUp();
    options.log_file_size = 1 << 20;
    open();
    for (int q = 0; q < kQueues; ++q)
      ASSERT_TRUE(testing::send(*store, testing::Sent{.queue_id = q, .body = "x"}));
  }
  int present() {
    int found = 0;
    for (int q = 0; q < kQueues; ++q)
      found += static_cast<int>(testing::bodies(*store, "T", q).size());
    return found;
  }
  bool abort_mark() { return disk->stat("store/abort").has_value(); }
};

TEST_F(ManyQueues, StopLeavesThemToTheKernelAndTheNextStartTakesThem) {
  ASSERT_TRUE(store->close());
  EXPECT_TRUE(abort_mark()) << "nobody may take the queue files for durable";
  store.reset();
  open();
  EXPECT_EQ(store->recovered().scanned_bytes, 0U);
  EXPECT_EQ(present(), kQueues);
  // Syncing takes place while it runs; the stop after that is an ordinary one.
  while (store->step()) {
  }
  ASSERT_TRUE(store->close());
  EXPECT_FALSE(abort_mark());
  store.reset();
  crash(os::Crash::kDropUnsynced);
  open();
  EXPECT_EQ(store->recovered().scanned_bytes, 0U);
  EXPECT_EQ(present(), kQueues);
}

TEST_F(ManyQueues, MachineThatDiesAfterSuchAStopLosesNothing) {
  ASSERT_TRUE(store->close());
  crash(os::Crash::kDropUnsynced);
  open();
  EXPECT_EQ(present(), kQueues);
}

TEST(QueueFiles, ManyAreBegunInPortionsBeforeTheOneSync) {
  os::MemoryDisk disk;
  const Layout layout("store");
  QueueFiles files(disk, layout, 400);
  QueueContext context{.marks = nullptr, .log = nullptr, .files = &files};
  std::vector<std::unique_ptr<LiveQueue>> queues;
  const QueueEntry entry{.log_offset = {0}, .size = 100, .tags_code = 0};
  for (int q = 0; q < 100; ++q) {
    queues.push_back(std::make_unique<LiveQueue>("T", q, context));
    ASSERT_TRUE(files.write(*queues.back(), {0}, std::span(&entry, 1), true));
  }
  EXPECT_GE(files.unsynced(), 100U);
  files.begin_sync();
  int calls = 1;
  for (;; ++calls) {
    const auto all = files.sync_some(1);
    ASSERT_TRUE(all.has_value());
    if (*all) break;
  }
  EXPECT_EQ(calls, 100 / static_cast<int>(QueueFiles::kStartFactor) + 1);
  EXPECT_EQ(files.unsynced(), 0U);
  files.mark_all_dirty();
  EXPECT_EQ(files.unsynced(), SIZE_MAX);
  files.begin_sync();
  EXPECT_EQ(files.unsynced(), SIZE_MAX);
  ASSERT_TRUE(*files.sync_some(1));
  EXPECT_EQ(files.unsynced(), 0U);
}

}  // namespace
}  // namespace oncemq::store
