#include "outbox/relay.h"

#include <algorithm>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "client/sdk/failure.h"

namespace oncemq::outbox {
namespace {

using sdk::Errc;
using sdk::failure;
using std::chrono::milliseconds;

Row row(int id, const std::string& aggregate, const std::string& topic = "t") {
  return {.id = std::to_string(id),
          .topic = topic,
          .aggregate = aggregate,
          .body = "b",
          .body_bytes = 1};
}

// A database in memory, as the real one behaves (tests/outbox tests that one).
struct World {
  std::vector<Row> rows;
  std::map<std::string, Trouble> troubles;
  std::string holder;
  int opened = 0;
  int open_failures = 0;  // that are still to come
  int read_failures = 0;
  int settle_failures = 0;
  std::vector<std::size_t> settled;  // published rows of each round
  Errc open_error = Errc::kUnreachable;
};

class FakeSource final : public Source {
 public:
  explicit FakeSource(World& world) : world_(world) {}

  const std::string& name() const override { return name_; }
  sdk::Result<bool> lease(const std::string& holder, milliseconds) override {
    if (!world_.holder.empty() && world_.holder != holder) return false;
    world_.holder = holder;
    return true;
  }
  sdk::Status release(const std::string& holder) override {
    if (world_.holder == holder) world_.holder.clear();
    return {};
  }
  sdk::Result<std::vector<Row>> read(const Reading& reading) override {
    if (world_.read_failures > 0) {
      --world_.read_failures;
      return failure(Errc::kRefused, "the server went away");
    }
    std::vector<Row> found;
    for (const Row& row : world_.rows) {
      const auto trouble = world_.troubles.find(row.id);
      const bool held = std::ranges::any_of(world_.troubles, [&](const auto& one) {
        return one.second.topic == row.topic && one.second.aggregate == row.aggregate &&
               one.second.parked && !reading.pass;
      });
      const bool parked = trouble != world_.troubles.end() && trouble->second.parked;
      if (held || parked || found.size() == reading.rows_max ||
          std::ranges::find(reading.without, row.topic) != reading.without.end())
        continue;
      found.push_back(row);
      if (trouble != world_.troubles.end()) found.back().attempts = trouble->second.attempts;
    }
    return found;
  }
  sdk::Status settle(const Settlement& settlement) override {
    if (world_.settle_failures > 0) {
      --world_.settle_failures;
      return failure(Errc::kRefused, "the server went away");
    }
    world_.settled.push_back(settlement.published.size());
    for (const std::string& id : settlement.published)
      std::erase_if(world_.rows, [&](const Row& row) { return row.id == id; });
    for (const Trouble& trouble : settlement.troubles) world_.troubles[trouble.id] = trouble;
    return {};
  }

 private:
  World& world_;
  const std::string name_ = "A1";
};

// A broker that knows its keys, as an idempotent topic does.
class FakeOutlet final : public Outlet {
 public:
  sdk::Status prepare(const std::string& topic) override {
    if (unknown.contains(topic)) return failure(Errc::kTopicNotFound, "no topic");
    return {};
  }
  void forget(const std::string& topic) override { forgotten.insert(topic); }
  void send(const sdk::Message& message, const std::string& place, Callback callback) override {
    ++sends;
    places.push_back(place);
    const std::string key = message.properties.at(kRowProperty);
    if (const auto error = errors.find(key); error != errors.end()) {
      callback(tl::unexpected(error->second));
      return;
    }
    if (away.contains(message.topic)) {
      callback(failure(Errc::kUnreachable, "nobody is there"));
      return;
    }
    if (keys.insert(key).second) stored.push_back(key);
    if (lost_answers > 0) {
      --lost_answers;
      callback(failure(Errc::kTimeout, "no answer"));
    } else {
      callback(sdk::Receipt{});
    }
  }

  std::set<std::string> unknown;
  std::set<std::string> away;
  std::map<std::string, sdk::Error> errors;  // by key
  int lost_answers = 0;
  int sends = 0;
  std::vector<std::string> stored;  // keys, in their order
  std::vector<std::string> places;
  std::set<std::string> forgotten;

 private:
  std::set<std::string> keys;
};

// Time passes when the relay waits; it ends when that was often enough.
class FakeWaiter final : public Waiter {
 public:
  explicit FakeWaiter(os::ManualClock& clock) : clock_(clock) {}
  bool wait(milliseconds time) override {
    clock_.advance_ms(time.count());
    if (time.count() > 0) waits.push_back(time);
    if (on_wait) on_wait();
    return ended || waits.size() >= waits_max;
  }

  std::size_t waits_max = 100;
  bool ended = false;
  std::vector<milliseconds> waits;
  std::function<void()> on_wait;

