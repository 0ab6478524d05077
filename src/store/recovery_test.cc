#include "store/recovery.h"

#include <set>
#include <tuple>

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

struct RecoveryTest : StoreFixture {
  void SetUp() override { log::set_level(log::Level::kOff); }
  void TearDown() override { log::set_level(log::Level::kInfo); }

  void send_many(int count, int first = 0, std::int32_t queues = 3) {
    for (int i = first; i < first + count; ++i) {
      std::string properties;
      model::append_property(properties, model::property::kUniqueKey, "U" + std::to_string(i));
      ASSERT_TRUE(send(*store, Sent{.queue_id = i % queues,
                                    .body = std::to_string(i),
                                    .properties = properties,
                                    .tags_code = 0}));
    }
  }
  void expect_many(int count, std::int32_t queues = 3) {
    std::vector<std::int64_t> seen(static_cast<std::size_t>(queues));
    for (std::int32_t q = 0; q < queues; ++q) {
      const auto found = bodies(*store, "T", q);
      for (std::size_t i = 0; i < found.size(); ++i)
        EXPECT_EQ(found[i], std::to_string(static_cast<int>(i) * queues + q));
      seen[static_cast<std::size_t>(q)] = static_cast<std::int64_t>(found.size());
    }
    std::int64_t total = 0;
    for (std::int64_t n : seen) total += n;
    EXPECT_EQ(total, count);
  }
  void expect_keys(int count) {
    for (int i = 0; i < count; ++i)
      EXPECT_EQ(store->query({.topic = "T", .key = "U" + std::to_string(i)}).size(), 1U) << i;
  }
};

TEST_F(RecoveryTest, CleanRestartReadsNothingAgain) {
  open();
  send_many(200);
  ASSERT_TRUE(store->close());
  open();
  EXPECT_EQ(store->recovered().scanned_bytes, 0U);
  EXPECT_FALSE(store->recovered().whole_log);
  expect_many(200);
  expect_keys(200);
  send_many(100, 200);
  expect_many(300);
  ASSERT_TRUE(store->close());
  open();
  expect_many(300);
  store->step();
  expect_keys(300);
}

TEST_F(RecoveryTest, DeathOfTheProcessLosesNothingFlushed) {
  open();
  send_many(50);
  store->step();
  send_many(50, 50);
  crash(os::Crash::kProcess);
  open();
  expect_many(100);
  store->step();
  expect_keys(100);
  send_many(50, 100);
  expect_many(150);
  crash(os::Crash::kProcess);
  open();
  expect_many(150);
}

TEST_F(RecoveryTest, DeathOfTheMachineLosesNothingDurable) {
  options.policy = CommitPolicy::kDurable;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    disk = std::make_unique<os::MemoryDisk>(&clock);
    open();
    send_many(40);
    store->step();
    send_many(20, 40);  // never durable
    os::SeededRandom chance(seed);
    crash(os::Crash::kRandom, &chance);
    open();
    std::int64_t total = 0;
    for (std::int32_t q = 0; q < 3; ++q)
      total += static_cast<std::int64_t>(bodies(*store, "T", q).size());
    EXPECT_GE(total, 40);
    EXPECT_LE(total, 60);
    expect_many(static_cast<int>(total));
  }
}

