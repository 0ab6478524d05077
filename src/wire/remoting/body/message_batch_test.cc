#include "wire/remoting/body/message_batch.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace oncemq::wire {
namespace {

std::string one(std::string_view body, std::string_view properties, std::int32_t flag = 0) {
  std::string batch;
  append_to_batch(batch, {.flag = flag, .body = as_bytes(body), .properties = properties});
  return batch;
}

void set_be(std::string& bytes, std::size_t at, std::int32_t number) {
  store_be(reinterpret_cast<std::byte*>(bytes.data()) + at, number);
}

bool refused(const std::string& batch) {
  const std::vector<char> exact(batch.begin(), batch.end());
  const Result<std::size_t> count = count_batch(as_bytes({exact.data(), exact.size()}));
  return !count.has_value() && count.error().code == Errc::kBadBytes;
}

TEST(MessageBatch, WhatIsWrittenIsRead) {
  const std::string batch = one("first", "KEYS\x01k\x02", 7) + one("", "") + one("third", "");
  BatchReader reader(as_bytes(batch));
  BatchedMessage message;
  ASSERT_TRUE(reader.next(message).value());
  EXPECT_EQ(message.flag, 7);
  EXPECT_EQ(as_text(message.body), "first");
  EXPECT_EQ(message.properties, "KEYS\x01k\x02");
  ASSERT_TRUE(reader.next(message).value());
  EXPECT_TRUE(message.body.empty());
  EXPECT_EQ(message.flag, 0);
  ASSERT_TRUE(reader.next(message).value());
  EXPECT_EQ(as_text(message.body), "third");
  EXPECT_FALSE(reader.next(message).value());
  EXPECT_EQ(count_batch(as_bytes(batch)).value(), 3U);
}

TEST(MessageBatch, MagicAndChecksumAreNotRead) {
  std::string batch = one("b", "");
  set_be(batch, 4, -1);
  set_be(batch, 8, 12345);
  EXPECT_EQ(count_batch(as_bytes(batch)).value(), 1U);
}

TEST(MessageBatch, EveryPrefixIsRefused) {
  const std::string batch = one("body", "p\x01v\x02");
  for (std::size_t length = 0; length < batch.size(); ++length)
    EXPECT_TRUE(refused(batch.substr(0, length))) << length;
}

TEST(MessageBatch, SizesThatDoNotAddUpAreRefused) {
  const std::string good = one("body", "props");
  for (const std::int32_t total : {0, -1, 21, 30, 32, 1 << 30}) {
    std::string bad = good;
    set_be(bad, 0, total);
    EXPECT_TRUE(refused(bad)) << total;
  }
  for (const std::int32_t body : {-1, 3, 5, 1 << 30}) {
    std::string bad = good;
    set_be(bad, 16, body);
    EXPECT_TRUE(refused(bad)) << body;
  }
  std::string negative_properties = good;
  negative_properties[24] = '\xff';
  EXPECT_TRUE(refused(negative_properties));
  EXPECT_TRUE(refused(good + "x"));
  EXPECT_TRUE(refused(good + std::string(8, '\0')));
}

TEST(MessageBatchDeath, PropertiesTooLongForTheirFieldAreOurMistake) {
  const std::string properties(32768, 'p');
  std::string batch;
  EXPECT_DEATH(append_to_batch(batch, {.body = {}, .properties = properties}),
               "properties too long");
}

}  // namespace
}  // namespace oncemq::wire
