#include "store/disk_store.h"

#include <array>

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

struct DiskStoreTest : StoreFixture {};

TEST_F(DiskStoreTest, WhatIsSentIsReadInOrder) {
  open();
  for (int i = 0; i < 100; ++i) {
    const auto sent = send(*store, "body " + std::to_string(i));
    ASSERT_TRUE(sent.has_value()) << sent.error().message;
    EXPECT_EQ(sent->queue_offset.value, i);
  }
  const auto found = bodies(*store);
  ASSERT_EQ(found.size(), 100U);
  EXPECT_EQ(found[99], "body 99");
  EXPECT_EQ(store->find_queue("T", 0)->max().value, 100);
  EXPECT_EQ(store->find_queue("T", 0)->min().value, 0);
}

TEST_F(DiskStoreTest, NeighboursAreOneSpan) {
  open();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(send(*store, "x"));
  const ReadResult read = store->read({.queue = store->find_queue("T", 0), .offset = {1}});
  EXPECT_EQ(read.status, ReadStatus::kFound);
  EXPECT_EQ(read.messages, 4);
  EXPECT_EQ(read.spans.size(), 1U);
  EXPECT_EQ(read.next.value, 5);
}

TEST_F(DiskStoreTest, ReadStatuses) {
  open();
  EXPECT_EQ(store->read({.queue = nullptr}).status, ReadStatus::kQueueMissing);
  ConsumeQueue& queue = store->queue("T", 0);
  EXPECT_EQ(store->read({.queue = &queue}).status, ReadStatus::kQueueEmpty);
  ASSERT_TRUE(send(*store, "one"));
  const ReadResult at_end = store->read({.queue = &queue, .offset = {1}});
  EXPECT_EQ(at_end.status, ReadStatus::kOffsetAtEnd);
  EXPECT_EQ(at_end.next.value, 1);
  const ReadResult past = store->read({.queue = &queue, .offset = {7}});
  EXPECT_EQ(past.status, ReadStatus::kOffsetPastEnd);
  EXPECT_EQ(past.next.value, 1);
}

TEST_F(DiskStoreTest, LimitsOfARead) {
  open();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(send(*store, std::string(100, 'x')));
  ConsumeQueue* queue = store->find_queue("T", 0);
  EXPECT_EQ(store->read({.queue = queue, .max_messages = 3}).messages, 3);
  EXPECT_EQ(store->read({.queue = queue, .max_bytes = 1}).messages, 1);  // the first always
  const ReadResult two = store->read({.queue = queue, .max_bytes = 500});
  EXPECT_EQ(two.messages, 2);
  EXPECT_EQ(two.next.value, 2);
}

TEST_F(DiskStoreTest, FilterSkipsOnTagsAndBoundsItsScan) {
  open();
  for (int i = 0; i < 30; ++i)
    ASSERT_TRUE(send(*store, Sent{.body = std::to_string(i),
                                  .tags_code = i % 10 == 0 ? model::tags_code("A") : 7}));
  const auto wanted = model::parse_tag_expression("T", "A");
  const model::Filter filter(*wanted);
  const ReadResult read =
      store->read({.queue = store->find_queue("T", 0), .offset = {1}, .filter = &filter});
  EXPECT_EQ(read.status, ReadStatus::kFound);
  EXPECT_EQ(read.messages, 2);
  EXPECT_EQ(read.next.value, 30);
  const auto none = model::parse_tag_expression("T", "B");
  const model::Filter no_match(*none);
  EXPECT_EQ(store->read({.queue = store->find_queue("T", 0), .filter = &no_match}).status,
            ReadStatus::kNoMatched);
}

TEST_F(DiskStoreTest, FilterByPropertiesReadsRecordsThatTheTagHashLetsThrough) {
  open();
  for (int i = 0; i < 30; ++i) {
    std::string properties;
    model::append_property(properties, "n", std::to_string(i));
    ASSERT_TRUE(send(*store, Sent{.body = std::to_string(i),
                                  .properties = properties,
                                  .tags_code = i % 10 == 0 ? model::tags_code("A") : 7}));
  }
  ConsumeQueue* queue = store->find_queue("T", 0);
  const auto read = [&](std::string_view expression) {
    model::Subscription wanted;
    wanted.expression_type = "SQL92";
    wanted.sql =
        std::make_shared<const model::SqlFilter>(model::SqlFilter::compile(expression).value());
    const model::Filter filter(wanted);
    return store->read({.queue = queue, .filter = &filter});
  };
  EXPECT_EQ(read("n >= 20").messages, 10);
  EXPECT_EQ(read("n >= 20").next.value, 30);
  EXPECT_EQ(read("n in ('3', '5')").messages, 2);
  EXPECT_EQ(read("n > 30").status, ReadStatus::kNoMatched);
  EXPECT_EQ(read("n > 30").next.value, 30);
  // The records have no TAGS here, so only the hash can be what excludes them.
  EXPECT_EQ(read("TAGS = 'A' or n = 10").messages, 1);
  EXPECT_EQ(read("TAGS is null and n >= 20").messages, 10);
  EXPECT_EQ(read("TAGS = 'A' and n >= 0").messages, 0);
}

