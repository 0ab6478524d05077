#include "wire/remoting/body/register_broker.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "wire/remoting/command.h"

namespace oncemq::wire {
namespace {

using testing::HasSubstr;

RegisterBrokerBody sample() {
  RegisterBrokerBody body;
  body.filter_servers = {"f:1"};
  body.version = {.state_version = 1, .timestamp = 1700000000000, .counter = 7};
  body.topics["T"] = {.name = "T", .read_queues = 8, .write_queues = 4, .perm = 6};
  body.topics["%RETRY%g"] = {.name = "%RETRY%g",
                             .read_queues = 1,
                             .write_queues = 1,
                             .perm = 6,
                             .multi_tag = true,
                             .attributes = {{"message.type", "FIFO"}, {"a b", "c d"}}};
  return body;
}

std::string deflated(std::string_view text) {
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::string out(size, '\0');
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(out.data()), &size,
                     reinterpret_cast<const Bytef*>(text.data()), static_cast<uLong>(text.size())),
            Z_OK);
  out.resize(size);
  return out;
}

std::string sized(std::string_view text) {
  std::string out(4, '\0');
  store_be(reinterpret_cast<std::byte*>(out.data()), static_cast<std::int32_t>(text.size()));
  return out + std::string(text);
}
std::string count(std::int32_t n) {
  std::string out(4, '\0');
  store_be(reinterpret_cast<std::byte*>(out.data()), n);
  return out;
}

std::string refusal(std::string_view plain, std::int32_t version = version::kOurs) {
  const Result<RegisterBrokerBody> body =
      decode_register_body(as_bytes(deflated(plain)), true, version);
  if (body) return "no error";
  EXPECT_EQ(body.error().code, Errc::kBadBytes);
  return body.error().message;
}

TEST(RegisterBody, JsonRoundTrip) {
  const RegisterBrokerBody body = sample();
  const std::string text = encode_register_body(body);
  EXPECT_THAT(text,
              testing::StartsWith(
                  R"({"filterServerList":["f:1"],"topicConfigSerializeWrapper":)"
                  R"({"dataVersion":{"counter":7,"stateVersion":1,"timestamp":1700000000000},)"
                  R"("mappingDataVersion":{)"));
  EXPECT_THAT(text, testing::EndsWith(
                        R"("topicQueueMappingDetailMap":{},"topicQueueMappingInfoMap":{}}})"));
  const Result<RegisterBrokerBody> again =
      decode_register_body(as_bytes(text), false, version::kOurs);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->filter_servers, body.filter_servers);
  EXPECT_EQ(again->topics, body.topics);
  EXPECT_EQ(again->version, body.version);
}

TEST(RegisterBody, CompressedRoundTrip) {
  const RegisterBrokerBody body = sample();
  const std::string bytes = encode_register_body_compressed(body);
  const Result<RegisterBrokerBody> again =
      decode_register_body(as_bytes(bytes), true, version::kOurs);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->filter_servers, body.filter_servers);
  EXPECT_EQ(again->topics, body.topics);
  EXPECT_EQ(again->version, body.version);
}

TEST(RegisterBody, ABareTopicTableOfOldBrokers) {
  const Result<RegisterBrokerBody> body = decode_register_body(
      as_bytes(R"({"dataVersion":{"counter":3},"topicConfigTable":{"T":{"topicName":"T"}}})"),
      false, 37);
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_EQ(body->version.counter, 3);
  EXPECT_EQ(body->topics.count("T"), 1U);
}

TEST(RegisterBody, BrokersBeforeVersion5SendNoMappings) {
  const std::string plain = sized("{}") + count(1) + sized("T 8 8 6 SINGLE_TAG ") + sized("[]");
  const std::string bytes = deflated(plain);
  const Result<RegisterBrokerBody> old =
      decode_register_body(as_bytes(bytes), true, version::kV4_9_4);
  ASSERT_TRUE(old) << old.error().message;
  EXPECT_EQ(old->topics.at("T").perm, 6);
  EXPECT_THAT(refusal(plain), HasSubstr("too short"));
  EXPECT_EQ(refusal(plain + count(1) + sized("{}")), "no error");
}

TEST(RegisterBody, UnreadableAttributesAreNone) {
  const std::string plain =
      sized("{}") + count(1) + sized("T 8 8 6 MULTI_TAG {broken") + sized("x") + count(0);
  const Result<RegisterBrokerBody> body =
      decode_register_body(as_bytes(deflated(plain)), true, version::kOurs);
  ASSERT_TRUE(body) << body.error().message;
  EXPECT_TRUE(body->topics.at("T").attributes.empty());
  EXPECT_TRUE(body->topics.at("T").multi_tag);
  EXPECT_TRUE(body->filter_servers.empty());
}

TEST(RegisterBody, BrokenCompressedBodiesAreRefused) {
  const std::string version = sized("{}");
  const std::string topic = sized("T 8 8 6 SINGLE_TAG {}");
  EXPECT_THAT(refusal(""), HasSubstr("data version"));
  EXPECT_THAT(refusal(count(-1)), HasSubstr("data version"));
  EXPECT_THAT(refusal(sized("[]")), HasSubstr("expected an object"));
  EXPECT_NE(refusal(sized("{")), "no error");
  EXPECT_THAT(refusal(version + count(2) + topic), HasSubstr("within the topics"));
  EXPECT_THAT(refusal(version + count(1) + count(1 << 30)), HasSubstr("within the topics"));
  EXPECT_THAT(refusal(version + count(1) + sized("T 8 x 6 SINGLE_TAG")), HasSubstr("broken topic"));
  EXPECT_THAT(refusal(version + count(1) + sized("T 8")), HasSubstr("broken topic"));
  EXPECT_THAT(refusal(version + count(1) + sized("")), HasSubstr("broken topic"));
  EXPECT_THAT(refusal(version + count(1) + topic), HasSubstr("filter servers"));
  EXPECT_THAT(refusal(version + count(0) + sized("[]") + count(1)), HasSubstr("mappings"));
}

TEST(RegisterBody, WhatIsNoZlibStreamIsRefused) {
  const auto error = [](std::string_view bytes) {
    const Result<RegisterBrokerBody> body =
        decode_register_body(as_bytes(bytes), true, version::kOurs);
    return body ? std::string("no error") : body.error().message;
  };
  EXPECT_THAT(error(""), HasSubstr("not a zlib stream"));
  EXPECT_THAT(error("{}"), HasSubstr("not a zlib stream"));
  const std::string good = encode_register_body_compressed(sample());
  for (const std::size_t length : {std::size_t{1}, good.size() / 2, good.size() - 1})
    EXPECT_NE(error(good.substr(0, length)), "no error") << length;
}

TEST(RegisterBody, ASmallBodyCannotBecomeAHugeOne) {
  const std::string huge(kRegisterBodyLimit + 1, 'x');
  EXPECT_THAT(refusal(huge), HasSubstr("too large"));
}

TEST(RegisterBody, PlainBodiesWithoutATableAreRefused) {
  for (const std::string_view text : {"", "{}", "[]", R"({"topicConfigSerializeWrapper":{}})",
                                      R"({"topicConfigTable":{"T":[]}})"})
    EXPECT_FALSE(decode_register_body(as_bytes(text), false, version::kOurs)) << text;
}

TEST(RegisterBody, ChecksumLeavesOutTheSign) {
  EXPECT_EQ(register_body_crc(as_bytes("123456789")), 0xCBF43926 & 0x7fffffff);
}

}  // namespace
}  // namespace oncemq::wire
