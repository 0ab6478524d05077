#include "model/message_id.h"

#include <gtest/gtest.h>

namespace oncemq::model {
namespace {

TEST(MessageId, KnownForms) {
  EXPECT_EQ(offset_message_id(*Address::parse("127.0.0.1:10911"), LogOffset{0x1234}),
            "7F00000100002A9F0000000000001234");
  EXPECT_EQ(offset_message_id(*Address::parse("[::1]:10911"), LogOffset{1}),
            "0000000000000000000000000000000100002A9F0000000000000001");
}

TEST(MessageId, ParsesWhatItWrote) {
  for (const char* host : {"10.9.8.7:10911", "[2001:db8::1]:65535"}) {
    const auto address = *Address::parse(host);
    const auto parsed = parse_offset_message_id(offset_message_id(address, {1LL << 40}));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->store_host, address);
    EXPECT_EQ(parsed->offset, LogOffset{1LL << 40});
  }
  EXPECT_TRUE(parse_offset_message_id("7f00000100002a9f0000000000001234").has_value());
}

TEST(MessageId, RefusesOtherLengthsAndDigits) {
  for (const char* id : {"", "7F00000100002A9F000000000000123", "7F00000100002A9F00000000000012345",
                         "7F00000100002A9F000000000000123G", "7F00000100012A9F0000000000001234"}) {
    const auto parsed = parse_offset_message_id(id);
    ASSERT_FALSE(parsed.has_value()) << id;
    EXPECT_EQ(parsed.error().code, Errc::kInvalidArgument);
  }
}

}  // namespace
}  // namespace oncemq::model