TEST_F(DiskStoreTest, FilterByPropertiesBoundsTheBytesItLooksAt) {
  options.log_file_size = 16U << 20;
  open();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(send(*store, std::string(3U << 20, 'x')));
  model::Subscription wanted;
  wanted.expression_type = "SQL92";
  wanted.sql = std::make_shared<const model::SqlFilter>(model::SqlFilter::compile("n > 1").value());
  const model::Filter filter(wanted);
  ConsumeQueue* queue = store->find_queue("T", 0);
  const ReadResult first = store->read({.queue = queue, .filter = &filter});
  EXPECT_EQ(first.status, ReadStatus::kNoMatched);
  EXPECT_EQ(first.next.value, 3);
  const ReadResult rest = store->read({.queue = queue, .offset = first.next, .filter = &filter});
  EXPECT_EQ(rest.status, ReadStatus::kNoMatched);
  EXPECT_EQ(rest.next.value, 5);
}

// Whatever an expression costs, a read goes on, and all of them together give each message once.
TEST_F(DiskStoreTest, FilterByPropertiesBoundsItsWork) {
  open();
  for (int i = 0; i < 30; ++i) {
    std::string properties;
    model::append_property(properties, "a", std::string(4'000, 'x'));
    model::append_property(properties, "n", std::to_string(i));
    ASSERT_TRUE(send(*store, Sent{.body = std::to_string(i), .properties = properties}));
  }
  model::Subscription wanted;
  wanted.expression_type = "SQL92";
  wanted.sql = std::make_shared<const model::SqlFilter>(
      model::SqlFilter::compile("not (a contains 'xy') and n in ('4', '5', '29')").value());
  const model::Filter filter(wanted);
  ConsumeQueue* queue = store->find_queue("T", 0);
  const ReadResult whole = store->read({.queue = queue, .filter = &filter});
  ASSERT_EQ(whole.messages, 3);
  ASSERT_EQ(whole.filter.over, 0U);
  for (const std::size_t work : {std::size_t{0}, std::size_t{1}, whole.filter.work / 10}) {
    int messages = 0;
    int reads = 0;
    for (QueueOffset at; at.value < 30; ++reads) {
      const ReadResult read =
          store->read({.queue = queue, .offset = at, .filter = &filter, .filter_work = work});
      ASSERT_GT(read.next, at);
      EXPECT_EQ(read.status, read.messages > 0 ? ReadStatus::kFound : ReadStatus::kNoMatched);
      messages += read.messages;
      at = read.next;
    }
    EXPECT_EQ(messages, 3);
    EXPECT_EQ(reads, work <= 1 ? 30 : 10);
  }
}

TEST_F(DiskStoreTest, MemoryOfQueuesAndKeysIsCounted) {
  open();
  const StoreStats empty = store->stats();
  ASSERT_TRUE(send(*store, "x"));
  store->step();
  const StoreStats one = store->stats();
  EXPECT_GT(one.queue_bytes, empty.queue_bytes + sizeof(LiveQueue));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(send(*store, "x"));
  EXPECT_GE(store->stats().queue_bytes, one.queue_bytes + 64 * sizeof(QueueEntry));
  ASSERT_TRUE(store->delete_topic("T").has_value());
  EXPECT_LT(store->stats().queue_bytes, one.queue_bytes);  // its ring is gone
  EXPECT_EQ(empty.key_index_bytes, 0U);
  std::string properties;
  model::append_property(properties, model::property::kKeys, "k");
  ASSERT_TRUE(send(*store, Sent{.body = "x", .properties = properties}));
  store->step();
  EXPECT_GT(store->stats().key_index_bytes, 4'000U);
}

TEST_F(DiskStoreTest, NothingIsVisibleBeforeItIsCommitted) {
  options.policy = CommitPolicy::kDurable;
  open();
  ASSERT_TRUE(send(*store, "held"));
  ConsumeQueue* queue = store->find_queue("T", 0);
  EXPECT_EQ(queue->next().value, 1);
  EXPECT_EQ(queue->max().value, 0);
  EXPECT_TRUE(bodies(*store).empty());
  EXPECT_FALSE(store->read_record({0}).has_value());
  EXPECT_TRUE(heard.empty());
  EXPECT_GT(store->marks().flushed().value, store->marks().durable().value);
  store->step();
  EXPECT_EQ(bodies(*store), std::vector<std::string>{"held"});
  EXPECT_TRUE(store->read_record({0}).has_value());
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].first, store->marks().durable().value);
}

TEST_F(DiskStoreTest, ListenerHearsOfWatchedQueuesOnly) {
  open();
  ConsumeQueue& watched = store->queue("T", 1);
  watched.set_watched(true);
  ASSERT_TRUE(send(*store, Sent{.queue_id = 0, .body = "a"}));
  ASSERT_TRUE(send(*store, Sent{.queue_id = 1, .body = "b"}));
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_TRUE(heard[0].second.empty());
  EXPECT_EQ(heard[1].second, std::vector<ConsumeQueue*>{&watched});
}

TEST_F(DiskStoreTest, WatchingBetweenAppendAndCommitIsHeard) {
  options.policy = CommitPolicy::kDurable;
  open();
  ASSERT_TRUE(send(*store, "a"));
  ConsumeQueue& queue = store->queue("T", 0);
  queue.set_watched(true);
  ASSERT_EQ(queue.max().value, 0);
  store->step();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].second.size(), 1U);
}

