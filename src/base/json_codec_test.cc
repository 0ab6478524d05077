#include "base/json_codec.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq {
namespace {

enum class Colour : std::uint8_t { kRed, kBlue };

struct Inner {
  std::int32_t number = 5;
  static constexpr auto members = json_members(json_member("number", &Inner::number));
};

struct Outer {
  Colour colour = Colour::kRed;
  std::optional<double> half;
  std::map<std::int32_t, std::vector<Inner>> lists;
  std::set<std::string> names;
  Json rest;
  bool yes = false;
  static constexpr auto members =
      json_members(json_member("colour", &Outer::colour), json_member("half", &Outer::half),
                   json_member("lists", &Outer::lists), json_member("names", &Outer::names),
                   json_member("rest", &Outer::rest), json_member("yes", &Outer::yes));
};

}  // namespace

template <>
struct JsonEnum<Colour> {
  static constexpr std::array<std::string_view, 2> names{"RED", "BLUE"};
};

namespace {

Result<Outer> read(std::string_view text) {
  return from_json<Outer>(Json::parse(text).value());
}

std::string refusal(std::string_view text) {
  const Result<Outer> outer = read(text);
  if (outer) return "no error";
  EXPECT_EQ(outer.error().code, Errc::kBadBytes);
  return outer.error().message;
}

TEST(JsonCodec, WhatIsWrittenIsRead) {
  constexpr std::string_view kText =
      R"({"colour":"BLUE","half":0.5,"lists":{"-1":[{"number":7},{"number":8}],"3":[]},)"
      R"("names":["a","b"],"rest":{"x":[1]},"yes":true})";
  const Result<Outer> outer = read(kText);
  ASSERT_TRUE(outer) << outer.error().message;
  EXPECT_EQ(outer->colour, Colour::kBlue);
  EXPECT_EQ(outer->half, 0.5);
  EXPECT_EQ(outer->lists.at(-1).at(1).number, 8);
  EXPECT_TRUE(outer->lists.at(3).empty());
  EXPECT_EQ(outer->names, (std::set<std::string>{"a", "b"}));
  EXPECT_TRUE(outer->yes);
  EXPECT_EQ(json_write(*outer).dump(), kText);
}

TEST(JsonCodec, AbsentAndNullMembersKeepTheirDefaults) {
  const Result<Outer> outer =
      read(R"({"colour":null,"half":null,"lists":{"1":[{"number":null},null]},"other":1})");
  ASSERT_TRUE(outer) << outer.error().message;
  EXPECT_EQ(outer->colour, Colour::kRed);
  EXPECT_FALSE(outer->half.has_value());
  EXPECT_EQ(outer->lists.at(1).at(0).number, 5);
  EXPECT_EQ(outer->lists.at(1).at(1).number, 5);
  EXPECT_EQ(json_write(Outer{}).dump(), R"({"colour":"RED","lists":{},"names":[],"yes":false})");
}

TEST(JsonCodec, NumbersInTextsAndOrdinalsAreTaken) {
  const Result<Outer> outer = read(R"({"colour":"1","lists":{"1":[{"number":"9"}]},"yes":"true"})");
  ASSERT_TRUE(outer) << outer.error().message;
  EXPECT_EQ(outer->colour, Colour::kBlue);
  EXPECT_EQ(outer->lists.at(1).at(0).number, 9);
  EXPECT_TRUE(outer->yes);
  EXPECT_EQ(read(R"({"colour":1})")->colour, Colour::kBlue);
  EXPECT_EQ(read(R"({"colour":2})")->colour, Colour::kRed);
  EXPECT_EQ(read(R"({"colour":"GREEN"})")->colour, Colour::kRed);
}

TEST(JsonCodec, TheLastOfTwoEntriesCounts) {
  const Result<Outer> outer = read(R"({"lists":{"1":[{},{}],"01":[{"number":3}]}})");
  ASSERT_TRUE(outer) << outer.error().message;
  ASSERT_EQ(outer->lists.at(1).size(), 1U);
  EXPECT_EQ(outer->lists.at(1).at(0).number, 3);
}

TEST(JsonCodec, RefusalsNameThePlace) {
  EXPECT_EQ(refusal("[]"), "expected an object");
  EXPECT_EQ(refusal(R"({"colour":{}})"), "colour: expected a name");
  EXPECT_EQ(refusal(R"({"half":[]})"), "half: expected a number");
  EXPECT_EQ(refusal(R"({"yes":[]})"), "yes: expected a boolean");
  EXPECT_EQ(refusal(R"({"names":{}})"), "names: expected an array");
  EXPECT_EQ(refusal(R"({"names":["a",[]]})"), "names: [1]: expected a string");
  EXPECT_EQ(refusal(R"({"lists":[]})"), "lists: expected an object");
  EXPECT_EQ(refusal(R"({"lists":{"x":[]}})"), "lists: x: expected a number as key");
  EXPECT_EQ(refusal(R"({"lists":{"4294967296":[]}})"),
            "lists: 4294967296: expected a number as key");
  EXPECT_EQ(refusal(R"({"lists":{"1":[{},{"number":2147483648}]}})"),
            "lists: 1: [1]: number: expected a number of 32 bits");
}

TEST(JsonCodec, MembersOutOfOrderAreNoticed) {
  static_assert(json_members_sorted(Outer::members));
  static_assert(!json_members_sorted(
      json_members(json_member("yes", &Outer::yes), json_member("names", &Outer::names))));
  static_assert(!json_members_sorted(
      json_members(json_member("yes", &Outer::yes), json_member("yes", &Outer::yes))));
}

}  // namespace
}  // namespace oncemq
