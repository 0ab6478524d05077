#include "broker/atomic_record.h"

#include <gtest/gtest.h>

namespace oncemq::broker {
namespace {

store::AppendItem message() {
  store::AppendItem item;
  item.message.topic = "OUT";
  item.message.queue_id = 3;
  item.message.flag = -7;
  item.message.sys_flag = 1;
  item.message.born_timestamp = 1'600'000'000'000;
  item.message.born_host = Address::parse("[2001:db8::1]:50000").value();
  item.message.reconsume_times = 2;
  item.message.tags_code = -1234567890123;
  item.message.delay_ms = 5'000;
  item.message.properties = "TAGS\x01x\x02";
  item.message.extra_properties =
      "CLUSTER\x01"
      "C\x02";
  item.message.body = as_bytes("body");
  return item;
}

TEST(AtomicRecord, SaysWhatWasWritten) {
  const std::vector<PopHandle> acks{
      {.group = "g", .topic = "T", .queue_id = 1, .offset = {41}, .token = 1'600'000'000'001}};
  const std::vector<OffsetMove> moves{
      {.group = "p", .topic = "U", .queue_id = 0, .from = -1, .to = 9}};
  const std::vector<store::AppendItem> messages{message()};
  const std::string body = write_atomic_record("id", acks, moves, messages);
  const auto read = read_atomic_record(as_bytes(body));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->id, "id");
  ASSERT_EQ(read->acks.size(), 1U);
  EXPECT_EQ(read->acks[0].group, "g");
  EXPECT_EQ(read->acks[0].offset.value, 41);
  EXPECT_EQ(read->acks[0].token, 1'600'000'000'001);
  EXPECT_EQ(read->moves, moves);
  ASSERT_EQ(read->messages.size(), 1U);
  const model::Message& got = read->messages[0];
  const model::Message& put = messages[0].message;
  EXPECT_EQ(got.topic, put.topic);
  EXPECT_EQ(got.queue_id, put.queue_id);
  EXPECT_EQ(got.flag, put.flag);
  EXPECT_EQ(got.sys_flag, put.sys_flag);
  EXPECT_EQ(got.born_timestamp, put.born_timestamp);
  EXPECT_EQ(got.born_host, put.born_host);
  EXPECT_EQ(got.reconsume_times, put.reconsume_times);
  EXPECT_EQ(got.tags_code, put.tags_code);
  EXPECT_EQ(got.delay_ms, put.delay_ms);
  EXPECT_EQ(got.properties, put.properties);
  EXPECT_EQ(got.extra_properties, put.extra_properties);
  EXPECT_EQ(as_text(got.body), as_text(put.body));
}

TEST(AtomicRecord, ACutOneIsRefused) {
  const std::vector<store::AppendItem> messages{message()};
  const std::string body = write_atomic_record("id", {}, {}, messages);
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_FALSE(read_atomic_record(as_bytes(body).first(size)).has_value()) << size;
  EXPECT_FALSE(read_atomic_record(as_bytes(body + "x")).has_value());
  EXPECT_FALSE(read_atomic_record(as_bytes("\x02" + body.substr(1))).has_value());
}

TEST(AtomicRecord, BrokenCountsAllocateNothing) {
  // One id, then "a great many" acks.
  EXPECT_FALSE(read_atomic_record(as_bytes(std::string("\x01\x01i\xff\xff\xff\x7f"))).has_value());
}

}  // namespace
}  // namespace oncemq::broker
