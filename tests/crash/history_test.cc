// The checker itself: it passes what is right, and each kind of wrong makes it speak.
#include "tests/crash/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq::crash {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    for (int n = 0; n < 4; ++n) {
      const std::string id = "m" + std::to_string(n);
      history_.sending(id, {.topic = "T", .queue_id = 0, .body_size = 40});
      history_.appended(id, {.log_offset = n * 100, .queue_offset = n});
      queue_.messages.push_back(
          {.body = body_of(id, 40), .place = {.log_offset = n * 100, .queue_offset = n}});
    }
    history_.acknowledged("m0");
    history_.acknowledged("m1");
    history_.seen("m2");
    queue_.topic = "T";
    queue_.max = 4;
  }
  std::vector<std::string> judge(Promise promise = Promise::kAll) {
    return history_.violations({queue_}, promise);
  }
  void keep(std::size_t count) {
    queue_.messages.resize(count);
    queue_.max = static_cast<std::int64_t>(count);
  }

  History history_;
  FoundQueue queue_;
};

TEST_F(HistoryTest, EverythingThereIsRight) {
  EXPECT_THAT(judge(), IsEmpty());
}

TEST_F(HistoryTest, AnUnconfirmedTailMayBeMissing) {
  keep(3);
  EXPECT_THAT(judge(), IsEmpty());
}

TEST_F(HistoryTest, AcknowledgedAndSeenMayNot) {
  keep(2);
  EXPECT_THAT(judge(), ElementsAre(StartsWith("promise: m2 was seen")));
  EXPECT_THAT(judge(Promise::kNone), IsEmpty());
  keep(1);
  EXPECT_THAT(judge(), Contains(StartsWith("promise: m1 was acknowledged")));
}

TEST_F(HistoryTest, HolesAreFound) {
  queue_.messages.erase(queue_.messages.begin() + 1);
  EXPECT_THAT(judge(Promise::kNone), Contains(StartsWith("dense:")));
  EXPECT_THAT(judge(Promise::kNone), Contains(StartsWith("prefix:")));
}

TEST_F(HistoryTest, AQueueThatEndsBeforeItsMaximumIsFound) {
  queue_.max = 5;
  EXPECT_THAT(judge(), ElementsAre(StartsWith("dense:")));
}

TEST_F(HistoryTest, DisorderIsFound) {
  std::swap(queue_.messages[0].place.log_offset, queue_.messages[1].place.log_offset);
  EXPECT_THAT(judge(), Contains(StartsWith("dense:")));
}

TEST_F(HistoryTest, ForeignAndDamagedBytesAreFound) {
  queue_.messages[3].body = body_of("stranger", 40);
  EXPECT_THAT(judge(), ElementsAre(StartsWith("bytes:")));
  queue_.messages[3].body = body_of("m3", 41);
  EXPECT_THAT(judge(), ElementsAre(StartsWith("bytes:")));
  queue_.messages[3].body = body_of("m3", 40);
  queue_.messages[3].body[20] ^= 1;
  EXPECT_THAT(judge(), ElementsAre(StartsWith("bytes:")));
}

TEST_F(HistoryTest, AMessageInTheWrongQueueIsFound) {
  queue_.queue_id = 1;
  EXPECT_THAT(judge(Promise::kNone), Contains(StartsWith("bytes:")));
}

TEST_F(HistoryTest, TwiceIsFound) {
  queue_.messages.push_back(
      {.body = body_of("m1", 40), .place = {.log_offset = 400, .queue_offset = 4}});
  queue_.max = 5;
  EXPECT_THAT(judge(), Contains(StartsWith("once: m1")));
}

TEST_F(HistoryTest, AMovedMessageIsFound) {
  queue_.messages[3].place.log_offset = 350;
  EXPECT_THAT(judge(), ElementsAre(StartsWith("place: m3")));
}

TEST_F(HistoryTest, RefusedMessagesStayAway) {
  history_.refused("m3");
  EXPECT_THAT(judge(), ElementsAre(StartsWith("gone: m3")));
}

TEST_F(HistoryTest, WhatALookDidNotFindStaysAway) {
  FoundQueue all = queue_;
  keep(3);
  history_.settle({queue_});
  EXPECT_THAT(judge(), IsEmpty());
  EXPECT_THAT(history_.violations({all}, Promise::kAll), Contains(StartsWith("gone: m3")));
  keep(2);
  EXPECT_THAT(judge(), Contains(StartsWith("promise: m2 was acknowledged")))
      << "what a look has found is promised";
}

}  // namespace
}  // namespace oncemq::crash
