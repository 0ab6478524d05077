// The store is stopped at every operation of its disk, in every way that a process or a machine can
// die, and judged by what its clients know. A failure names seed, operation and kind of crash; the
// run is the same each time.
#include <string>

#include <gtest/gtest.h>

#include "base/log.h"
#include "tests/crash/world.h"

namespace oncemq::crash {
namespace {

using os::Crash;
using os::DiskOperation;
using store::CommitPolicy;

constexpr int kTicks = 24;
constexpr Crash kKinds[] = {Crash::kProcess, Crash::kDropUnsynced, Crash::kKeepUnsynced,
                            Crash::kRandom, Crash::kRandom};

std::string name_of(Crash kind) {
  static constexpr const char* kNames[] = {"process", "drop", "keep", "random"};
  return kNames[static_cast<int>(kind)];
}

// Whether an acknowledgement under that policy survives that crash.
Promise promise_of(CommitPolicy policy, Crash kind) {
  return policy == CommitPolicy::kDurable || kind == Crash::kProcess ? Promise::kAll
                                                                     : Promise::kNone;
}

class CrashTest : public ::testing::TestWithParam<CommitPolicy> {
 protected:
  void SetUp() override { quiet(); }
  void TearDown() override { log::set_level(log::Level::kInfo); }

  // Judges the disk as it is now, after each kind of crash. False after the first violation.
  bool judge_now(const os::MemoryDisk& disk, const std::string& where) {
    for (const Crash kind : kKinds) {
      std::size_t found = 0;
      const auto broken = judge(disk.crash(kind, &chance_),
                                {.options = options_,
                                 .clock = clock_,
                                 .chance = chance_,
                                 .history = history_,
                                 .promise = promise_of(GetParam(), kind)},
                                &found);
      ++images_;
      if (found < history_.appended_count()) ++short_images_;
      if (broken.empty()) continue;
      ADD_FAILURE() << "seed " << seed_ << ", " << where << ", crash " << name_of(kind)
                    << joined(broken);
      return false;
    }
    return true;
  }

  void begin(std::uint64_t seed) {
    seed_ = seed;
    chance_.seed(seed);
    history_ = History();
    disk_ = std::make_unique<os::MemoryDisk>(&clock_);
  }

  std::unique_ptr<Running> open(os::MemoryDisk& disk) {
    auto running = start_store(disk, clock_, options_);
    EXPECT_TRUE(running.has_value()) << running.error().message;
    return running ? std::move(*running) : nullptr;
  }

  const store::StoreOptions options_ = small_store(GetParam());
  os::ManualClock clock_;
  std::uint64_t seed_ = 0;
  os::SeededRandom chance_{0};
  History history_;
  std::unique_ptr<os::MemoryDisk> disk_;
  std::size_t images_ = 0;
  std::size_t short_images_ = 0;
};

TEST_P(CrashTest, AtEveryOperationOfARun) {
  for (std::uint64_t seed = 1; seed <= 3 * effort() && !HasFailure(); ++seed) {
    begin(seed);
    bool fine = true;
    disk_->observe([&](const DiskOperation& operation) {
      if (fine) fine = judge_now(*disk_, operation.to_string());
    });
    auto running = open(*disk_);
    ASSERT_NE(running, nullptr);
    Clients clients(*running->store, history_, chance_, "m");
    for (int tick = 0; tick < kTicks && fine; ++tick) {
      clock_.advance_ms(static_cast<std::int64_t>(chance_.below(700)));
      clients.tick();
      if (chance_.below(8) == 0) running->store->housekeep();
    }
    clients.drain();
    EXPECT_TRUE(running->store->close().has_value());
    EXPECT_TRUE(running->fatal.empty());
    disk_->observe({});
    // After an orderly stop nothing may be missing, whatever dies now.
    running.reset();
    for (const Crash kind : kKinds) {
      const auto broken = judge(disk_->crash(kind, &chance_), {.options = options_,
                                                               .clock = clock_,
                                                               .chance = chance_,
                                                               .history = history_,
                                                               .promise = Promise::kAll});
      EXPECT_TRUE(broken.empty()) << "seed " << seed << ", closed" << joined(broken);
    }
  }
  RecordProperty("images", static_cast<int>(images_));
  EXPECT_GT(images_, 1000U);
  EXPECT_GT(short_images_, 0U) << "no crash ever cost a message: the crashes are too kind";
}

TEST_P(CrashTest, AtEveryOperationOfARecovery) {
  for (std::uint64_t seed = 100; seed < 100 + 8 * effort() && !HasFailure(); ++seed) {
    begin(seed);
    auto running = open(*disk_);
    ASSERT_NE(running, nullptr);
    Clients clients(*running->store, history_, chance_, "m");
    for (std::uint64_t ticks = 3 + chance_.below(20); ticks > 0; --ticks) clients.tick();
    const Crash first = GetParam() == CommitPolicy::kDurable
                            ? kKinds[chance_.below(std::size(kKinds))]
                            : Crash::kProcess;
    auto image = disk_->crash(first, &chance_);
    running.reset();
    bool fine = true;
    image->observe([&](const DiskOperation& operation) {
      if (fine)
        fine = judge_now(*image, "after " + name_of(first) + ", recovery " + operation.to_string());
    });
    running = open(*image);
    image->observe({});
    ASSERT_NE(running, nullptr);
    // A finished recovery has made everything durable that it shows.
    std::vector<std::string> trouble;
    history_.settle(look(*running->store, trouble));
    const auto broken = judge(image->crash(Crash::kDropUnsynced), {.options = options_,
                                                                   .clock = clock_,
                                                                   .chance = chance_,
                                                                   .history = history_,
                                                                   .promise = Promise::kAll});
    EXPECT_TRUE(broken.empty()) << "seed " << seed << ", recovered after " << name_of(first)
                                << joined(broken);
  }
  EXPECT_GT(images_, 500U);
}

std::string policy_name(const ::testing::TestParamInfo<CommitPolicy>& info) {
  return info.param == CommitPolicy::kDurable ? "Durable" : "Flushed";
}
INSTANTIATE_TEST_SUITE_P(Policies, CrashTest,
                         ::testing::Values(CommitPolicy::kDurable, CommitPolicy::kFlushed),
                         policy_name);

}  // namespace
}  // namespace oncemq::crash