TEST_F(DiskStoreTest, WhatComesBehindDoesNotHoldAnArrivalBack) {
  options.policy = CommitPolicy::kDurable;
  open();
  ConsumeQueue& queue = store->queue("T", 0);
  queue.set_watched(true);
  ASSERT_TRUE(send(*store, "first"));
  const Sent second{.body = "second"};
  std::vector<AppendItem> items{testing::item_of(*store, second)};
  ASSERT_TRUE(store->append(items));  // not with the kernel yet
  store->step();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].second, std::vector<ConsumeQueue*>{&queue});
  store->write_out();
  store->step();
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[1].second, std::vector<ConsumeQueue*>{&queue});
}

TEST_F(DiskStoreTest, EachQueueIsHeardOncePerCommit) {
  options.policy = CommitPolicy::kDurable;
  open();
  ConsumeQueue& one = store->queue("T", 1);
  ConsumeQueue& two = store->queue("T", 2);
  one.set_watched(true);
  two.set_watched(true);
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(send(*store, Sent{.queue_id = 1 + i % 2, .body = "x"}));
  store->step();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].second.size(), 2U);
}

TEST_F(DiskStoreTest, BatchIsContiguousAndInOneFile) {
  open();
  ASSERT_TRUE(send(*store, std::string(5000, 'x')));
  std::vector<Sent> sent(10, Sent{.body = std::string(400, 'y')});
  std::vector<AppendItem> items;
  for (const Sent& one : sent) items.push_back(testing::item_of(*store, one));
  ASSERT_TRUE(store->append(items));
  store->write_out();
  for (std::size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(items[i].result.queue_offset.value, static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(items[i].result.log_offset.value / 8192, 1);
  }
  EXPECT_EQ(bodies(*store).size(), 11U);
}

TEST_F(DiskStoreTest, TickLargerThanAFileIsSpreadOverFiles) {
  open();
  std::vector<Sent> sent(50, Sent{.body = std::string(700, 'y')});
  std::vector<AppendItem> items;
  for (const Sent& one : sent) items.push_back(testing::item_of(*store, one));
  ASSERT_TRUE(store->append(items));
  store->write_out();
  EXPECT_EQ(bodies(*store).size(), 50U);
}

TEST_F(DiskStoreTest, TooLargeMessagesAreRefusedAndChangeNothing) {
  open();
  const auto large = send(*store, std::string(8192, 'x'));
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(large.error().code, Errc::kMessageIllegal);
  const auto properties = send(*store, Sent{.body = "x", .properties = std::string(32767, 'p')});
  ASSERT_FALSE(properties.has_value());
  EXPECT_EQ(properties.error().code, Errc::kMessageIllegal);
  EXPECT_EQ(store->marks().appended().value, 0);
}

TEST_F(DiskStoreTest, StagingBoundAnswersBusy) {
  options.staging_bytes = 1000;
  open();
  std::vector<Sent> sent(2, Sent{.body = std::string(600, 'x')});
  std::vector<AppendItem> first{testing::item_of(*store, sent[0])};
  std::vector<AppendItem> second{testing::item_of(*store, sent[1])};
  ASSERT_TRUE(store->append(first));
  const auto refused = store->append(second);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kBusy);
  store->write_out();
  EXPECT_TRUE(store->append(second).has_value());
}

