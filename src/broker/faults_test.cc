#include "broker/faults.h"

#include <gtest/gtest.h>

#include "base/log.h"

namespace oncemq::broker {
namespace {

using Kind = FaultKind;

class FaultsTest : public ::testing::Test {
 protected:
  FaultsTest() {
    log::set_sink([this](log::Level, std::string_view line) { lines.emplace_back(line); });
  }
  ~FaultsTest() override { log::set_sink({}); }

  std::uint64_t add(FaultOrder order) {
    const auto id = faults.add(std::move(order));
    EXPECT_TRUE(id.has_value()) << id.error().message;
    return id.value_or(0);
  }
  int strikes(int times, Kind kind = Kind::kLoseAck, std::string_view topic = "T",
              std::string_view group = "g") {
    int struck = 0;
    for (int i = 0; i < times; ++i) struck += faults.strikes(kind, topic, group) ? 1 : 0;
    return struck;
  }
  std::string refusal(FaultOrder order) {
    const auto id = faults.add(std::move(order));
    EXPECT_FALSE(id.has_value());
    return id ? std::string() : id.error().message;
  }

  os::ManualClock clock;
  os::SeededRandom random{7};
  Faults faults{clock, random};
  std::vector<std::string> lines;
};

TEST_F(FaultsTest, StrikesWhatItNames) {
  add({.kind = Kind::kLoseAck, .topic = "T", .group = "g"});
  EXPECT_EQ(strikes(1), 1);
  EXPECT_EQ(strikes(1, Kind::kLoseAck, "other"), 0);
  EXPECT_EQ(strikes(1, Kind::kLoseAck, "T", "other"), 0);
  EXPECT_EQ(strikes(1, Kind::kExpireHandle), 0);
  EXPECT_EQ(faults.total(Kind::kLoseAck), 1U);
  EXPECT_EQ(faults.total(Kind::kExpireHandle), 0U);
}

TEST_F(FaultsTest, WithoutAGroupItStrikesAll) {
  add({.kind = Kind::kLoseAck, .topic = "T"});
  EXPECT_EQ(strikes(1, Kind::kLoseAck, "T", "one"), 1);
  EXPECT_EQ(strikes(1, Kind::kLoseAck, "T", ""), 1);
}

TEST_F(FaultsTest, Probability) {
  const std::uint64_t never = add({.kind = Kind::kLoseAck, .topic = "T", .probability = 0});
  EXPECT_EQ(strikes(1000), 0);
  ASSERT_TRUE(faults.clear(never).has_value());
  const std::uint64_t half = add({.kind = Kind::kLoseAck, .topic = "T", .probability = 0.5});
  const int struck = strikes(1000);
  EXPECT_GT(struck, 400);
  EXPECT_LT(struck, 600);
  ASSERT_TRUE(faults.clear(half).has_value());
  add({.kind = Kind::kLoseAck, .topic = "T", .probability = 1});
  EXPECT_EQ(strikes(1000), 1000);
}

TEST_F(FaultsTest, EndsWhenItsCountIsReached) {
  add({.kind = Kind::kLoseAck, .topic = "T", .count = 3});
  EXPECT_EQ(strikes(10), 3);
  ASSERT_EQ(faults.list().size(), 1U);
  EXPECT_EQ(faults.list()[0].state, FaultState::kCounted);
  EXPECT_EQ(faults.list()[0].struck, 3U);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0],
            "broker: fault 1 added: lose-ack on topic T, probability 1, count 3, for 0 ms");
  EXPECT_EQ(lines[1], "broker: fault 1 ended, count reached: lose-ack on topic T struck 3 times");
}

TEST_F(FaultsTest, EndsWhenItsTimeIsOver) {
  add({.kind = Kind::kLoseAck, .topic = "T", .for_ms = 1000});
  EXPECT_EQ(faults.list()[0].left_ms, 1000);
  EXPECT_EQ(faults.tick(), clock.monotonic_ms() + 1000);
  clock.advance_ms(999);
  EXPECT_EQ(strikes(1), 1);
  clock.advance_ms(1);
  // Also before anybody has ticked.
  EXPECT_EQ(strikes(1), 0);
  EXPECT_EQ(faults.list()[0].state, FaultState::kTimedOut);
  faults.tick();
  EXPECT_EQ(lines.back(), "broker: fault 1 ended, time over: lose-ack on topic T struck 1 times");
  EXPECT_EQ(faults.tick(), clock.monotonic_ms() + 60'000);
}

TEST_F(FaultsTest, IsCleared) {
  const std::uint64_t one = add({.kind = Kind::kLoseAck, .topic = "T"});
  add({.kind = Kind::kPause, .topic = "T"});
  EXPECT_TRUE(faults.clear(one).has_value());
  EXPECT_EQ(faults.clear(one).error().code, Errc::kNotFound);
  EXPECT_EQ(faults.clear(77).error().code, Errc::kNotFound);
  EXPECT_EQ(strikes(1), 0);
  EXPECT_EQ(faults.clear_all(), 1U);
  EXPECT_EQ(faults.clear_all(), 0U);
  EXPECT_EQ(faults.list()[1].state, FaultState::kCleared);
}

TEST_F(FaultsTest, ThereIsABound) {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < Faults::kFaultsMax; ++i)
    last = add({.kind = Kind::kLoseAck, .topic = "T"});
  EXPECT_EQ(faults.add({.kind = Kind::kLoseAck, .topic = "T"}).error().code, Errc::kBusy);
  ASSERT_TRUE(faults.clear(last).has_value());
  // The one that ended makes room.
  EXPECT_EQ(add({.kind = Kind::kLoseAck, .topic = "T"}), last + 1);
  EXPECT_EQ(faults.list().size(), Faults::kFaultsMax);
}