 private:
  os::ManualClock& clock_;
};

class OutboxRelayTest : public testing::Test {
 protected:
  sdk::Status run() {
    Relay relay(
        [this]() -> sdk::Result<std::unique_ptr<Source>> {
          ++world.opened;
          if (world.open_failures > 0) {
            --world.open_failures;
            return failure(world.open_error, "no database");
          }
          return std::make_unique<FakeSource>(world);
        },
        outlet, waiter, clock, options);
    return relay.run();
  }
  std::vector<std::string> keys(std::initializer_list<int> ids) const {
    std::vector<std::string> all;
    for (const int id : ids) all.push_back("A1:" + std::to_string(id));
    return all;
  }
  static sdk::Error refusal() {
    return {.code = Errc::kRefused, .message = "no right", .response_code = 16};
  }

  os::ManualClock clock;
  World world;
  FakeOutlet outlet;
  FakeWaiter waiter{clock};
  RelayOptions options{.once = true, .holder = "me"};
};

TEST_F(OutboxRelayTest, EveryRowIsPublishedInTheOrderOfItsAggregate) {
  world.rows = {row(1, "a"), row(2, "b"), row(3, "a"), row(4, "a"), row(5, "b")};
  options.reading.rows_max = 2;
  ASSERT_TRUE(run());
  EXPECT_TRUE(world.rows.empty());
  EXPECT_EQ(outlet.stored, keys({1, 2, 3, 4, 5}));
  EXPECT_EQ(outlet.places, (std::vector<std::string>{"a", "b", "a", "a", "b"}));
  EXPECT_EQ(world.holder, "");
}

TEST_F(OutboxRelayTest, ARowWithoutAnAggregateHasAPlaceOfItsOwn) {
  world.rows = {row(1, ""), row(2, "")};
  ASSERT_TRUE(run());
  EXPECT_EQ(outlet.places, (std::vector<std::string>{"1", "2"}));
}

TEST_F(OutboxRelayTest, AnAnswerThatIsLostMakesNoSecondCopyAndIsNotOvertaken) {
  world.rows = {row(1, "a"), row(2, "a")};
  outlet.lost_answers = 1;
  options.once = false;
  waiter.waits_max = 5;
  ASSERT_TRUE(run());
  EXPECT_TRUE(world.rows.empty());
  EXPECT_EQ(outlet.stored, keys({1, 2}));
  EXPECT_EQ(outlet.sends, 3);
}

TEST_F(OutboxRelayTest, WhatCouldNotBeSettledIsPublishedAgainUnderItsKey) {
  world.rows = {row(1, "a"), row(2, "a")};
  world.settle_failures = 1;
  options.once = false;
  waiter.waits_max = 5;
  ASSERT_TRUE(run());
  EXPECT_TRUE(world.rows.empty());
  EXPECT_EQ(outlet.stored, keys({1, 2}));
  EXPECT_EQ(outlet.sends, 4);
  EXPECT_EQ(world.opened, 2);
}

TEST_F(OutboxRelayTest, ATopicThatIsAwayWaitsAloneAndLonger) {
  world.rows = {row(1, "a"), row(2, "b", "gone"), row(3, "b", "gone"), row(4, "b")};
  outlet.away = {"gone"};
  options.once = false;
  options.backoff_max = milliseconds(400);
  options.poll_interval = milliseconds(50);
  waiter.waits_max = 60;  // three seconds
  ASSERT_TRUE(run());
  EXPECT_EQ(outlet.stored, keys({1, 4}));
  EXPECT_EQ(world.rows.size(), 2U);
  EXPECT_TRUE(world.troubles.empty());  // never parked
  // At 0, 100, 300, 700 and each 400 ms: the polls in between do not ask.
  EXPECT_GE(outlet.sends, 2 + 7);
  EXPECT_LE(outlet.sends, 2 + 10);
  outlet.away.clear();
  waiter.waits.clear();
  ASSERT_TRUE(run());
  EXPECT_EQ(outlet.stored, keys({1, 4, 2, 3}));
}

TEST_F(OutboxRelayTest, OnceTellsThatRowsWereLeft) {
  world.rows = {row(1, "a", "gone"), row(2, "a")};
  outlet.away = {"gone"};
  const auto done = run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::kUnreachable);
  EXPECT_EQ(outlet.stored, keys({2}));
}

TEST_F(OutboxRelayTest, ARowThatTheBrokerRefusesIsParkedAfterItsAttempts) {
  world.rows = {row(1, "a"), row(2, "a"), row(3, "b")};
  outlet.errors.emplace("A1:1", refusal());
  options.attempts_max = 3;
  ASSERT_TRUE(run());
  EXPECT_EQ(outlet.stored, keys({3}));
  EXPECT_EQ(outlet.sends, 3 + 1);
  const Trouble& trouble = world.troubles.at("1");
  EXPECT_TRUE(trouble.parked);
  EXPECT_EQ(trouble.attempts, 3);
  EXPECT_EQ(trouble.reason, "no right");
  EXPECT_EQ(trouble.aggregate, "a");
  EXPECT_TRUE(outlet.forgotten.contains("t"));
}

TEST_F(OutboxRelayTest, TheRowsBehindAParkedOneGoOnWhenTheyMay) {
  world.rows = {row(1, "a"), row(2, "a")};
  world.rows[0].body_bytes = 5 << 20;  // can never be sent
  options.reading.pass = true;
  ASSERT_TRUE(run());
  EXPECT_EQ(outlet.stored, keys({2}));
  EXPECT_TRUE(world.troubles.at("1").parked);
  EXPECT_EQ(world.troubles.at("1").attempts, 1);
}

TEST_F(OutboxRelayTest, WhatCanNeverBeSentHoldsUpItsAggregateAlone) {
  world.rows = {row(1, "a"), row(2, "a"), row(3, "b")};
  world.rows[0].properties = "no json";
  ASSERT_TRUE(run());
  EXPECT_EQ(outlet.stored, keys({3}));
  EXPECT_TRUE(world.troubles.at("1").parked);
}

TEST_F(OutboxRelayTest, ATopicThatNobodyMakesIsTheRowsTrouble) {
  world.rows = {row(1, "", "nowhere"), row(2, "")};
  outlet.unknown = {"nowhere"};
  options.attempts_max = 2;
  ASSERT_TRUE(run());
  EXPECT_EQ(outlet.stored, keys({2}));
  EXPECT_TRUE(world.troubles.at("1").parked);
}

TEST_F(OutboxRelayTest, AnotherRelayIsWaitedFor) {
  world.rows = {row(1, "a")};
  world.holder = "somebody";
  const auto refused = run();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kBusy);
  EXPECT_TRUE(outlet.stored.empty());
  EXPECT_EQ(world.holder, "somebody");
  options.once = false;
  waiter.waits_max = 10;
  waiter.on_wait = [&] {
    if (waiter.waits.size() == 3) world.holder.clear();
  };
  ASSERT_TRUE(run());
  EXPECT_EQ(outlet.stored, keys({1}));
}

