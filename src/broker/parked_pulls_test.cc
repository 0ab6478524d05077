#include "broker/parked_pulls.h"

#include <limits>
#include <utility>

#include <gtest/gtest.h>

#include "broker/fixture.h"
#include "os/thread.h"

namespace oncemq::broker {
namespace {

struct Waiter final : PullWaiter {
  Waiter(int waiter_number, std::vector<std::pair<int, WakeReason>>& seen)
      : number(waiter_number), log(seen) {}
  void wake(WakeReason reason) override { log.emplace_back(number, reason); }
  const int number;
  std::vector<std::pair<int, WakeReason>>& log;
};

class ParkedPullsTest : public ::testing::Test, protected Nouns {
 protected:
  ParkOutcome park(int number, std::int32_t queue_id, std::uint64_t channel = 1,
                   std::int64_t timeout_ms = 1'000, std::int64_t offset = 0,
                   std::string_view expression = "*") {
    std::unique_ptr<PullWaiter> waiter = std::make_unique<Waiter>(number, woken);
    ParkRequest request;
    request.queue = &store.queue("T", queue_id);
    request.offset = {offset};
    if (expression != "*")
      request.subscription =
          std::make_shared<const model::Subscription>(subscription("T", expression));
    request.timeout_ms = timeout_ms;
    request.channel = ChannelId{channel};
    return parked.park(request, waiter);
  }
  using Log = std::vector<std::pair<int, WakeReason>>;
  Log woken;
};

TEST_F(ParkedPullsTest, QueueIsWatchedWhileSomebodyWaits) {
  EXPECT_FALSE(store.fake("T", 0).watched());
  ASSERT_EQ(park(1, 0), ParkOutcome::kParked);
  ASSERT_EQ(park(2, 0, 2), ParkOutcome::kParked);
  EXPECT_TRUE(store.fake("T", 0).watched());
  EXPECT_FALSE(store.fake("T", 1).watched());
  parked.close(ChannelId{1});
  EXPECT_TRUE(store.fake("T", 0).watched());
  parked.close(ChannelId{2});
  EXPECT_FALSE(store.fake("T", 0).watched());
  EXPECT_EQ(woken, (Log{{1, WakeReason::kClosed}, {2, WakeReason::kClosed}}));
  EXPECT_EQ(parked.size(), 0U);
}

TEST_F(ParkedPullsTest, OnlyWhatAnExpressionMatchesWakes) {
  make_topic("T");
  std::unique_ptr<PullWaiter> waiter = std::make_unique<Waiter>(1, woken);
  ParkRequest request;
  request.queue = &store.queue("T", 0);
  request.subscription = *filters.subscription("T", "SQL92", "a > 1");
  request.timeout_ms = 1'000;
  request.channel = ChannelId{1};
  ASSERT_EQ(parked.park(request, waiter), ParkOutcome::kParked);
  send("T", "x", pairs("a=1"));
  send("T", "y", pairs("b=2"));
  EXPECT_TRUE(woken.empty());
  send("T", "z", pairs("a=2"));
  EXPECT_EQ(woken, (Log{{1, WakeReason::kArrived}}));
}

TEST_F(ParkedPullsTest, DeadlinesInOrder) {
  EXPECT_EQ(parked.expire(), std::numeric_limits<std::int64_t>::max());
  park(1, 0, 1, 300);
  park(2, 1, 1, 100);
  park(3, 2, 1, 200);
  EXPECT_EQ(parked.expire(), clock.monotonic_ms() + 100);
  clock.advance_ms(200);
  EXPECT_EQ(parked.expire(), clock.monotonic_ms() + 100);
  EXPECT_EQ(woken.size(), 2U);
  clock.advance_ms(100);
  parked.expire();
  EXPECT_EQ(woken.back(), (std::pair{1, WakeReason::kDeadline}));
}

TEST_F(ParkedPullsTest, BoundIsGivenBack) {
  options.parked_pulls_max = 2;
  ASSERT_EQ(park(1, 0), ParkOutcome::kParked);
  ASSERT_EQ(park(2, 1), ParkOutcome::kParked);
  EXPECT_EQ(park(3, 2), ParkOutcome::kFull);
  parked.close(ChannelId{1});
  EXPECT_EQ(park(4, 2), ParkOutcome::kParked);
}

TEST_F(ParkedPullsTest, FilteredPullLooksOnBehindWhatItRefused) {
  make_topic("T");
  for (int i = 0; i < 2'000; ++i) send("T", "x", pairs("TAGS=green"));
  // More entries than one read looks at, none of them wanted.
  ASSERT_EQ(park(1, 0, 1, 1'000, 0, "red"), ParkOutcome::kParked);
  send("T", "x", pairs("TAGS=green"));
  EXPECT_TRUE(woken.empty());
  send("T", "x", pairs("TAGS=red"));
  EXPECT_EQ(woken, (Log{{1, WakeReason::kArrived}}));
}

TEST_F(ParkedPullsTest, FilteredPullFindsWhatIsThereAlready) {
  make_topic("T");
  send("T", "x", pairs("TAGS=green"));
  send("T", "x", pairs("TAGS=red"));
  EXPECT_EQ(park(1, 0, 1, 1'000, 0, "red"), ParkOutcome::kArrived);
  EXPECT_EQ(parked.size(), 0U);
}

TEST_F(ParkedPullsTest, QueueThatLostItsBeginningWakesForTheClientToHear) {
  make_topic("T");
  send("T", "x", pairs("TAGS=green"));
  ASSERT_EQ(park(1, 0, 1, 1'000, 0, "red"), ParkOutcome::kParked);
  send("T", "x", pairs("TAGS=green"));
  send("T", "x", pairs("TAGS=green"));
  EXPECT_TRUE(woken.empty());
  store.fake("T", 0).cut(4);
  send("T", "x", pairs("TAGS=green"));
  send("T", "x", pairs("TAGS=green"));
  EXPECT_EQ(woken, (Log{{1, WakeReason::kArrived}}));
}

TEST_F(ParkedPullsTest, StopAnswersEverybodyAndTakesNoMore) {
  park(1, 0);
  park(2, 1);
  parked.stop();
  EXPECT_EQ(woken.size(), 2U);
  for (const auto& [number, reason] : woken) EXPECT_EQ(reason, WakeReason::kDeadline);
  EXPECT_EQ(park(3, 0), ParkOutcome::kFull);
}

TEST_F(ParkedPullsTest, ArrivalsOfUnwatchedQueuesAreHarmless) {
  store::ConsumeQueue* queue = &store.queue("T", 3);
  parked.arrived({&queue, 1});
  park(1, 0);
  parked.arrived({&queue, 1});
  parked.disturb(*queue);
  EXPECT_TRUE(woken.empty());
}

// The sanitizer lane sees a race here if there is one; the count shows a lost or doubled wake-up.
TEST_F(ParkedPullsTest, ParkAndWakeFromTwoThreads) {
  struct Counter final : PullWaiter {
    explicit Counter(std::atomic<int>& total) : count(total) {}
    void wake(WakeReason) override { ++count; }
    std::atomic<int>& count;
  };
  std::atomic<int> wakes{0};
  std::atomic<bool> done{false};
  store::ConsumeQueue* queue = &store.queue("T", 0);
  constexpr int kRounds = 2'000;
  int kept = 0;
  {
    os::Thread waker("waker", [&] {
      while (!done) {
        parked.disturb(*queue);
        parked.arrived({&queue, 1});
        parked.expire();
      }
    });
    for (int i = 0; i < kRounds; ++i) {
      std::unique_ptr<PullWaiter> waiter = std::make_unique<Counter>(wakes);
      const ParkRequest request{queue, {}, nullptr, 1'000, ChannelId{1}};
      if (parked.park(request, waiter) == ParkOutcome::kParked) ++kept;
    }
    done = true;
  }
  parked.stop();
  EXPECT_EQ(kept, kRounds);
  EXPECT_EQ(wakes, kRounds);
}

}  // namespace
}  // namespace oncemq::broker
