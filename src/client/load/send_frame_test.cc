#include "client/load/send_frame.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/properties.h"
#include "wire/remoting/body/message_batch.h"
#include "wire/remoting/command.h"
#include "wire/remoting/schema/send.h"

namespace oncemq::client {
namespace {

struct Read {
  explicit Read(const SendFrame& frame, const SendMark& mark) : bytes(frame.size()) {
    frame.write(bytes, mark);
    const wire::Cut cut = wire::cut_frame(bytes);
    EXPECT_EQ(cut.state, wire::Cut::State::kComplete);
    EXPECT_EQ(cut.size, bytes.size());
    EXPECT_TRUE(command.decode(cut.frame));
  }
  std::vector<std::byte> bytes;
  wire::Command command;
};

class SendFrameTest : public testing::TestWithParam<wire::HeaderKind> {};

TEST_P(SendFrameTest, IsAnOrdinarySendWithEverythingPatched) {
  const SendShape shape{.topic = "T", .size = 100, .keys = 10, .wait = true, .header = GetParam()};
  const SendFrame frame(shape, 3);
  std::set<std::string> unique;
  for (std::int64_t i = 0; i < 25; ++i) {
    const auto opaque = static_cast<std::int32_t>(SendFrame::kFirstOpaque + i * 7);
    Read read(
        frame,
        {.opaque = opaque, .message = i, .born_ms = 1'700'000'000'000 + i, .stamp_ns = 1000 + i});
    EXPECT_EQ(read.command.code, wire::SendMessageV2::meta.code);
    EXPECT_EQ(read.command.opaque, opaque);
    const auto header = wire::decode_header<wire::SendMessageV2>(read.command);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->topic, "T");
    EXPECT_EQ(header->queue_id, 3);
    EXPECT_EQ(header->born_timestamp, 1'700'000'000'000 + i);
    EXPECT_EQ(model::find_property(header->properties, "KEYS"),
              "key-000000000" + std::to_string(i % 10));
    EXPECT_EQ(model::find_property(header->properties, "WAIT"), "true");
    unique.emplace(*model::find_property(header->properties, "UNIQ_KEY"));
    EXPECT_EQ(read.command.body.size(), 100U);
    EXPECT_EQ(read_stamp(read.command.body), 1000 + i);
  }
  EXPECT_EQ(unique.size(), 25U);
}

TEST_P(SendFrameTest, RunsDoNotShareUniqueKeys) {
  std::set<std::string> unique;
  for (const std::uint32_t run : {0U, 1U, 0xFFFFFFU}) {
    Read read(
        SendFrame({.topic = "T", .header = GetParam(), .run = run}, 0),
        {.opaque = SendFrame::kFirstOpaque, .message = 0x12345, .born_ms = 1'700'000'000'000});
    const auto header = wire::decode_header<wire::SendMessageV2>(read.command);
    ASSERT_TRUE(header);
    unique.emplace(*model::find_property(header->properties, "UNIQ_KEY"));
    EXPECT_EQ(read_number(header->properties), 0x12345);
  }
  EXPECT_EQ(unique.size(), 3U);
}

TEST_P(SendFrameTest, ABatchHasItsMarksInEachMessage) {
  const SendShape shape{.topic = "T", .size = 50, .batch = 4, .keys = 100, .header = GetParam()};
  Read read(SendFrame(shape, 0), {.opaque = SendFrame::kFirstOpaque,
                                  .message = 40,
                                  .born_ms = 1'700'000'000'000,
                                  .stamp_ns = 77});
  EXPECT_EQ(read.command.code, wire::SendBatchMessage::meta.code);
  const auto header = wire::decode_header<wire::SendBatchMessage>(read.command);
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->batch);
  EXPECT_TRUE(model::find_property(header->properties, "UNIQ_KEY"));
  wire::BatchReader batch(read.command.body);
  wire::BatchedMessage message;
  std::set<std::string> unique;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(*batch.next(message));
    EXPECT_EQ(model::find_property(message.properties, "KEYS"),
              "key-000000004" + std::to_string(i));
    unique.emplace(*model::find_property(message.properties, "UNIQ_KEY"));
    EXPECT_EQ(message.body.size(), 50U);
    EXPECT_EQ(read_stamp(message.body), 77);
  }
  EXPECT_FALSE(*batch.next(message));
  EXPECT_EQ(unique.size(), 4U);
}

TEST_P(SendFrameTest, SmallBodiesHaveNoStampAndNoWaitUnlessAsked) {
  Read read(SendFrame({.topic = "T", .size = 5, .header = GetParam()}, 0),
            {.opaque = SendFrame::kFirstOpaque});
  EXPECT_EQ(read.command.body.size(), 5U);
  EXPECT_FALSE(read_stamp(read.command.body));
  const auto header = wire::decode_header<wire::SendMessageV2>(read.command);
  EXPECT_FALSE(model::find_property(header->properties, "WAIT"));
  EXPECT_FALSE(model::find_property(header->properties, "KEYS"));
}

TEST_P(SendFrameTest, ATimerSaysWhenItIsDue) {
  const SendFrame frame({.topic = "T", .size = 40, .timer = true, .header = GetParam()}, 0);
  for (const std::int64_t due : {1'700'000'000'123, 1'799'999'999'999}) {
    Read read(frame, {.opaque = SendFrame::kFirstOpaque,
                      .message = 0x12345,
                      .born_ms = 1'700'000'000'000,
                      .stamp_ns = due * 1'000'000,
                      .deliver_ms = due});
    const auto header = wire::decode_header<wire::SendMessageV2>(read.command);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->born_timestamp, 1'700'000'000'000);
    EXPECT_EQ(model::find_property(header->properties, "TIMER_DELIVER_MS"), std::to_string(due));
    EXPECT_EQ(read_number(header->properties), 0x12345);
    EXPECT_EQ(read_stamp(read.command.body), due * 1'000'000);
  }
}

TEST(SendFrameNumber, IsThatOfItsOwnMessagesOnly) {
  EXPECT_FALSE(read_number(""));
  std::string properties;
  model::append_property(properties, "UNIQ_KEY", "7F00000100001234");
  EXPECT_FALSE(read_number(properties));
  properties.clear();
  model::append_property(properties, "UNIQ_KEY", "0CE30000BE2CB17E00000000000000G0");
  EXPECT_FALSE(read_number(properties));
  properties.clear();
  model::append_property(properties, "UNIQ_KEY", "0CE30000BE2CB17E00000000000000FF");
  EXPECT_EQ(read_number(properties), 255);
  properties.clear();
  model::append_property(properties, "UNIQ_KEY", "0CE30000BE2CB17E00000000000000FFF");
  EXPECT_FALSE(read_number(properties));
}

INSTANTIATE_TEST_SUITE_P(BothHeaders, SendFrameTest,
                         testing::Values(wire::HeaderKind::kJson, wire::HeaderKind::kBinary));

}  // namespace
}  // namespace oncemq::client