TEST_F(DiskStoreTest, StoreTimeNeverDecreases) {
  open();
  const auto first = send(*store, "a");
  clock.jump_ms(-60'000);
  const auto second = send(*store, "b");
  EXPECT_GE(second->store_timestamp, first->store_timestamp);
}

TEST_F(DiskStoreTest, OffsetsByTime) {
  open();
  std::vector<std::int64_t> times;
  for (int i = 0; i < 10; ++i) {
    times.push_back(send(*store, "x")->store_timestamp);
    clock.advance_ms(1000);
  }
  ConsumeQueue& queue = store->queue("T", 0);
  EXPECT_EQ(store->offset_by_time(queue, times[4], Boundary::kLower).value, 4);
  EXPECT_EQ(store->offset_by_time(queue, times[4] + 1, Boundary::kLower).value, 5);
  EXPECT_EQ(store->offset_by_time(queue, times[4] + 1, Boundary::kUpper).value, 4);
  EXPECT_EQ(store->offset_by_time(queue, times[9] + 1, Boundary::kLower).value, 10);
  EXPECT_EQ(store->offset_by_time(queue, times[9] + 1, Boundary::kUpper).value, 9);
  EXPECT_EQ(store->offset_by_time(queue, 0, Boundary::kUpper).value, 0);
  EXPECT_EQ(store->store_time(queue, {3}), times[3]);
  EXPECT_EQ(store->store_time(queue, {99}), -1);
}

TEST_F(DiskStoreTest, QueryByUniqueKeyAndKeys) {
  open();
  std::string properties;
  model::append_property(properties, model::property::kKeys, "order-1 order-2");
  model::append_property(properties, model::property::kUniqueKey, "U1");
  const auto sent = send(*store, Sent{.body = "x", .properties = properties});
  ASSERT_TRUE(sent.has_value());
  EXPECT_TRUE(store->query({.topic = "T", .key = "U1"}).empty());  // not dispatched yet
  store->step();
  for (std::string_view key : {"U1", "order-1", "order-2"})
    EXPECT_EQ(store->query({.topic = "T", .key = key}).size(), 1U) << key;
  EXPECT_TRUE(store->query({.topic = "T", .key = "order-3"}).empty());
  EXPECT_TRUE(store->query({.topic = "other", .key = "U1"}).empty());
  EXPECT_TRUE(
      store->query({.topic = "T", .key = "U1", .begin_ms = sent->store_timestamp + 1}).empty());
}

TEST_F(DiskStoreTest, AnyOffsetMayBeAskedFor) {
  open();
  const auto first = send(*store, "first");
  const auto second = send(*store, "second");
  EXPECT_TRUE(store->read_record(second->log_offset).has_value());
  for (std::int64_t offset : {std::int64_t{-1}, std::int64_t{1}, first->log_offset.value + 40,
                              std::int64_t{100'000}, INT64_MAX}) {
    const auto none = store->read_record({offset});
    ASSERT_FALSE(none.has_value()) << offset;
    EXPECT_EQ(none.error().code, Errc::kMessageNotFound) << offset;
  }
}

TEST_F(DiskStoreTest, DamagedRecordsOfOlderFilesAreSteppedOver) {
  log::set_level(log::Level::kOff);
  open();
  std::vector<Appended> places;
  for (int i = 0; i < 100; ++i) places.push_back(*send(*store, std::to_string(i)));
  const LogOffset damaged = places[3].log_offset;
  ASSERT_TRUE(disk->corrupt("store/commitlog/" + file_name(0),
                            static_cast<std::uint64_t>(damaged.value) + 88, std::byte{1}));
  ConsumeQueue* queue = store->find_queue("T", 0);
  const ReadResult before = store->read({.queue = queue, .offset = {0}});
  EXPECT_EQ(before.messages, 3);
  EXPECT_EQ(before.next.value, 3);
  const ReadResult at = store->read({.queue = queue, .offset = {3}});
  EXPECT_EQ(at.status, ReadStatus::kRemoved);
  EXPECT_EQ(at.next.value, 4);
  EXPECT_EQ(store->read({.queue = queue, .offset = {4}, .max_messages = 2}).messages, 2);
  EXPECT_EQ(store->read_record(damaged).error().code, Errc::kCorrupt);
  EXPECT_EQ(store->stats().damaged_places, 1U);
  log::set_level(log::Level::kInfo);
}

// Overwrites a queue entry of topic T, queue 0, first file.
void put_entry(os::MemoryDisk& disk, std::size_t index, const QueueEntry& entry) {
  auto file = disk.open("store/consumequeue/T/0/" + file_name(0), os::OpenMode::kReadWrite);
  std::array<std::byte, kEntrySize> bytes{};
  store_entry(bytes.data(), entry);
  ASSERT_TRUE(file && (*file)->write_at(index * kEntrySize, bytes));
}

struct DamagedQueueTest : DiskStoreTest {
  void SetUp() override { log::set_level(log::Level::kOff); }
  void TearDown() override { log::set_level(log::Level::kInfo); }
  ReadResult read_at(std::int64_t offset) {
    return store->read({.queue = store->find_queue("T", 0), .offset = {offset}});
  }
};

TEST_F(DamagedQueueTest, EntriesThatLeadToAnotherTopicOrBehindTheLogAreNotServed) {
  open();
  std::vector<Appended> others;
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(send(*store, "mine " + std::to_string(i)));
    others.push_back(*send(*store, Sent{.topic = "U", .body = "other" + std::to_string(i)}));
  }
  ASSERT_TRUE(store->close());
  store.reset();
  const std::int64_t end = others.back().log_offset.value + others.back().size;
  // The same queue id, queue offset and size: only the topic tells.
  put_entry(*disk, 3, {.log_offset = others[3].log_offset, .size = others[3].size, .tags_code = 0});
  // Behind the end there will be a record one day.
  put_entry(*disk, 5, {.log_offset = {end}, .size = others[3].size, .tags_code = 0});
  open();
  EXPECT_EQ(store->stats().damaged_reads, 0U);
  EXPECT_EQ(read_at(0).messages, 3);
  EXPECT_EQ(read_at(3).status, ReadStatus::kRemoved);
  EXPECT_EQ(read_at(3).next.value, 4);
  EXPECT_EQ(read_at(4).messages, 1);
  EXPECT_EQ(read_at(5).status, ReadStatus::kRemoved);
  EXPECT_EQ(send(*store, Sent{.topic = "V", .body = "other3"})->log_offset.value, end);
  EXPECT_EQ(read_at(5).status, ReadStatus::kRemoved);
  EXPECT_EQ(read_at(6).messages, 4);
  // What an operator sees: two places, met several times.
  EXPECT_EQ(store->stats().damaged_places, 2U);
  EXPECT_GE(store->stats().damaged_reads, 4U);
}

TEST_F(DiskStoreTest, OldEntriesComeFromFiles) {
  open();
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(send(*store, std::to_string(i)));
    if (i % 7 == 0) store->step();
  }
  store->step();
  const auto found = bodies(*store);
  ASSERT_EQ(found.size(), 200U);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(found[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_F(DiskStoreTest, DeletedTopicStartsAgainAndStaysDeleted) {
  open();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(send(*store, "old"));
  store->step();
  ASSERT_TRUE(store->delete_topic("T"));
  EXPECT_EQ(store->queue("T", 0).max().value, 0);
  EXPECT_TRUE(bodies(*store).empty());
  EXPECT_EQ(send(*store, "new")->queue_offset.value, 0);
  EXPECT_EQ(bodies(*store), std::vector<std::string>{"new"});
  crash(os::Crash::kProcess);
  open();
  EXPECT_EQ(bodies(*store), std::vector<std::string>{"new"});
}

TEST_F(DiskStoreTest, SecondStoreOnAFolderInUseIsRefusedWithThePid) {
  open();
  auto second = DiskStore::open(*disk, clock, options, nullptr);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::kInUse);
  EXPECT_NE(second.error().message.find(std::to_string(os::process_id())), std::string::npos)
      << second.error().message;
}

TEST_F(DiskStoreTest, CloseRefusesAndIsIdempotent) {
  open();
  ASSERT_TRUE(send(*store, "x"));
  EXPECT_TRUE(disk->stat("store/abort").has_value());
  ASSERT_TRUE(store->close());
  ASSERT_TRUE(store->close());
  EXPECT_FALSE(disk->stat("store/abort").has_value());
  const auto refused = send(*store, "y");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::kNotWritable);
}

TEST_F(DiskStoreTest, OptionsThatCannotWorkAreRefused) {
  options.queue_file_size = 30;
  const auto odd = DiskStore::open(*disk, clock, options, nullptr);
  ASSERT_FALSE(odd.has_value());
  EXPECT_EQ(odd.error().code, Errc::kInvalidArgument);
  options = testing::small_options();
  options.log_file_size = 100;
  EXPECT_FALSE(DiskStore::open(*disk, clock, options, nullptr).has_value());
  options = testing::small_options();
  options.index_slots = 0;
  EXPECT_FALSE(DiskStore::open(*disk, clock, options, nullptr).has_value());
}

}  // namespace
}  // namespace oncemq::store
