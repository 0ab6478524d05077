#include "cli/letter_json.h"

#include <gtest/gtest.h>

#include "model/properties.h"

namespace oncemq::cli {
namespace {

client::Letter letter(std::string body) {
  client::Letter letter;
  client::StoredMessage& message = letter.message;
  message.id = "ID";
  message.topic = "%DLQ%g";
  message.born_ms = 5;
  message.reconsume_times = 17;
  message.flag = 9;
  message.sys_flag = 1;
  model::append_property(message.properties, "UNIQ_KEY", "U");
  model::append_property(message.properties, "RETRY_TOPIC", "T");
  message.body = std::move(body);
  return letter;
}

TEST(LetterJson, GoesThereAndBack) {
  for (const std::string& body :
       {std::string("text \"quoted\"\n"), std::string("\xff\x00\x01", 3)}) {
    const client::Letter out = letter(body);
    const std::string line = letter_to_json(out).dump();
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto in = letter_from_json(line);
    ASSERT_TRUE(in.has_value()) << in.error().message;
    EXPECT_EQ(in->body, body);
    EXPECT_EQ(in->properties, out.message.properties);
    EXPECT_EQ(in->born_ms, 5);
    EXPECT_EQ(in->reconsume_times, 17);
    EXPECT_EQ(in->flag, 9);
    EXPECT_EQ(in->sys_flag, 1);
  }
  EXPECT_EQ(letter_to_json(letter("x"))["originTopic"].as_string(), "T");
}

TEST(LetterJson, PropertiesThatAreNoText) {
  client::Letter out = letter("x");
  model::append_property(out.message.properties, "bytes", "\xff\xfe");
  const auto in = letter_from_json(letter_to_json(out).dump());
  ASSERT_TRUE(in.has_value());
  EXPECT_EQ(in->properties, out.message.properties);
}

TEST(LetterJson, PropertiesThatAnObjectCannotTell) {
  using std::string_literals::operator""s;
  for (const std::string& properties : {"a\001b\001\002"s, "a\001b\001"s, "a\001x\002a\001y\002"s,
                                        "no name\002"s, "a\001x\002\002"s}) {
    client::Letter out = letter("x");
    out.message.properties = properties;
    const Json json = letter_to_json(out);
    EXPECT_TRUE(json.has("propertiesBase64")) << json.dump();
    const auto in = letter_from_json(json.dump());
    ASSERT_TRUE(in.has_value()) << in.error().message;
    EXPECT_EQ(in->properties, properties);
  }
  client::Letter out = letter("x");
  out.message.properties = "a\001x\002b\001y";
  EXPECT_FALSE(letter_to_json(out).has("propertiesBase64"));
}

TEST(LetterJson, Refusals) {
  for (const char* line : {"", "[]", "7", "{", "{\"body\":\"\"}", "{}", "{\"bodyBase64\":\"***\"}",
                           "{\"body\":\"x\",\"propertiesBase64\":\"=\"}",
                           "{\"body\":\"x\",\"properties\":{\"a\":\"\\u0001\"}}",
                           "{\"body\":\"x\",\"properties\":{\"a\\u0002\":\"b\"}}"})
    EXPECT_FALSE(letter_from_json(line).has_value()) << line;
}

}  // namespace
}  // namespace oncemq::cli