TEST_F(FaultsTest, Refusals) {
  EXPECT_NE(refusal({.topic = "a b"}), "");
  EXPECT_NE(refusal({.topic = "T", .group = "a b"}), "");
  EXPECT_EQ(refusal({.topic = "T", .probability = 1.01}), "the probability is between 0 and 1");
  EXPECT_EQ(refusal({.topic = "T", .probability = -0.1}), "the probability is between 0 and 1");
  EXPECT_NE(refusal({.topic = "T", .count = -1}), "");
  EXPECT_NE(refusal({.topic = "T", .for_ms = -1}), "");
  EXPECT_EQ(refusal({.topic = "T", .for_ms = Faults::kForMaxMs + 1}),
            "a fault lasts 24 hours at most");
  EXPECT_EQ(refusal({.kind = Kind::kPause, .topic = "T", .for_ms = Faults::kPauseMaxMs + 1}),
            "a pause lasts 10 minutes at most");
  EXPECT_TRUE(faults.list().empty());
}

TEST_F(FaultsTest, NamesAreParsedAsTheyAreWritten) {
  for (std::size_t i = 0; i < kFaultKinds; ++i) {
    const auto kind = static_cast<FaultKind>(i);
    EXPECT_EQ(parse_fault(fault_name(kind)).value(), kind);
    EXPECT_FALSE(fault_sentence(kind).empty());
  }
  EXPECT_EQ(parse_fault("lose").error().message,
            "'lose' is no fault; there are lose-send-response, deliver-twice, lose-ack, "
            "expire-handle, pause");
}

TEST_F(FaultsTest, APageIsRepeatedOnce) {
  EXPECT_FALSE(faults.repeats("T", "g", 0, 0, 5));
  add({.kind = Kind::kDeliverTwice, .topic = "T"});
  EXPECT_TRUE(faults.repeats("T", "g", 0, 0, 5));
  EXPECT_FALSE(faults.repeats("T", "g", 0, 0, 5));
  EXPECT_FALSE(faults.repeats("T", "g", 0, 3, 9));
  EXPECT_TRUE(faults.repeats("T", "g", 0, 5, 9));
  EXPECT_TRUE(faults.repeats("T", "g", 1, 0, 5));
  EXPECT_TRUE(faults.repeats("T", "h", 0, 0, 5));
  EXPECT_EQ(faults.total(Kind::kDeliverTwice), 4U);
}

TEST_F(FaultsTest, PagesHaveABound) {
  add({.kind = Kind::kDeliverTwice, .topic = "T"});
  for (std::size_t i = 0; i < Faults::kPagesMax; ++i)
    ASSERT_TRUE(faults.repeats("T", "g", static_cast<std::int32_t>(i), 0, 1));
  EXPECT_FALSE(faults.repeats("T", "g", static_cast<std::int32_t>(Faults::kPagesMax), 0, 1));
  EXPECT_TRUE(faults.repeats("T", "g", 0, 1, 2));
}

TEST_F(FaultsTest, APauseHoldsUntilItsTimeIsOver) {
  const std::uint64_t id = add({.kind = Kind::kPause, .topic = "T", .count = 1});
  EXPECT_EQ(faults.list()[0].left_ms, Faults::kPauseDefaultMs);
  EXPECT_EQ(faults.pauses("other", "g"), std::nullopt);
  EXPECT_EQ(faults.pauses("T", "g"), id);
  EXPECT_EQ(faults.pauses("T", "g"), std::nullopt);  // the count is reached
  EXPECT_TRUE(faults.pausing(id));
  clock.advance_ms(Faults::kPauseDefaultMs);
  EXPECT_FALSE(faults.pausing(id));
  EXPECT_FALSE(faults.pausing(99));
}

}  // namespace
}  // namespace oncemq::broker
