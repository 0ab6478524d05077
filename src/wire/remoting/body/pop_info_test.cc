#include "wire/remoting/body/pop_info.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq::wire {
namespace {

using ::testing::ElementsAre;

TEST(ReceiptHandle, ReadsWhatClientsMake) {
  const std::string text = "12 1700000000000 60000 0 1 broker-a 3 15";
  const auto handle = parse_receipt_handle(text);
  ASSERT_TRUE(handle.has_value());
  EXPECT_EQ(handle->start_offset, 12);
  EXPECT_EQ(handle->pop_time, 1'700'000'000'000);
  EXPECT_EQ(handle->source, 1);
  EXPECT_EQ(handle->broker, "broker-a");
  EXPECT_EQ(handle->queue_id, 3);
  EXPECT_EQ(handle->offset, 15);
  EXPECT_EQ(format_receipt_handle(*handle), text);
}

TEST(ReceiptHandle, RefusesEverythingElse) {
  for (std::string_view text :
       {"", "1 2 3 4 0 b 1", "1 2 3 4 0 b 1 2 3", "x 2 3 4 0 b 1 2", "1 2 3 4 3 b 1 2",
        "1 2 3 4 0 b 1 2x", "1 2 3 4 0 b  2", "99999999999999999999 2 3 4 0 b 1 2"})
    EXPECT_EQ(parse_receipt_handle(text).error().code, Errc::kInvalidArgument) << text;
}

TEST(PopInfo, ListsByQueue) {
  PopInfoWriter writer;
  writer.begin_queue(0, 3, 12);
  writer.message(12);
  writer.message(15);
  writer.begin_queue(1, 0, 7);
  writer.message(7);
  writer.order_count(0, 3, 12, 2);
  EXPECT_EQ(writer.start_offsets(), "0 3 12;1 0 7");
  EXPECT_EQ(writer.message_offsets(), "0 3 12,15;1 0 7");
  EXPECT_EQ(writer.order_counts(), "0 qo3%12 2");
}

TEST(PopInfo, StartsAreReadAsTheyAreWritten) {
  PopInfoWriter writer;
  writer.begin_queue(0, 3, 12);
  writer.begin_queue(1, 0, 7);
  const auto starts = parse_pop_starts(writer.start_offsets());
  ASSERT_TRUE(starts.has_value());
  EXPECT_EQ(*starts, (PopStarts{{{0, 3}, 12}, {{1, 0}, 7}}));
  EXPECT_TRUE(parse_pop_starts("")->empty());
  for (std::string_view text : {"0 3", "0 3 12 1", "0 3 x", "a 3 12", "0 3 12;;0 4 1", "0  12"})
    EXPECT_EQ(parse_pop_starts(text).error().code, Errc::kBadBytes) << text;
}

TEST(BatchAck, BitsAreOffsets) {
  const auto entries = decode_batch_ack(as_bytes(
      R"({"brokerName":"b","acks":[{"c":"g","t":"T","r":"0","so":100,"q":2,"rq":0,"pt":77,"it":1,"b":"AQI="},)"
      R"({"consumerGroup":"h","topic":"U","retry":"1","startOffset":5,"queueId":0,"popTime":8,"bitSet":"gA=="}]})"));
  ASSERT_TRUE(entries.has_value());
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ((*entries)[0].group, "g");
  EXPECT_EQ((*entries)[0].pop_time, 77);
  EXPECT_THAT((*entries)[0].offsets, ElementsAre(100, 109));
  EXPECT_EQ((*entries)[1].source, 1);
  EXPECT_EQ((*entries)[1].topic, "U");
  EXPECT_THAT((*entries)[1].offsets, ElementsAre(12));
}

TEST(BatchAck, Refusals) {
  const auto code = [](std::string_view body) {
    return decode_batch_ack(as_bytes(body)).error().code;
  };
  EXPECT_EQ(code("{"), Errc::kBadBytes);
  EXPECT_EQ(code("{}"), Errc::kBadBytes);
  EXPECT_EQ(code(R"({"acks":[{"r":"0","so":0,"b":"A"}]})"), Errc::kBadBytes);
  EXPECT_EQ(code(R"({"acks":[{"r":"0","so":0,"b":"A*=="}]})"), Errc::kBadBytes);
  EXPECT_EQ(code(R"({"acks":[{"r":"3","so":0,"b":"AQ=="}]})"), Errc::kBadBytes);
  EXPECT_EQ(code(R"({"acks":[{"r":"0","so":-1,"b":"AQ=="}]})"), Errc::kBadBytes);
  EXPECT_EQ(code(R"({"acks":[{"r":"0","so":9223372036854775807,"b":"Ag=="}]})"), Errc::kBadBytes);
  const std::string many(4'000, '/');
  EXPECT_EQ(code(R"({"acks":[{"r":"0","so":0,"b":")" + many + R"("}]})"), Errc::kInvalidArgument);
  const std::string wide(kBatchAckSpan, 'A');
  EXPECT_EQ(code(R"({"acks":[{"r":"0","so":0,"b":")" + wide + R"("}]})"), Errc::kInvalidArgument);
}

}  // namespace
}  // namespace oncemq::wire