TEST_F(OutboxRelayTest, NoSendBeginsWhenMostOfTheLeaseIsOver) {
  world.rows = {row(1, "a"), row(2, "a")};
  options.once = false;
  options.lease = milliseconds(9'000);
  waiter.on_wait = [&] { clock.advance_ms(3'500); };  // each look at the time costs that much
  waiter.waits_max = 1;
  ASSERT_TRUE(run());
  // 3.5 s in the lease: the first one is sent; 7 s: no more, another lease.
  EXPECT_EQ(outlet.stored, keys({1, 2}));
  EXPECT_EQ(world.settled, (std::vector<std::size_t>{1, 1}));
}

TEST_F(OutboxRelayTest, ADatabaseThatIsAwayIsTriedAgain) {
  world.rows = {row(1, "a")};
  options.once = false;
  world.open_failures = 3;
  world.read_failures = 2;
  waiter.waits_max = 10;
  ASSERT_TRUE(run());
  EXPECT_EQ(outlet.stored, keys({1}));
  ASSERT_GE(waiter.waits.size(), 5U);
  EXPECT_EQ(waiter.waits[0], milliseconds(100));
  EXPECT_EQ(waiter.waits[1], milliseconds(200));
  EXPECT_EQ(waiter.waits[2], milliseconds(400));
}

TEST_F(OutboxRelayTest, ATableThatIsMissingEndsIt) {
  options.once = false;
  world.open_failures = 1;
  world.open_error = Errc::kRefused;
  const auto done = run();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::kRefused);
}

TEST_F(OutboxRelayTest, OnceDoesNotWaitForADatabase) {
  world.open_failures = 1;
  const auto done = run();
  ASSERT_FALSE(done);
  EXPECT_EQ(world.opened, 1);
}

TEST_F(OutboxRelayTest, ItEndsWhenItIsTold) {
  world.rows = {row(1, "a"), row(2, "a"), row(3, "a")};
  options.once = false;
  waiter.on_wait = [&] { waiter.ended = outlet.sends >= 1; };
  ASSERT_TRUE(run());
  EXPECT_EQ(outlet.stored, keys({1}));
  EXPECT_EQ(world.rows.size(), 2U);  // the first is settled
  EXPECT_EQ(world.holder, "");
}

}  // namespace
}  // namespace oncemq::outbox