// Every state that a crash at any disk operation can leave is opened; then it is used and opened
// once more, so that what was cut would show if it came back.
void crash_everywhere(CommitPolicy policy, os::Crash kind, std::uint64_t seed) {
  os::ManualClock clock;
  os::MemoryDisk disk(&clock);
  StoreOptions options = testing::small_options(policy);
  options.log_file_size = 4096;
  struct Image {
    std::unique_ptr<os::MemoryDisk> disk;
    std::int64_t promised = 0;  // messages committed before the operation
    std::string operation;
  };
  std::vector<Image> images;
  std::int64_t committed = 0;
  os::SeededRandom chance(seed);
  disk.observe([&](const os::DiskOperation& operation) {
    images.push_back({disk.crash(kind, &chance), committed, operation.to_string()});
  });
  {
    auto store = DiskStore::open(disk, clock, options, nullptr);
    ASSERT_TRUE(store.has_value());
    (*store)->start(nullptr);
    for (int i = 0; i < 60; ++i) {
      std::string properties;
      model::append_property(properties, model::property::kKeys, "K" + std::to_string(i));
      ASSERT_TRUE(send(**store, Sent{.body = std::to_string(i) + std::string(100, '.'),
                                     .properties = properties}));
      const std::int64_t visible = (*store)->queue("T", 0).max().value;
      if (policy == CommitPolicy::kDurable || kind == os::Crash::kProcess) committed = visible;
      clock.advance_ms(100);
      if (i % 5 == 4) {
        (*store)->step();
        committed = (*store)->queue("T", 0).max().value;
      }
    }
    ASSERT_TRUE((*store)->close());
    committed = 60;
  }
  ASSERT_GT(images.size(), 100U);
  int shorter = 0;
  for (Image& image : images) {
    std::int64_t count = 0;
    for (int round = 0; round < 3; ++round) {
      auto store = DiskStore::open(*image.disk, clock, options, nullptr);
      ASSERT_TRUE(store.has_value()) << image.operation << ": " << store.error().message;
      (*store)->start(nullptr);
      const auto found = bodies(**store);
      const auto now = static_cast<std::int64_t>(found.size());
      if (round == 0) {
        ASSERT_GE(now, image.promised) << image.operation;
        if (now < 60) ++shorter;
      } else {
        ASSERT_EQ(now, count) << image.operation;
      }
      for (std::size_t i = 0; i < found.size(); ++i) {
        if (round > 0 && found[i].starts_with("again")) continue;
        ASSERT_EQ(found[i], std::to_string(i) + std::string(100, '.')) << image.operation;
      }
      ASSERT_EQ((*store)->queue("T", 0).next().value, now);
      ASSERT_TRUE(send(**store, "again" + std::string(90, '!')));
      (*store)->step();
      (*store)->step();
      count = now + 1;
      ASSERT_EQ(static_cast<std::int64_t>(bodies(**store).size()), count);
      ASSERT_EQ((*store)->query({.topic = "T", .key = "K1"}).size(),
                now > 1 && found[1][0] == '1' ? 1U : 0U)
          << image.operation;
      if (round == 1) continue;  // not closed: unclean again
      ASSERT_TRUE((*store)->close());
    }
  }
  EXPECT_GT(shorter, 20);
}

TEST_F(RecoveryTest, ProcessMayDieAnywhereAsyncFlush) {
  crash_everywhere(CommitPolicy::kFlushed, os::Crash::kProcess, 1);
}
TEST_F(RecoveryTest, MachineMayDieAnywhereDropped) {
  crash_everywhere(CommitPolicy::kDurable, os::Crash::kDropUnsynced, 1);
}
TEST_F(RecoveryTest, MachineMayDieAnywhereKept) {
  crash_everywhere(CommitPolicy::kDurable, os::Crash::kKeepUnsynced, 1);
}
TEST_F(RecoveryTest, MachineMayDieAnywhereTorn) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    crash_everywhere(CommitPolicy::kDurable, os::Crash::kRandom, seed);
}
TEST_F(RecoveryTest, MachineMayDieAnywhereTornAsyncFlush) {
  crash_everywhere(CommitPolicy::kFlushed, os::Crash::kRandom, 5);
}

TEST_F(RecoveryTest, DamageBelowTheDurableMarkIsRefusedWithItsPlace) {
  open();
  send_many(30);
  store->step();
  ASSERT_TRUE(store->close());
  store.reset();
  // Lost queues make recovery read the whole log, and there is the damage.
  ASSERT_TRUE(disk->open("store/abort", os::OpenMode::kCreate));
  ASSERT_TRUE(disk->remove_tree("store/consumequeue"));
  ASSERT_TRUE(disk->corrupt("store/commitlog/00000000000000000000", 200, std::byte{1}));
  const Status refused = try_open(*disk);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kCorrupt);
  EXPECT_NE(refused.error().message.find("00000000000000000000"), std::string::npos)
      << refused.error().message;
}

TEST_F(RecoveryTest, TornTailIsCutAndDoesNotComeBack) {
  open();
  send_many(10, 0, 1);
  const auto durable = store->marks().flushed().value;
  crash(os::Crash::kProcess);
  // The 6th record is torn; those behind it are whole but were never confirmed.
  ASSERT_TRUE(disk->corrupt("store/commitlog/00000000000000000000",
                            static_cast<std::uint64_t>(durable * 5 / 10 + 30), std::byte{0xff}));
  open();
  expect_many(5, 1);
  EXPECT_LT(store->marks().appended().value, durable);
  // A record of the same size, so that the stale ones behind it would fit.
  send_many(1, 5, 1);
  crash(os::Crash::kKeepUnsynced);
  open();
  expect_many(6, 1);
}

