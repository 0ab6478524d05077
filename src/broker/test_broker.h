#pragma once

#include <gtest/gtest.h>

#include "broker/broker.h"
#include "broker/fake_store.h"
#include "broker/fixture.h"
#include "os/clock.h"
#include "os/memory_disk.h"
#include "os/random.h"

namespace oncemq::broker {

// A whole broker on a fake store, a disk in memory and a manual clock, for the tests of what stands
// above it. Thread rule: confined to the test.
struct TestBroker {
  os::ManualClock clock;
  os::MemoryDisk disk{&clock};
  os::SeededRandom random{7};
  Options options;
  Switches switches;
  FakeStore store;
  Broker broker{options, switches, store, disk, clock, random};

  explicit TestBroker(store::CommitPolicy policy = store::CommitPolicy::kFlushed,
                      bool allow_faults = false)
      : options(made(allow_faults)), store(clock, policy) {}
  static Options made(bool allow_faults) {
    Options wanted = test_options();
    wanted.config_dir = "config";
    wanted.allow_faults = allow_faults;
    return wanted;
  }
  void start(std::function<void(store::CommittedOffset)> committed) {
    const Status loaded = broker.load();
    EXPECT_TRUE(loaded.has_value()) << loaded.error().message;
    const Status started = broker.start(std::move(committed));
    EXPECT_TRUE(started.has_value()) << started.error().message;
  }
};

}  // namespace oncemq::broker
