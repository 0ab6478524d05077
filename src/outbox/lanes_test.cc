#include "outbox/lanes.h"

#include <string>

#include <gtest/gtest.h>

namespace oncemq::outbox {
namespace {

// "a1" is a row of aggregate "a" in topic "t"; "-1" one without an aggregate, "A1" of topic "T".
std::vector<Row> rows(std::initializer_list<const char*> names) {
  std::vector<Row> all;
  for (const std::string name : names) {
    Row row{.id = name, .topic = name[0] < 'a' && name[0] != '-' ? "T" : "t"};
    if (name[0] != '-') row.aggregate = static_cast<char>(name[0] | 0x20);
    all.push_back(row);
  }
  return all;
}

class OutboxLanesTest : public testing::Test {
 protected:
  std::string next(Lanes& lanes, const std::vector<Row>& rows) {
    const auto place = lanes.next();
    return place ? rows[*place].id : "";
  }
};

TEST_F(OutboxLanesTest, TheNextOfALaneComesAfterTheFormer) {
  const auto all = rows({"a1", "a2", "b1", "a3"});
  Lanes lanes(all, 10);
  EXPECT_EQ(next(lanes, all), "a1");
  EXPECT_EQ(next(lanes, all), "b1");
  EXPECT_EQ(next(lanes, all), "");
  lanes.go_on(2);
  EXPECT_EQ(next(lanes, all), "");
  lanes.go_on(0);
  EXPECT_EQ(next(lanes, all), "a2");
  EXPECT_EQ(next(lanes, all), "");
  lanes.go_on(1);
  EXPECT_EQ(next(lanes, all), "a3");
  EXPECT_EQ(lanes.out(), 1U);
  lanes.go_on(3);
  EXPECT_EQ(next(lanes, all), "");
  EXPECT_EQ(lanes.out(), 0U);
}

TEST_F(OutboxLanesTest, WithoutAnAggregateNothingIsInOrder) {
  const auto all = rows({"-1", "-2", "-3"});
  Lanes lanes(all, 10);
  EXPECT_EQ(next(lanes, all), "-1");
  EXPECT_EQ(next(lanes, all), "-2");
  EXPECT_EQ(next(lanes, all), "-3");
}

TEST_F(OutboxLanesTest, AnAggregateOfAnotherTopicIsAnotherOne) {
  const auto all = rows({"a1", "A2", "a3"});
  Lanes lanes(all, 10);
  EXPECT_EQ(next(lanes, all), "a1");
  EXPECT_EQ(next(lanes, all), "A2");
  EXPECT_EQ(next(lanes, all), "");
}

TEST_F(OutboxLanesTest, WhatFailsEndsItsLaneAlone) {
  const auto all = rows({"a1", "a2", "b1", "b2"});
  Lanes lanes(all, 10);
  EXPECT_EQ(next(lanes, all), "a1");
  EXPECT_EQ(next(lanes, all), "b1");
  lanes.end(0);
  lanes.go_on(2);
  EXPECT_EQ(next(lanes, all), "b2");
  EXPECT_EQ(next(lanes, all), "");
}

TEST_F(OutboxLanesTest, OnlySoManyAreOut) {
  const auto all = rows({"a1", "a2", "b1", "c1"});
  Lanes lanes(all, 2);
  EXPECT_EQ(next(lanes, all), "a1");
  EXPECT_EQ(next(lanes, all), "b1");
  EXPECT_EQ(next(lanes, all), "");
  lanes.go_on(0);
  EXPECT_EQ(next(lanes, all), "c1");  // before a lane has its second turn
  EXPECT_EQ(next(lanes, all), "");
  lanes.go_on(3);
  EXPECT_EQ(next(lanes, all), "a2");
}

}  // namespace
}  // namespace oncemq::outbox