TEST_F(RecoveryTest, LostQueueFoldersAreMadeAgainFromTheLog) {
  for (const char* lost :
       {"store/consumequeue", "store/consumequeue/T/1", "store/consumequeue/T"}) {
    disk = std::make_unique<os::MemoryDisk>(&clock);
    open();
    send_many(100);
    ASSERT_TRUE(store->close());
    store.reset();
    ASSERT_TRUE(disk->remove_tree(lost));
    open();
    EXPECT_TRUE(store->recovered().whole_log) << lost;
    expect_many(100);
    EXPECT_EQ(store->queue("T", 1).next().value, 33) << lost;
  }
}

TEST_F(RecoveryTest, QueueBehindAfterAnUncleanStopIsMadeAgain) {
  open();
  send_many(60);
  store->step();
  send_many(6, 60);
  crash(os::Crash::kProcess);
  ASSERT_TRUE(disk->remove_tree("store/consumequeue/T/1"));
  open();
  EXPECT_TRUE(store->recovered().whole_log);
  expect_many(66);
}

TEST_F(RecoveryTest, QueueWithoutItsFirstFileIsMadeAgain) {
  open();
  send_many(100);
  store->step();
  crash(os::Crash::kProcess);
  ASSERT_TRUE(disk->remove("store/consumequeue/T/1/00000000000000000000"));
  open();
  EXPECT_TRUE(store->recovered().whole_log);
  EXPECT_EQ(store->queue("T", 1).min().value, 0);
  expect_many(100);
  // That is settled: the next start has no reason to look again.
  store->step();
  crash(os::Crash::kProcess);
  open();
  EXPECT_FALSE(store->recovered().whole_log);
  expect_many(100);
}

TEST_F(RecoveryTest, LostIndexIsMadeAgain) {
  open();
  send_many(100);
  ASSERT_TRUE(store->close());
  store.reset();
  ASSERT_TRUE(disk->remove_tree("store/index"));
  open();
  EXPECT_TRUE(store->recovered().index_again);
  expect_keys(100);
}

// After an orderly stop there is a snapshot, which is older than what the index has after a crash.
TEST_F(RecoveryTest, AnIndexAheadOfTheSnapshotIsKept) {
  open();
  send_many(100);
  ASSERT_TRUE(store->close());
  open();
  for (const int more : {100, 150}) {
    send_many(50, more);
    store->step();
    clock.advance_ms(20'000);
    while (store->step()) {
    }
    crash(os::Crash::kProcess);
    open();
    EXPECT_FALSE(store->recovered().index_again);
    expect_keys(more + 50);
    EXPECT_EQ(store->query({.topic = "T", .key = "U120"}).size(), 1U);  // and once only
  }
}

TEST_F(RecoveryTest, FolderOfAnotherBrokerIsAcceptedByItsOwnRules) {
  open();
  send_many(120);
  ASSERT_TRUE(store->close());
  store.reset();
  // What Apache's broker leaves: its word in the lock file, no folder of ours that it knows.
  {
    auto file = disk->open("store/lock", os::OpenMode::kReadWrite);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write_at(0, as_bytes("lock")));
  }
  open();
  EXPECT_FALSE(store->recovered().whole_log);
  expect_many(120);
  send_many(30, 120);
  store->step();
  crash(os::Crash::kProcess);
  {
    auto file = disk->open("store/lock", os::OpenMode::kReadWrite);
    ASSERT_TRUE((*file)->write_at(0, as_bytes("lock")));
  }
  open();
  expect_many(150);
  ASSERT_TRUE(store->close());
  store.reset();
  ASSERT_TRUE(disk->remove_tree("store/once"));
  ASSERT_TRUE(disk->remove("store/lock"));
  open();
  expect_many(150);
}

TEST_F(RecoveryTest, EmptyLogFolderThatOnceHeldMessagesIsRefused) {
  open();
  send_many(10);
  ASSERT_TRUE(store->close());
  store.reset();
  ASSERT_TRUE(disk->remove_tree("store/commitlog"));
  const Status refused = try_open(*disk);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kCorrupt);
}

