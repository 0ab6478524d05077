#include "broker/queue_locks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/fixture.h"

namespace oncemq::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class QueueLocksTest : public ::testing::Test, protected Nouns {
 protected:
  const std::vector<QueueName> both{{"T", 0}, {"T", 1}};
  const std::vector<QueueName> first{{"T", 0}};
};

TEST_F(QueueLocksTest, OneOwnerPerGroup) {
  EXPECT_THAT(locks.lock("g", "c1", first), ElementsAre(QueueName{"T", 0}));
  EXPECT_THAT(locks.lock("g", "c2", both), ElementsAre(QueueName{"T", 1}));
  EXPECT_THAT(locks.lock("g", "c1", both), ElementsAre(QueueName{"T", 0}));
  EXPECT_EQ(locks.lock("h", "c2", both).size(), 2U);
}

TEST_F(QueueLocksTest, LivesAMinuteAfterTheLastRequest) {
  locks.lock("g", "c1", first);
  clock.advance_ms(59'999);
  EXPECT_THAT(locks.lock("g", "c2", first), IsEmpty());
  locks.lock("g", "c1", first);
  clock.advance_ms(59'999);
  EXPECT_THAT(locks.lock("g", "c2", first), IsEmpty());
  EXPECT_TRUE(locks.any_held("g"));
  clock.advance_ms(1);
  EXPECT_FALSE(locks.any_held("g"));
  EXPECT_EQ(locks.lock("g", "c2", first).size(), 1U);
}

TEST_F(QueueLocksTest, OnlyTheOwnerUnlocks) {
  locks.lock("g", "c1", both);
  locks.unlock("g", "c2", both);
  locks.unlock("h", "c1", both);
  EXPECT_THAT(locks.lock("g", "c2", both), IsEmpty());
  locks.unlock("g", "c1", first);
  EXPECT_EQ(locks.lock("g", "c2", both).size(), 1U);
}

TEST_F(QueueLocksTest, ExpiredLocksAreForgotten) {
  locks.lock("g", "c1", first);
  clock.advance_ms(30'000);
  locks.lock("g", "c1", std::vector<QueueName>{{"T", 1}});
  clock.advance_ms(30'000);
  locks.expire();
  EXPECT_TRUE(locks.any_held("g"));
  EXPECT_EQ(locks.lock("g", "c2", both), first);
  locks.remove_group("g");
  EXPECT_FALSE(locks.any_held("g"));
  EXPECT_THAT(locks.lock("g", "c1", {}), IsEmpty());
  EXPECT_FALSE(locks.any_held("unknown"));
}

}  // namespace
}  // namespace oncemq::broker
