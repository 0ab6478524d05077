#include "base/json.h"

#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq {
namespace {

using ::testing::HasSubstr;

Json parsed(std::string_view text) {
  auto value = Json::parse(text);
  EXPECT_TRUE(value.has_value()) << text << ": " << (value ? "" : value.error().message);
  return value ? std::move(*value) : Json();
}

std::string refusal(std::string_view text) {
  const auto value = Json::parse(text);
  EXPECT_FALSE(value.has_value()) << text;
  if (value) return "";
  EXPECT_EQ(value.error().code, Errc::kBadBytes);
  return value.error().message;
}

std::string round_trip(std::string_view text) {
  return parsed(text).dump();
}

TEST(JsonParse, StandardValues) {
  EXPECT_EQ(round_trip(R"( {"a":[1,-2,3.5,true,false,null,"x"],"b":{}} )"),
            R"({"a":[1,-2,3.5,true,false,null,"x"],"b":{}})");
  EXPECT_EQ(round_trip("[]"), "[]");
  EXPECT_EQ(round_trip("7"), "7");
  EXPECT_EQ(round_trip("\xEF\xBB\xBF{}"), "{}");
}

TEST(JsonParse, NumericAndBareKeys) {
  EXPECT_EQ(round_trip(R"({0:"10.0.0.1:10911",-1:2,name:3,%RETRY%g:4})"),
            R"({"0":"10.0.0.1:10911","-1":2,"name":3,"%RETRY%g":4})");
}

TEST(JsonParse, ObjectKeysKeepTheirText) {
  const std::string text =
      R"({{"brokerName":"b","queueId":0,"topic":"T"}:{"offset":1},{"brokerName":"b","queueId":1,"topic":"T"}:5})";
  const Json value = parsed(text);
  ASSERT_EQ(value.members().size(), 2U);
  EXPECT_EQ(value.members()[0].first, R"({"brokerName":"b","queueId":0,"topic":"T"})");
  EXPECT_EQ(value.members()[0].second["offset"].as_int(), 1);
  EXPECT_EQ(value.dump(true), text);
  EXPECT_EQ(Json::parse(value.dump())->members()[1].first, value.members()[1].first)
      << "quoted, the key is the same";
}

TEST(JsonParse, OnlyWholeObjectsAreBareKeys) {
  for (const char* key : {"{", "{\"a\":1", "{\"a\":1}}", "{\"a\":{}}", "{a:1}", "{\"a\":1}:2,{}"}) {
    Json value = Json::object();
    value.set(key, 7);
    const auto again = Json::parse(value.dump(true));
    ASSERT_TRUE(again.has_value()) << key;
    ASSERT_EQ(again->members().size(), 1U);
    EXPECT_EQ(again->members()[0].first, key);
  }
}

TEST(JsonParse, HandWrittenFiles) {
  EXPECT_EQ(round_trip("{ // who\n 'a' : 'it\\'s', /* and\nwhat */ b:[1,,2,], }"),
            R"({"a":"it's","b":[1,2]})");
}

TEST(JsonParse, ReferencesStayData) {
  EXPECT_EQ(round_trip(R"({"a":{"$ref":"$.b"}})"), R"({"a":{"$ref":"$.b"}})");
}

TEST(JsonParse, Escapes) {
  EXPECT_EQ(parsed(R"("\"\\\/\b\f\n\r\t\v\x41\u00e9\u4f60\ud83d\ude00\7")").as_string(),
            "\"\\/\b\f\n\r\t\vA\xC3\xA9\xE4\xBD\xA0\xF0\x9F\x98\x80\7");
  EXPECT_EQ(parsed(R"("\ud83d!")").as_string(), "\xEF\xBF\xBD!");
  EXPECT_EQ(parsed(R"("\ud83d\u0041")").as_string(),
            "\xEF\xBF\xBD"
            "A");
  EXPECT_EQ(parsed(R"("\ude00")").as_string(), "\xEF\xBF\xBD");
}

TEST(JsonParse, Numbers) {
  EXPECT_EQ(parsed("9223372036854775807").as_int(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parsed("-9223372036854775808").as_int(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parsed("9223372036854775808").kind(), Json::Kind::kDouble);
  EXPECT_EQ(parsed("12L").as_int(), 12);
  EXPECT_EQ(parsed("1.5F").as_double(), 1.5);
  EXPECT_EQ(parsed("+3").as_int(), 3);
  EXPECT_EQ(parsed("1e3").as_int(), 1000);
}

TEST(JsonParse, RefusesWithPlaceAndReason) {
  EXPECT_THAT(refusal(""), HasSubstr("a value is missing"));
  EXPECT_THAT(refusal("{\"a\":1,\n  \"b\":tru}"), HasSubstr("line 2 column 7"));
  EXPECT_THAT(refusal("{} x"), HasSubstr("follows"));
  EXPECT_THAT(refusal("{\"a\" 1}"), HasSubstr("':'"));
  EXPECT_THAT(refusal("{\"a\":1"), HasSubstr("'}'"));
  EXPECT_THAT(refusal("{"), HasSubstr("'}'"));
  EXPECT_THAT(refusal("[1 2]"), HasSubstr("']'"));
  EXPECT_THAT(refusal("[1"), HasSubstr("']'"));
  EXPECT_THAT(refusal("\"abc"), HasSubstr("without an end"));
  EXPECT_THAT(refusal("\"abc\\"), HasSubstr("without an end"));
  EXPECT_THAT(refusal("\"\\q\""), HasSubstr("escape"));
  EXPECT_THAT(refusal("\"\\u12g4\""), HasSubstr("hexadecimal"));
  EXPECT_THAT(refusal("\"\\u12"), HasSubstr("hexadecimal"));
  EXPECT_THAT(refusal("/* x"), HasSubstr("comment"));
  for (const char* word : {"nan", "inf", "-", "1x", "--1", "0x10", "1.2.3", ":", "}", "]"})
    refusal(word);
}

TEST(JsonParse, NestingIsBounded) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(Json::parse(nested(64)).has_value());
  EXPECT_THAT(refusal(nested(65)), HasSubstr("too deeply"));
  refusal(std::string(1'000'000, '['));
  refusal(std::string(1'000'000, '{'));
}

TEST(Json, TheLastOfTwoMembersCounts) {
  const Json value = parsed(R"({"a":1,"a":2})");
  EXPECT_EQ(value["a"].as_int(), 2);
  EXPECT_TRUE(value.has("a"));
  EXPECT_FALSE(value.has("b"));
  EXPECT_TRUE(value["b"].is_null());
  EXPECT_TRUE(value["b"]["c"].is_null());
}

TEST(Json, LenientConversions) {
  EXPECT_EQ(Json("42").as_int(), 42);
  EXPECT_EQ(Json("42.9").as_int(), 42);
  EXPECT_EQ(Json("x").as_int(7), 7);
  EXPECT_EQ(Json(1e300).as_int(7), 7);
  EXPECT_EQ(Json().as_int(7), 7);
  EXPECT_EQ(Json(true).as_int(), 1);
  EXPECT_EQ(Json("1.5").as_double(), 1.5);
  EXPECT_EQ(Json::array().as_double(2), 2);
  EXPECT_TRUE(Json("TRUE").as_bool());
  EXPECT_TRUE(Json(1).as_bool());
  EXPECT_FALSE(Json("0").as_bool(true));
  EXPECT_TRUE(Json("maybe").as_bool(true));
  EXPECT_EQ(Json(5).as_string(), "5");
  EXPECT_EQ(Json(false).as_string(), "false");
  EXPECT_EQ(Json(2.0).as_string(), "2.0");
  EXPECT_EQ(Json().as_string("none"), "none");
}

TEST(Json, SetReplacesOrAppends) {
  Json value = Json::object();
  value.set("a", 1).set("b", "x").set("a", 2);
  EXPECT_EQ(value.dump(), R"({"a":2,"b":"x"})");
  Json list = Json::array();
  list.push(1).push(Json::object());
  EXPECT_EQ(list.dump(), "[1,{}]");
}

TEST(JsonDump, EscapesWhatMustBe) {
  EXPECT_EQ(Json("\"\\\b\f\n\r\t\x01\x1f/\xC3\xA9").dump(),
            "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f/\xC3\xA9\"");
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).dump(), "null");
  EXPECT_EQ(Json(1e100).dump(), "1e+100");
}

TEST(JsonDump, PrettyIsSortedAndIndentedByTabs) {
  EXPECT_EQ(parsed(R"({"b":{"d":[1,{}],"c":"x"},"a":{}})").dump_pretty(),
            "{\n\t\"a\":{},\n\t\"b\":{\n\t\t\"c\":\"x\",\n\t\t\"d\":[\n\t\t\t1,\n\t\t\t{}\n\t\t]"
            "\n\t}\n}");
}

TEST(JsonDeathTest, SetNeedsAnObjectAndPushAnArray) {
  EXPECT_DEATH(Json(1).set("a", 1), "no object");
  EXPECT_DEATH(Json(1).push(1), "no array");
}

}  // namespace
}  // namespace oncemq