// Replaces a record by one that its CRCs say is whole.
void forge(os::MemoryDisk& disk, const Appended& place, model::Message message,
           QueueOffset queue_offset) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(place.size));
  const std::string fill(bytes.size() - model::encoded_size(message, {}), 'x');
  message.body = as_bytes(fill);
  ASSERT_EQ(model::encode_record(message,
                                 {.queue_offset = queue_offset,
                                  .log_offset = place.log_offset,
                                  .store_timestamp = place.store_timestamp},
                                 {}, bytes),
            bytes.size());
  auto file = disk.open("store/commitlog/" + file_name(0), os::OpenMode::kReadWrite);
  ASSERT_TRUE((*file)->write_at(static_cast<std::uint64_t>(place.log_offset.value), bytes));
}

TEST_F(RecoveryTest, ForgedRecordsFillNoMemoryAndLeaveNoFolder) {
  const std::string parent = "..";
  for (const auto& [topic, queue_id, queue_offset] :
       {std::tuple{std::string("T"), 0, std::int64_t{1} << 20},
        std::tuple{std::string("T"), 0, INT64_MAX},
        std::tuple{std::string("T"), -1, std::int64_t{0}}, std::tuple{parent, 0, std::int64_t{0}},
        std::tuple{"a/../../b" + parent, 0, std::int64_t{0}},
        std::tuple{std::string("n\0ul", 5), 0, std::int64_t{0}},
        std::tuple{std::string("new"), 0, INT64_MAX - 1}}) {
    disk = std::make_unique<os::MemoryDisk>(&clock);
    open();
    send_many(3, 0, 1);
    const auto place = *send(*store, Sent{.body = std::string(50, 'y')});
    send_many(1, 4, 1);
    crash(os::Crash::kProcess);
    ASSERT_TRUE(disk->remove_tree("store/consumequeue"));  // the whole log is read
    model::Message message;
    message.topic = topic;
    message.queue_id = queue_id;
    forge(*disk, place, message, {queue_offset});
    open();
    EXPECT_EQ(store->recovered().misfits, 1U) << topic << " " << queue_offset;
    EXPECT_GE(store->stats().damaged_places, 1U);
    EXPECT_LE(store->queue("T", 0).next().value, 5);
    int served = 0;  // the hole is stepped over
    for (QueueOffset from{0}; from.value < 5;) {
      const ReadResult read = store->read({.queue = store->find_queue("T", 0), .offset = from});
      ASSERT_GT(read.next, from) << topic;
      served += read.messages;
      from = read.next;
    }
    EXPECT_EQ(served, 4) << topic << " " << queue_offset;
    for (const std::string& path : disk->files()) EXPECT_TRUE(path.starts_with("store/")) << path;
  }
}

TEST_F(RecoveryTest, ASnapshotThatWasRefusedStaysRefused) {
  open();
  send_many(30);
  ASSERT_TRUE(store->close());
  store.reset();
  ASSERT_TRUE(disk->stat("store/once/queues"));
  ASSERT_TRUE(disk->remove_tree("store/consumequeue/T/1"));
  open();
  EXPECT_FALSE(disk->stat("store/once/queues")) << "it names a queue that was not there";
  expect_many(30);
}

TEST_F(RecoveryTest, LossInAFolderOfAnotherBrokerIsNoticedAfterItsFirstStart) {
  open();
  send_many(60, 0, 1);
  ASSERT_TRUE(store->close());
  store.reset();
  ASSERT_TRUE(disk->remove_tree("store/once"));
  ASSERT_TRUE(disk->remove("store/lock"));
  open();
  expect_many(60, 1);
  crash(os::Crash::kProcess);
  ASSERT_TRUE(disk->remove("store/consumequeue/T/0/" + file_name(400)));
  ASSERT_TRUE(disk->remove("store/consumequeue/T/0/" + file_name(800)));
  open();
  EXPECT_TRUE(store->recovered().whole_log);
  expect_many(60, 1);
}

TEST_F(RecoveryTest, LostFirstFilesOfAQueueAreMadeAgainWithTheWholeLog) {
  open();
  send_many(60, 0, 1);
  ASSERT_TRUE(store->close());
  store.reset();
  ASSERT_TRUE(disk->remove("store/consumequeue/T/0/" + file_name(0)));
  ASSERT_TRUE(disk->remove_tree("store/once"));
  ASSERT_TRUE(disk->open("store/abort", os::OpenMode::kCreate));
  open();
  expect_many(60, 1);
}

