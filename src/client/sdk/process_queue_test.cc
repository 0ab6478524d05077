#include "client/sdk/process_queue.h"

#include <gtest/gtest.h>

namespace oncemq::sdk {
namespace {

Taken message(std::int64_t offset, std::size_t bytes = 10) {
  Taken taken{.log_offset = offset * 100, .bytes = bytes};
  taken.delivery.queue_offset = offset;
  return taken;
}
std::vector<Taken> messages(std::int64_t first, std::int64_t end) {
  std::vector<Taken> all;
  for (std::int64_t offset = first; offset < end; ++offset) all.push_back(message(offset));
  return all;
}
std::vector<std::int64_t> offsets(const std::vector<Delivery>& batch) {
  std::vector<std::int64_t> all;
  for (const Delivery& delivery : batch) all.push_back(delivery.queue_offset);
  return all;
}

TEST(ProcessQueueTest, CommitsUpToTheOldestThatIsNotDone) {
  ProcessQueue queue(5);
  EXPECT_EQ(queue.commit_offset(), 5);
  queue.add(messages(5, 9), 9);
  EXPECT_EQ(queue.commit_offset(), 5);
  EXPECT_EQ(offsets(queue.take(3)), (std::vector<std::int64_t>{5, 6, 7}));
  EXPECT_EQ(queue.commit_offset(), 5);
  queue.done(6);
  queue.done(7);
  EXPECT_EQ(queue.commit_offset(), 5);
  queue.done(5);
  EXPECT_EQ(queue.commit_offset(), 8);
  EXPECT_EQ(offsets(queue.take(3)), (std::vector<std::int64_t>{8}));
  queue.done(8);
  EXPECT_EQ(queue.commit_offset(), 9);
  EXPECT_EQ(queue.count(), 0U);
  EXPECT_EQ(queue.bytes(), 0U);
}

TEST(ProcessQueueTest, WhatAFilterLeftOutIsPassed) {
  ProcessQueue queue(0);
  std::vector<Taken> some;
  some.push_back(message(3));
  some.push_back(message(7));
  queue.add(std::move(some), 20);
  EXPECT_EQ(queue.next(), 20);
  EXPECT_EQ(queue.commit_offset(), 3);
  EXPECT_EQ(queue.span(), 17);
  (void)queue.take(2);
  queue.done(3);
  EXPECT_EQ(queue.commit_offset(), 7);
  queue.done(7);
  EXPECT_EQ(queue.commit_offset(), 20);
  queue.add({}, 30);
  EXPECT_EQ(queue.commit_offset(), 30);
}

TEST(ProcessQueueTest, NothingIsTakenTwice) {
  ProcessQueue queue(10);
  queue.add(messages(8, 12), 12);
  EXPECT_EQ(queue.count(), 2U);
  queue.add(messages(10, 13), 13);
  EXPECT_EQ(queue.count(), 3U);
  EXPECT_EQ(queue.bytes(), 30U);
  // An answer that goes back does not move the queue back.
  queue.add({}, 4);
  EXPECT_EQ(queue.next(), 13);
  EXPECT_EQ(queue.take(10).size(), 3U);
  EXPECT_FALSE(queue.has_waiting());
}

TEST(ProcessQueueTest, WhatIsGivenBackComesAgainFirst) {
  ProcessQueue queue(0);
  queue.add(messages(0, 3), 3);
  auto batch = queue.take(2);
  EXPECT_EQ(queue.log_offset(1), 100);
  queue.done(0);
  batch[1].attempt = 2;
  queue.give_back(std::move(batch[1]));
  EXPECT_EQ(queue.commit_offset(), 1);
  const auto again = queue.take(2);
  EXPECT_EQ(offsets(again), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(again[0].attempt, 2);
  EXPECT_EQ(again[1].attempt, 1);
}

TEST(ProcessQueueTest, DoneTwiceIsDone) {
  ProcessQueue queue(0);
  queue.add(messages(0, 2), 2);
  (void)queue.take(2);
  queue.done(0);
  queue.done(0);
  queue.done(17);
  EXPECT_EQ(queue.count(), 1U);
  EXPECT_EQ(queue.bytes(), 10U);
}

}  // namespace
}  // namespace oncemq::sdk
