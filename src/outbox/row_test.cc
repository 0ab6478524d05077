#include "outbox/row.h"

#include <gtest/gtest.h>

namespace oncemq::outbox {
namespace {

constexpr std::int64_t kBodyMax = 100;

Row row() {
  return {.id = "7", .topic = "paid", .aggregate = "o1", .body = "bytes", .body_bytes = 5};
}

sdk::Result<sdk::Message> sent(const Row& row) {
  return to_message(row, "A1", kBodyMax);
}

TEST(OutboxRowTest, ARowIsAMessageWithItsIdAsAProperty) {
  const auto plain = sent(row());
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->topic, "paid");
  EXPECT_EQ(plain->body, "bytes");
  EXPECT_TRUE(plain->keys.empty());
  EXPECT_EQ(plain->properties, (std::map<std::string, std::string>{{"OUTBOX_ID", "A1:7"}}));

  Row full = row();
  full.tag = "new";
  full.keys = " a  b ";
  full.properties = R"({"who": "me", "count": 3, "good": true, "part": 1.5})";
  const auto message = sent(full);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->tag, "new");
  EXPECT_EQ(message->keys, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(message->properties, (std::map<std::string, std::string>{{"OUTBOX_ID", "A1:7"},
                                                                     {"who", "me"},
                                                                     {"count", "3"},
                                                                     {"good", "true"},
                                                                     {"part", "1.5"}}));
}

TEST(OutboxRowTest, WhatCanNeverBeSentSaysWhy) {
  const auto refused = [](auto change, const char* words) {
    Row bad = row();
    change(bad);
    const auto message = sent(bad);
    ASSERT_FALSE(message) << words;
    EXPECT_EQ(message.error().code, sdk::Errc::kMessageIllegal);
    EXPECT_NE(message.error().message.find(words), std::string::npos) << message.error().message;
  };
  refused([](Row& bad) { bad.topic = "a b"; }, "a b");
  refused([](Row& bad) { bad.topic.clear(); }, "topic");
  refused([](Row& bad) { bad.topic = "SCHEDULE_TOPIC_XXXX"; }, "nobody may send");
  refused([](Row& bad) { bad.body_bytes = kBodyMax + 1; }, "101 bytes, at most 100");
  refused([](Row& bad) { bad.rest_bytes = 1 << 20; }, "1048576 bytes");
  refused([](Row& bad) { bad.properties = "{"; }, "no JSON");
  refused([](Row& bad) { bad.properties = "[1]"; }, "no object");
  refused([](Row& bad) { bad.properties = R"({"a": {"b": 1}})"; }, "'a' is no text");
  refused([](Row& bad) { bad.properties = R"({"a": null})"; }, "'a' is no text");
  refused([](Row& bad) { bad.properties = R"({"OUTBOX_ID": "x"})"; }, "the relay's");
  refused([](Row& bad) { bad.properties = "{\"a\": \"\xff\"}"; }, "no UTF-8");
}

}  // namespace
}  // namespace oncemq::outbox