TEST_F(RecoveryTest, NothingComesBackFromBehindAnOrderlyEnd) {
  open();
  send_many(10, 0, 1);
  const LogOffset fifth =
      static_cast<LiveQueue&>(store->queue("T", 0)).next() == QueueOffset{10}
          ? Reader::entry(static_cast<LiveQueue&>(store->queue("T", 0)), {5})->log_offset
          : LogOffset{};
  ASSERT_TRUE(store->close());
  store.reset();
  // Somebody else's folder whose log was cut by zeros, with the queue to match.
  ASSERT_TRUE(disk->remove_tree("store/once"));
  ASSERT_TRUE(disk->remove_tree("store/consumequeue"));
  ASSERT_TRUE(disk->remove("store/checkpoint"));
  ASSERT_TRUE(disk->remove("store/lock"));
  {
    auto file = disk->open("store/commitlog/" + file_name(0), os::OpenMode::kReadWrite);
    ASSERT_TRUE(
        (*file)->write_at(static_cast<std::uint64_t>(fifth.value), std::vector<std::byte>(8)));
  }
  open();
  expect_many(5, 1);
  send_many(1, 5, 1);  // as long as the one that stood there: the next one would fit
  crash(os::Crash::kProcess);
  open();
  expect_many(6, 1);
}

TEST_F(RecoveryTest, GapsAndWrongSizesOfLogFilesAreRefused) {
  open();
  send_many(300);
  ASSERT_TRUE(store->close());
  store.reset();
  ASSERT_GE(disk->list("store/commitlog")->size(), 3U);
  {
    auto copy = disk->crash(os::Crash::kKeepUnsynced);
    ASSERT_TRUE(copy->remove("store/commitlog/00000000000000008192"));
    const Status refused = try_open(*copy);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, Errc::kCorrupt);
    store.reset();
  }
  options.log_file_size = 16384;
  const Status refused = try_open(*disk);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kCorrupt);
  EXPECT_NE(refused.error().message.find("mappedFileSizeCommitLog"), std::string::npos);
}

TEST_F(RecoveryTest, ExtraZeroFileAtTheEndIsTolerated) {
  open();
  send_many(10);
  ASSERT_TRUE(store->close());
  store.reset();
  for (const char* name : {"00000000000000008192", "00000000000000016384"}) {
    if (disk->stat(std::string("store/commitlog/") + name)) continue;
    auto file = disk->open(std::string("store/commitlog/") + name, os::OpenMode::kCreateNew);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->allocate(8192));
  }
  open();
  expect_many(10);
  send_many(300, 10);
  expect_many(310);
}

TEST_F(RecoveryTest, DelayedMessagesKeepTheirDueTime) {
  options.delay_levels_ms = {1000, 5000};
  open();
  std::string properties;
  model::append_property(properties, model::property::kDelayLevel, "2");
  const auto sent = send(*store, Sent{.topic = "SCHEDULE_TOPIC_XXXX",
                                      .queue_id = 1,
                                      .body = "x",
                                      .properties = properties,
                                      .tags_code = 1});
  crash(os::Crash::kProcess);
  open();
  auto& queue = static_cast<LiveQueue&>(store->queue("SCHEDULE_TOPIC_XXXX", 1));
  EXPECT_EQ(Reader::entry(queue, {0})->tags_code, sent->store_timestamp + 5000);
}

TEST_F(RecoveryTest, APropertyThatEndsLikeACrcIsNoDamage) {
  options.append_property_crc = false;
  open();
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(
        send(*store, Sent{.body = std::to_string(i), .properties = "x__CRC32#\0010123456789\2"}));
  crash(os::Crash::kProcess);
  open();
  expect_many(3, 1);
  ASSERT_TRUE(store->close());
  open();
  expect_many(3, 1);
}

TEST_F(RecoveryTest, ATornRecordThatLostWhatStandsInFrontOfItsCrcIsCut) {
  open();
  send_many(3, 0, 1);
  const std::string properties = "A\1" + std::string(600, 'v') + "\2";
  ASSERT_TRUE(send(*store, Sent{.body = "3", .properties = properties}));
  const std::int64_t end = store->marks().flushed().value;
  crash(os::Crash::kProcess);
  // Lost are bytes of the text only, up to the CRC; structure and body are whole.
  {
    auto file = disk->open("store/commitlog/" + file_name(0), os::OpenMode::kReadWrite);
    const std::vector<std::byte> zeros(500);
    ASSERT_TRUE((*file)->write_at(
        static_cast<std::uint64_t>(end) - model::kCrcPropertySize - zeros.size(), zeros));
  }
  open();
  expect_many(3, 1);
}

