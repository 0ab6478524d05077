#include "front/http/body_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq::front {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

BodyFields of(std::string_view text) {
  auto body = BodyFields::parse(text);
  EXPECT_TRUE(body.has_value()) << text;
  return std::move(*body);
}

TEST(BodyFields, GivesWhatIsThere) {
  BodyFields body = of(R"({"t":"x","n":-5,"f":true,"list":["a","b"],"map":{"k":"v","gone":null}})");
  EXPECT_EQ(body.text("t"), "x");
  EXPECT_EQ(body.number("n", -5, 5), -5);
  EXPECT_EQ(body.flag("f"), true);
  EXPECT_THAT(*body.texts("list", 2), ElementsAre("a", "b"));
  EXPECT_THAT(*body.pairs("map", true, 2),
              ElementsAre(Pair("gone", std::nullopt), Pair("k", std::optional<std::string>("v"))));
  EXPECT_EQ(body.text("other"), std::nullopt);
  EXPECT_TRUE(body.finish().has_value());
}

TEST(BodyFields, Fractions) {
  BodyFields body = of(R"({"half":0.5,"one":1,"none":null})");
  EXPECT_EQ(body.fraction("half"), 0.5);
  EXPECT_EQ(body.fraction("one"), 1.0);
  EXPECT_EQ(body.fraction("none"), std::nullopt);
  EXPECT_TRUE(body.finish().has_value());
  for (const char* const text : {R"({"n":1.5})", R"({"n":-0.1})", R"({"n":"1"})"}) {
    BodyFields wrong = of(text);
    EXPECT_EQ(wrong.fraction("n"), std::nullopt);
    EXPECT_EQ(wrong.finish().error().message, "'n' must be a number from 0 to 1") << text;
  }
}

TEST(BodyFields, NothingIsAnObjectToo) {
  BodyFields body = of("");
  EXPECT_EQ(body.text("t"), std::nullopt);
  EXPECT_TRUE(body.finish().has_value());
}

TEST(BodyFields, IsAnObject) {
  for (const char* const text : {"[]", "1", "\"a\"", "{", "{}x", "null"})
    EXPECT_EQ(BodyFields::parse(text).error().code, Errc::kBadBytes) << text;
}

// The complaint about one member of each kind.
std::string complaint(std::string_view text) {
  BodyFields body = of(text);
  (void)body.text("t");
  (void)body.number("n", 1, 9);
  (void)body.flag("f");
  (void)body.texts("list", 2);
  (void)body.pairs("map", false, 1);
  const Status status = body.finish();
  if (status) return {};
  EXPECT_EQ(status.error().code, Errc::kInvalidArgument);
  return status.error().message;
}

TEST(BodyFields, RefusesByName) {
  EXPECT_THAT(complaint(R"({"t":1})"), StartsWith("'t' must be a text"));
  EXPECT_THAT(complaint(R"({"t":""})"), StartsWith("'t' must be a text"));
  EXPECT_THAT(complaint(R"({"t":"a\nb"})"), StartsWith("'t' must be a text"));
  EXPECT_THAT(complaint(R"({"t":")" + std::string(BodyFields::kTextMax + 1, 'a') + R"("})"),
              StartsWith("'t' must be a text"));
  for (const char* const number : {"0", "10", "\"5\"", "1.5", "true", "[]", "99999999999999999999"})
    EXPECT_EQ(complaint(R"({"n":)" + std::string(number) + "}"), "'n' must be a number from 1 to 9")
        << number;
  EXPECT_EQ(complaint(R"({"f":1})"), "'f' must be true or false");
  EXPECT_EQ(complaint(R"({"f":"true"})"), "'f' must be true or false");
  for (const char* const list : {"[]", "[1]", R"(["a","b","c"])", R"("a")", R"([""])"})
    EXPECT_EQ(complaint(R"({"list":)" + std::string(list) + "}"),
              "'list' must be a list of 1 to 2 texts")
        << list;
  for (const char* const map :
       {"[]", R"({"k":1})", R"({"k":null})", R"({"":"v"})", R"({"a":"1","b":"2"})"})
    EXPECT_EQ(complaint(R"({"map":)" + std::string(map) + "}"),
              "'map' must be an object of at most 1 texts")
        << map;
  EXPECT_THAT(complaint(R"({"queues":8})"), HasSubstr("'queues' is not known here; what is: t, n"));
  EXPECT_EQ(complaint(R"({"t":"a","t":"b"})"), "'t' stands twice");
  EXPECT_EQ(complaint(R"({"t":"a","n":5,"f":false,"list":["a"],"map":{}})"), "");
}

TEST(BodyFields, TheFirstMistakeCounts) {
  BodyFields body = of(R"({"b":1})");
  body.require("a");
  (void)body.text("a");
  (void)body.text("b");
  body.refuse("c", "is odd");
  EXPECT_EQ(body.finish().error().message, "'a' is missing");
}

TEST(BodyFields, AllMembersAsTexts) {
  BodyFields body = of(R"({"a":"x","b":5,"c":false})");
  EXPECT_THAT(body.all(), ElementsAre(Pair("a", "x"), Pair("b", "5"), Pair("c", "false")));
  EXPECT_TRUE(body.finish().has_value());
  for (const char* const text : {R"({"a":null})", R"({"a":[]})", R"({"a":{}})", R"({"a":1.5})",
                                 R"({"a":"x\ny"})", R"({"a":"1","a":"2"})"}) {
    BodyFields bad = of(text);
    (void)bad.all();
    EXPECT_THAT(bad.finish().error().message, StartsWith("'a' ")) << text;
  }
}

}  // namespace
}  // namespace oncemq::front
