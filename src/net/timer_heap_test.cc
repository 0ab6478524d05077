#include "net/timer_heap.h"

#include <map>
#include <memory>
#include <random>

#include <gtest/gtest.h>

namespace oncemq::net {
namespace {

TEST(TimerHeap, GivesTheEarliestFirst) {
  TimerHeap heap;
  std::string order;
  heap.add(30, [&] { order += 'c'; });
  heap.add(10, [&] { order += 'a'; });
  heap.add(20, [&] { order += 'b'; });
  EXPECT_EQ(heap.next_deadline_ms(), 10);
  while (!heap.empty()) heap.pop()();
  EXPECT_EQ(order, "abc");
}

TEST(TimerHeap, CancelsOnceAndOnlyItsOwn) {
  TimerHeap heap;
  const auto first = heap.add(10, [] {});
  EXPECT_TRUE(heap.cancel(first));
  EXPECT_FALSE(heap.cancel(first));
  const auto second = heap.add(10, [] {});  // takes the same node
  EXPECT_NE(first, second);
  EXPECT_FALSE(heap.cancel(first));
  EXPECT_EQ(heap.size(), 1U);
  heap.pop();
  EXPECT_FALSE(heap.cancel(second));
  EXPECT_FALSE(heap.cancel(0));
  EXPECT_FALSE(heap.cancel(std::uint64_t{5} << 32 | 77));
}

TEST(TimerHeap, CancelledTaskGivesItsCapturesBack) {
  TimerHeap heap;
  const auto witness = std::make_shared<int>();
  const auto id = heap.add(1, [witness] {});
  heap.cancel(id);
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(TimerHeap, AgreesWithAnOrderedMapOverRandomUse) {
  TimerHeap heap;
  std::multimap<std::int64_t, std::uint64_t> expected;  // deadline -> id
  std::mt19937 random(20240607);
  std::int64_t ran = -1;
  for (int step = 0; step < 20'000; ++step) {
    const auto choice = random() % 4;
    if (choice < 2 || expected.empty()) {
      const auto deadline = static_cast<std::int64_t>(random() % 1000);
      expected.emplace(deadline, heap.add(deadline, [&ran, deadline] { ran = deadline; }));
    } else if (choice == 2) {
      auto victim = expected.begin();
      std::advance(victim, static_cast<std::ptrdiff_t>(random() % expected.size()));
      ASSERT_TRUE(heap.cancel(victim->second));
      expected.erase(victim);
    } else {
      ASSERT_EQ(heap.next_deadline_ms(), expected.begin()->first);
      const std::size_t same = expected.count(expected.begin()->first);
      heap.pop()();
      ASSERT_EQ(ran, expected.begin()->first);
      // Which of several equal deadlines ran is not told: take the one that cannot be cancelled.
      if (same == 1) {
        expected.erase(expected.begin());
      } else {
        const auto [from, to] = expected.equal_range(ran);
        for (auto it = from; it != to; ++it) {
          if (heap.cancel(it->second)) {
            it->second = heap.add(ran, [&ran, at = ran] { ran = at; });
          } else {
            expected.erase(it);
            break;
          }
        }
      }
    }
    ASSERT_EQ(heap.size(), expected.size());
  }
}

}  // namespace
}  // namespace oncemq::net