TEST_F(RecoveryTest, NoSpaceRefusesAndRecovers) {
  open();
  send_many(10, 0, 1);
  disk->set_capacity(1);  // nothing new
  int accepted = 10;
  std::optional<Error> refusal;
  for (int i = 10; i < 200 && !refusal; ++i) {
    const auto sent = send(*store, Sent{.body = std::to_string(i)});
    if (sent) ++accepted;
    refusal = store->refusal();
  }
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->code, Errc::kNotWritable);
  EXPECT_TRUE(fatal.empty());
  EXPECT_GT(bodies(*store).size(), 10U);  // reading goes on
  disk->set_capacity(os::MemoryDisk::kUnlimited);
  store->housekeep();
  store->step();
  EXPECT_FALSE(store->refusal().has_value());
  EXPECT_EQ(static_cast<int>(bodies(*store).size()), accepted);  // nothing appended was lost
  ASSERT_TRUE(send(*store, "after"));
  ASSERT_TRUE(store->close());
}

TEST_F(RecoveryTest, AStopOnAFullDiskLosesNothing) {
  open();
  send_many(30);
  os::FailingDisk failing(*disk);
  ASSERT_TRUE(store->close());
  ASSERT_TRUE(try_open(failing));
  send_many(30, 30);
  // The log has room in its file, what is made from it has none.
  std::string index;
  for (const std::string& path : disk->files())
    if (path.starts_with("store/index/")) index = path;
  ASSERT_FALSE(index.empty());
  failing.inject({.call = os::DiskCall::kWrite,
                  .path_end = index,
                  .times = os::DiskFault::kForever,
                  .error = Errc::kNoSpace});
  EXPECT_TRUE(store->close()) << "the log is durable";
  store.reset();
  EXPECT_TRUE(disk->stat("store/abort")) << "the next start must look";
  open();
  expect_many(60);
}

TEST_F(RecoveryTest, WriteErrorIsFatalOnceAndNothingIsAcknowledgedAfter) {
  os::FailingDisk failing(*disk);
  ASSERT_TRUE(try_open(failing));
  send_many(5);
  const auto flushed = store->marks().flushed();
  failing.inject({.call = os::DiskCall::kWrite, .path_end = "00000000000000000000"});
  (void)send(*store, "lost");
  ASSERT_EQ(fatal.size(), 1U);
  EXPECT_EQ(fatal[0].code, Errc::kIo);
  EXPECT_EQ(store->marks().flushed(), flushed);
  failing.heal();
  const auto refused = send(*store, "more");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kNotWritable);
  store->step();
  EXPECT_EQ(store->marks().flushed(), flushed);
  EXPECT_EQ(fatal.size(), 1U);
  EXPECT_FALSE(store->close().has_value());
  store.reset();
  open();
  expect_many(5);
}

TEST_F(RecoveryTest, SyncErrorIsFatalAndDurableNeverMovesAgain) {
  options.policy = CommitPolicy::kDurable;
  os::FailingDisk failing(*disk);
  ASSERT_TRUE(try_open(failing));
  send_many(5);
  store->step();
  const auto durable = store->marks().durable();
  failing.inject({.call = os::DiskCall::kSync, .path_end = "commitlog/00000000000000000000"});
  ASSERT_TRUE(send(*store, Sent{.body = "unsure"}));
  store->step();
  store->step();
  ASSERT_EQ(fatal.size(), 1U);
  EXPECT_EQ(store->marks().durable(), durable);
  EXPECT_FALSE(store->refusal()->message.empty());
  // The next process reads the lost bytes from the page cache; written again they are safe.
  crash(os::Crash::kProcess);
  open();
  EXPECT_GT(store->recovered().rewritten_bytes, 0U);
  const std::size_t found = bodies(*store, "T", 0).size();
  crash(os::Crash::kDropUnsynced);
  open();
  EXPECT_EQ(bodies(*store, "T", 0).size(), found);
}

}  // namespace
}  // namespace oncemq::store
