// The store with its own threads and several of ours: what is appended in parallel comes out dense
// and in order, and nobody who watches a queue is left waiting. Run under ThreadSanitizer as well.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "base/log.h"
#include "store/testing.h"

namespace oncemq::store {
namespace {

struct StoreThreads : testing::StoreFixture {
  void SetUp() override {
    log::set_level(log::Level::kOff);
    options.threads = true;
    options.log_file_size = 64 << 10;
    options.zero_ahead_bytes = 16 << 10;
    options.flush_interval_ms = 1;
  }
  void TearDown() override { log::set_level(log::Level::kInfo); }

  // Parks on a queue as a long poll does: watch, look again, wait.
  struct Waiter {
    std::mutex mutex;
    std::condition_variable arrived;
    std::uint64_t rings = 0;
    void ring() {
      const std::lock_guard lock(mutex);
      ++rings;
      arrived.notify_all();
    }
  };

  void run(CommitPolicy policy) {
    constexpr int kProducers = 3;
    constexpr int kPerProducer = 600;
    constexpr int kBatch = 5;
    options.policy = policy;
    auto opened = DiskStore::open(*disk, clock, options, nullptr);
    ASSERT_TRUE(opened.has_value());
    store = std::move(*opened);
    std::vector<Waiter> waiters(kProducers);
    std::vector<ConsumeQueue*> queues;
    for (int i = 0; i < kProducers; ++i) queues.push_back(&store->queue("T", i));
    store->start([&](CommittedOffset, std::span<ConsumeQueue* const> arrived) {
      for (const ConsumeQueue* queue : arrived)
        waiters[static_cast<std::size_t>(queue->queue_id())].ring();
    });

    std::vector<std::thread> threads;
    for (int p = 0; p < kProducers; ++p) {
      threads.emplace_back([&, p] {
        for (int i = 0; i < kPerProducer; i += kBatch) {
          std::vector<testing::Sent> sent;
          for (int k = 0; k < kBatch; ++k)
            sent.push_back({.queue_id = p, .body = std::to_string(i + k)});
          std::vector<AppendItem> items;
          for (const testing::Sent& one : sent) items.push_back(testing::item_of(*store, one));
          while (!store->append(items)) std::this_thread::yield();
          store->write_out();
        }
      });
    }
    std::atomic<int> wrong{0};
    for (int c = 0; c < kProducers; ++c) {
      threads.emplace_back([&, c] {
        ConsumeQueue& queue = *queues[static_cast<std::size_t>(c)];
        Waiter& waiter = waiters[static_cast<std::size_t>(c)];
        std::int64_t next = 0;
        while (next < kPerProducer) {
          std::uint64_t before = 0;
          {
            const std::lock_guard lock(waiter.mutex);
            before = waiter.rings;
          }
          queue.set_watched(true);
          if (queue.max().value == next) {
            std::unique_lock lock(waiter.mutex);
            waiter.arrived.wait(lock, [&] { return waiter.rings != before; });
          }
          const auto found = testing::bodies(*store, "T", c, next);
          for (const std::string& body : found)
            if (body != std::to_string(next++)) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong.load(), 0);
    ASSERT_TRUE(store->close());
    EXPECT_EQ(store->marks().durable().value, store->marks().appended().value);
    options.threads = false;
    open();
    for (int p = 0; p < kProducers; ++p)
      EXPECT_EQ(testing::bodies(*store, "T", p).size(), static_cast<std::size_t>(kPerProducer));
  }
};

TEST_F(StoreThreads, AsyncFlushLosesAndForgetsNothing) {
  run(CommitPolicy::kFlushed);
}

TEST_F(StoreThreads, SyncFlushLosesAndForgetsNothing) {
  run(CommitPolicy::kDurable);
}

TEST_F(StoreThreads, StopsWithoutAnOrderlyClose) {
  options.policy = CommitPolicy::kDurable;
  auto opened = DiskStore::open(*disk, clock, options, nullptr);
  ASSERT_TRUE(opened.has_value());
  (*opened)->start(nullptr);
  ASSERT_TRUE(testing::send(**opened, "x"));
  opened->reset();
  EXPECT_TRUE(disk->stat("store/abort").has_value());
}

// The thread that keeps house also delivers timers: a disk that takes its time for a sync of queue
// files must not hold it up.
TEST_F(StoreThreads, HousekeepingWaitsForNoSync) {
  options.log_file_size = 8 << 10;
  options.delete_when = "0;1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23";
  std::mutex mutex;
  std::condition_variable changed;
  bool syncing = false;
  bool let_go = false;
  std::atomic<bool> through{false};
  std::atomic<bool> slow{false};
  disk->observe([&](const os::DiskOperation& done) {
    const bool sync = done.kind == os::DiskOperation::Kind::kSync ||
                      done.kind == os::DiskOperation::Kind::kSyncDir;
    if (!sync || !slow.load() || done.path.find("consumequeue") == std::string::npos) return;
    std::unique_lock lock(mutex);
    syncing = true;
    changed.notify_all();
    // Only a broken store lets this time pass.
    changed.wait_for(lock, std::chrono::seconds(20), [&] { return let_go; });
    through.store(true);
  });
  auto opened = DiskStore::open(*disk, clock, options, nullptr);
  ASSERT_TRUE(opened.has_value());
  store = std::move(*opened);
  slow.store(true);
  store->start(nullptr);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(testing::send(*store, std::string(200, 'x')));
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return syncing; });
  }
  store->housekeep();
  EXPECT_FALSE(through.load());
  {
    const std::lock_guard lock(mutex);
    let_go = true;
  }
  changed.notify_all();
  // What it left to the dispatcher is done.
  clock.advance_ms(80 * 3'600'000LL);
  while (store->min_offset().value == 0) {
    clock.advance_ms(10'000);
    store->housekeep();
    std::this_thread::yield();
  }
  ASSERT_TRUE(store->close());
  disk->observe(nullptr);
}

}  // namespace
}  // namespace oncemq::store
