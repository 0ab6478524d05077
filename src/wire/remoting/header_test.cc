#include "wire/remoting/header.h"

#include <limits>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace oncemq::wire {
namespace {

using testing::HasSubstr;

Frame json_frame(std::string_view header) {
  return Frame{.kind = HeaderKind::kJson, .header = as_bytes(header), .body = {}};
}

std::map<std::string, std::string> ext_of(const Command& command) {
  std::map<std::string, std::string> out;
  for (const ExtField& field : command.ext) out.emplace(field.name, field.value);
  return out;
}

// Decodes a JSON header whose only field is `value`, as written.
std::string field_text(std::string_view value) {
  Command command;
  const std::string header = R"({"extFields":{"k":)" + std::string(value) + "}}";
  const Status status = command.decode(json_frame(header));
  if (!status) return "error: " + status.error().message;
  const ExtField* field = command.ext.find("k");
  return field == nullptr ? "absent" : std::string(field->value);
}

std::string decode_error(std::string_view header) {
  Command command;
  const Status status = command.decode(json_frame(header));
  if (status) return "no error";
  EXPECT_EQ(status.error().code, Errc::kBadBytes);
  return status.error().message;
}

TEST(JsonHeader, ReadsEveryMember) {
  Command command;
  ASSERT_TRUE(command.decode(json_frame(
      R"({"code":310,"extFields":{"a":"g","b":"T"},"flag":2,"language":"GO","opaque":-7,)"
      R"("remark":"why","serializeTypeCurrentRPC":"JSON","version":317})")));
  EXPECT_EQ(command.code, 310);
  EXPECT_EQ(command.flag, 2);
  EXPECT_TRUE(command.is_oneway());
  EXPECT_FALSE(command.is_response());
  EXPECT_EQ(command.language, Language::kGo);
  EXPECT_EQ(command.opaque, -7);
  EXPECT_EQ(command.remark, "why");
  EXPECT_EQ(command.version, 317);
  EXPECT_EQ(ext_of(command), (std::map<std::string, std::string>{{"a", "g"}, {"b", "T"}}));
}

TEST(JsonHeader, SpaceAndUnknownMembersOfAnyShapeAreSkipped) {
  Command command;
  ASSERT_TRUE(command.decode(json_frame(
      " {\n\t\"x\" : {\"y\":[1,{\"z\":\"}\\\"\"},null,true]} , \"list\":[], \"code\" : 11 , "
      "\"n\":-1.5e3, \"extFields\" : { } }\r\n")));
  EXPECT_EQ(command.code, 11);
  EXPECT_EQ(command.ext.size(), 0U);
}

TEST(JsonHeader, EmptyObjectIsAHeader) {
  Command command;
  EXPECT_TRUE(command.decode(json_frame("{}")));
  EXPECT_EQ(command.code, 0);
}

TEST(JsonHeader, NullsAreAbsent) {
  Command command;
  ASSERT_TRUE(command.decode(
      json_frame(R"({"code":1,"remark":null,"extFields":null,"language":null,"version":null})")));
  EXPECT_EQ(command.remark, "");
  EXPECT_EQ(command.ext.size(), 0U);
  EXPECT_EQ(command.language, Language::kOther);
  EXPECT_EQ(field_text("null"), "absent");
}

TEST(JsonHeader, FieldValuesMayBeNumbersAndBooleans) {
  EXPECT_EQ(field_text("42"), "42");
  EXPECT_EQ(field_text("-1"), "-1");
  EXPECT_EQ(field_text("0.5"), "0.5");
  EXPECT_EQ(field_text("true"), "true");
  EXPECT_EQ(field_text("false"), "false");
  EXPECT_EQ(field_text(R"("")"), "");
}

TEST(JsonHeader, Escapes) {
  EXPECT_EQ(field_text(R"("a\u0001b\u0002")"),
            "a\x01"
            "b\x02");
  EXPECT_EQ(field_text(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(field_text(R"("\u00e9\u4e2d\uD83d\uDE80!")"), "é中🚀!");
  EXPECT_EQ(field_text(R"("\u0000")"), std::string(1, '\0'));
  EXPECT_EQ(field_text(R"("中 plain")"), "中 plain");
}

TEST(JsonHeader, HalfASurrogatePairBecomesAQuestionMark) {
  EXPECT_EQ(field_text(R"("a\ud83db")"), "a?b");
  EXPECT_EQ(field_text(R"("\ude80")"), "?");
  EXPECT_EQ(field_text(R"("\ud83d\u0041")"), "?A");
  EXPECT_EQ(field_text(R"("\ud83d\ud83d\ude80")"), "?🚀");
  EXPECT_EQ(field_text(R"("\ud83d\n")"), "?\n");
}

// Texts of all lengths around the size of a chunk, with an escape at every place.
TEST(JsonHeader, TextsOfEveryLengthAndEscapesAtEveryPlace) {
  for (std::size_t length = 0; length < 70; ++length) {
    std::string plain(length, 'x');
    for (std::size_t i = 0; i < length; ++i) plain[i] = static_cast<char>('a' + i % 26);
    EXPECT_EQ(field_text('"' + plain + '"'), plain);
    for (std::size_t at = 0; at <= length; ++at) {
      const std::string text = plain.substr(0, at) + "\\u0002" + plain.substr(at);
      EXPECT_EQ(field_text('"' + text + '"'), plain.substr(0, at) + '\x02' + plain.substr(at));
    }
  }
}

TEST(JsonHeader, ViewsOfAllTextsWithEscapesStayValid) {
  Command command;
  ASSERT_TRUE(command.decode(json_frame(
      R"({"remark":"r\n","extFields":{"k\u0031":"v\u0031","k\u0032":"v\u0032"},"code":1})")));
  EXPECT_EQ(command.remark, "r\n");
  EXPECT_EQ(ext_of(command), (std::map<std::string, std::string>{{"k1", "v1"}, {"k2", "v2"}}));
}

TEST(JsonHeader, ACommandIsReused) {
  Command command;
  ASSERT_TRUE(command.decode(json_frame(
      R"({"code":1,"flag":3,"opaque":9,"remark":"\n","version":5,"extFields":{"a":"\n"}})")));
  ASSERT_TRUE(command.decode(json_frame(R"({"code":2,"language":"JAVA"})")));
  EXPECT_EQ(command.code, 2);
  EXPECT_EQ(command.flag, 0);
  EXPECT_EQ(command.opaque, 0);
  EXPECT_EQ(command.version, 0);
  EXPECT_EQ(command.remark, "");
  EXPECT_EQ(command.ext.size(), 0U);
  const std::string longer = R"({"extFields":{"a":"\n)" + std::string(5000, 'x') + R"("}})";
  ASSERT_TRUE(command.decode(json_frame(longer)));
  EXPECT_EQ(command.ext[0].value.size(), 5001U);
}

TEST(JsonHeader, OnlyTextsWithEscapesLieInTheScratch) {
  Command command;
  ASSERT_TRUE(command.decode(json_frame(R"({"extFields":{"b":"plain","i":"a\u0001b"}})")));
  EXPECT_FALSE(command.in_scratch(command.ext.find("b")->value));
  EXPECT_TRUE(command.in_scratch(command.ext.find("i")->value));
  EXPECT_FALSE(command.in_scratch({}));
}

TEST(JsonHeader, RoomForAHugeHeaderIsGivenBack) {
  Command command;
  const std::string huge = R"({"remark":"\n)" + std::string(1 << 20, 'x') + R"("})";
  ASSERT_TRUE(command.decode(json_frame(huge)));
  EXPECT_EQ(command.remark.size(), (1U << 20) + 1);
  EXPECT_GT(command.scratch_capacity(), Command::kScratchKept);
  ASSERT_TRUE(command.decode(json_frame(R"({"remark":"\n"})")));
  EXPECT_EQ(command.remark, "\n");
  EXPECT_LT(command.scratch_capacity(), 100U);
}

TEST(JsonHeader, LanguagesByNameOrdinalAndUnknown) {
  const auto language = [](std::string_view value) {
    Command command;
    const std::string header = R"({"language":)" + std::string(value) + "}";
    EXPECT_TRUE(command.decode(json_frame(header)));
    return command.language;
  };
  EXPECT_EQ(language(R"("JAVA")"), Language::kJava);
  EXPECT_EQ(language(R"("NODE_JS")"), Language::kNodeJs);
  EXPECT_EQ(language("1"), Language::kCpp);
  EXPECT_EQ(language("99"), Language::kOther);
  EXPECT_EQ(language("-1"), Language::kOther);
  EXPECT_EQ(language(R"("COBOL")"), Language::kOther);
}

TEST(JsonHeader, NumbersMayStandInTexts) {
  Command command;
  ASSERT_TRUE(command.decode(json_frame(R"({"code":"34","opaque":"2147483647"})")));
  EXPECT_EQ(command.code, 34);
  EXPECT_EQ(command.opaque, 2147483647);
}

TEST(JsonHeader, TheLastOfTwoFieldObjectsCounts) {
  Command command;
  ASSERT_TRUE(command.decode(json_frame(R"({"extFields":{"a":"1"},"extFields":{"b":"2"}})")));
  EXPECT_EQ(ext_of(command), (std::map<std::string, std::string>{{"b", "2"}}));
}

TEST(JsonHeader, RefusalsSayWhereAndWhy) {
  EXPECT_THAT(decode_error(""), HasSubstr("byte 0: expected an object"));
  EXPECT_THAT(decode_error("[]"), HasSubstr("expected an object"));
  EXPECT_THAT(decode_error(R"({"code")"), HasSubstr("expected a colon"));
  EXPECT_THAT(decode_error(R"({"code":)"), HasSubstr("expected a value"));
  EXPECT_THAT(decode_error(R"({"code":1)"), HasSubstr("expected a comma"));
  EXPECT_THAT(decode_error(R"({"code":1,})"), HasSubstr("expected a name"));
  EXPECT_THAT(decode_error(R"({"code":1 "flag":2})"), HasSubstr("expected a comma"));
  EXPECT_THAT(decode_error(R"({"code":1}x)"), HasSubstr("byte 10: something behind"));
  EXPECT_THAT(decode_error(R"({"code":1.5})"), HasSubstr("int32"));
  EXPECT_THAT(decode_error(R"({"code":2147483648})"), HasSubstr("int32"));
  EXPECT_THAT(decode_error(R"({"code":true})"), HasSubstr("int32"));
  EXPECT_THAT(decode_error(R"({"code":{}})"), HasSubstr("expected a text"));
  EXPECT_THAT(decode_error(R"({"code":nul})"), HasSubstr("unknown word"));
  EXPECT_THAT(decode_error(R"({"remark":"abc)"), HasSubstr("text without an end"));
  EXPECT_THAT(decode_error(R"({"remark":"abc\)"), HasSubstr("escape without an end"));
  EXPECT_THAT(decode_error(R"({"remark":"\u12)"), HasSubstr("escape without an end"));
  EXPECT_THAT(decode_error(R"({"remark":"\u12g4"})"), HasSubstr("four hex digits"));
  EXPECT_THAT(decode_error(R"({"remark":"\u+123"})"), HasSubstr("four hex digits"));
  EXPECT_THAT(decode_error(R"({"remark":"\q"})"), HasSubstr("unknown escape"));
  EXPECT_THAT(decode_error(R"({"extFields":[]})"), HasSubstr("expected an object"));
  EXPECT_THAT(decode_error(R"({"extFields":{"a":[]}})"), HasSubstr("expected a text"));
  EXPECT_THAT(decode_error(R"({"x":]})"), HasSubstr("expected a value"));
}

TEST(JsonHeader, EveryPrefixIsRefused) {
  const std::string header =
      R"({"code":310,"extFields":{"a":"g\u0001","b":null,"c":1},"x":[{}],"language":"JAVA"})";
  for (std::size_t length = 0; length < header.size(); ++length) {
    // A copy of exact size lets AddressSanitizer see a read behind the end.
    const std::string prefix(header, 0, length);
    const std::vector<char> exact(prefix.begin(), prefix.end());
    EXPECT_NE(decode_error(std::string_view(exact.data(), exact.size())), "no error") << prefix;
  }
}

TEST(JsonHeader, DepthAndFieldCountAreBounded) {
  const auto nested = [](int depth) {
    return R"({"x":)" + std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']') + "}";
  };
  EXPECT_EQ(decode_error(nested(32)), "no error");
  EXPECT_THAT(decode_error(nested(33)), HasSubstr("nested too deeply"));

  const auto with_fields = [](std::size_t count) {
    std::string header = R"({"extFields":{)";
    for (std::size_t i = 0; i < count; ++i)
      header += (i > 0 ? "," : "") + ('"' + std::to_string(i) + R"(":"v")");
    return header + "}}";
  };
  EXPECT_EQ(decode_error(with_fields(ExtFields::kMax)), "no error");
  EXPECT_THAT(decode_error(with_fields(ExtFields::kMax + 1)), HasSubstr("too many fields"));
}

// ---- binary

template <class T>
void put(std::string& out, T number) {
  std::byte bytes[sizeof number];
  store_be(bytes, number);
  out += as_text(bytes);
}

std::string binary_start(std::string_view remark) {
  std::string out;
  put<std::int16_t>(out, 3442);
  out += '\x09';
  put<std::int16_t>(out, 317);
  put<std::int32_t>(out, 77);
  put<std::int32_t>(out, 2);
  put(out, static_cast<std::int32_t>(remark.size()));
  return out + std::string(remark);
}
std::string pair(std::string_view name, std::string_view value) {
  std::string out;
  put(out, static_cast<std::int16_t>(name.size()));
  out += name;
  put(out, static_cast<std::int32_t>(value.size()));
  return out + std::string(value);
}
std::string with_ext(std::string_view remark, std::string_view pairs) {
  std::string out = binary_start(remark);
  put(out, static_cast<std::int32_t>(pairs.size()));
  return out + std::string(pairs);
}
Status decode_binary(std::string_view header, Command& command) {
  const std::vector<char> exact(header.begin(), header.end());
  return command.decode(Frame{
      .kind = HeaderKind::kBinary, .header = as_bytes({exact.data(), exact.size()}), .body = {}});
}

TEST(BinaryHeader, ReadsEverything) {
  const std::string header = with_ext("why", pair("a", "1") + pair("bb", "two"));
  Command command;
  ASSERT_TRUE(command.decode(
      Frame{.kind = HeaderKind::kBinary, .header = as_bytes(header), .body = as_bytes("body")}));
  EXPECT_EQ(command.kind, HeaderKind::kBinary);
  EXPECT_EQ(command.code, 3442);
  EXPECT_EQ(command.language, Language::kGo);
  EXPECT_EQ(command.version, 317);
  EXPECT_EQ(command.opaque, 77);
  EXPECT_TRUE(command.is_oneway());
  EXPECT_EQ(command.remark, "why");
  EXPECT_EQ(ext_of(command), (std::map<std::string, std::string>{{"a", "1"}, {"bb", "two"}}));
  EXPECT_EQ(as_text(command.body), "body");
}

TEST(BinaryHeader, EmptyNamesAndValuesAreAbsent) {
  const std::string header = with_ext("", pair("", "x") + pair("a", "") + pair("b", "1"));
  Command command;
  ASSERT_TRUE(
      command.decode(Frame{.kind = HeaderKind::kBinary, .header = as_bytes(header), .body = {}}));
  EXPECT_EQ(ext_of(command), (std::map<std::string, std::string>{{"b", "1"}}));
}

TEST(BinaryHeader, EveryPrefixIsRefused) {
  const std::string header = with_ext("why", pair("a", "1") + pair("bb", "two"));
  Command command;
  for (std::size_t length = 0; length < header.size(); ++length)
    EXPECT_FALSE(decode_binary(header.substr(0, length), command)) << length;
  EXPECT_TRUE(decode_binary(header, command));
}

TEST(BinaryHeader, LengthsThatContradictEachOtherAreRefused) {
  Command command;
  std::string negative_remark = binary_start("");
  negative_remark.replace(negative_remark.size() - 4, 4, "\xff\xff\xff\xff");
  EXPECT_FALSE(decode_binary(negative_remark + std::string(4, '\0'), command));

  std::string negative_ext = binary_start("");
  put<std::int32_t>(negative_ext, -1);
  EXPECT_FALSE(decode_binary(negative_ext, command));

  std::string long_ext = binary_start("");
  put<std::int32_t>(long_ext, 100);
  EXPECT_FALSE(decode_binary(long_ext, command));

  std::string negative_name;
  put<std::int16_t>(negative_name, -2);
  EXPECT_FALSE(decode_binary(with_ext("", negative_name + "xxxxxxxx"), command));

  // The value reaches behind the fields, though not behind the header.
  std::string long_value = pair("a", "12345678");
  EXPECT_FALSE(
      decode_binary(with_ext("", long_value.substr(0, long_value.size() - 4)) + "5678", command));

  std::string many;
  for (std::size_t i = 0; i <= ExtFields::kMax; ++i) many += pair("k" + std::to_string(i), "v");
  const Status status = decode_binary(with_ext("", many), command);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("too many fields"));
}

// ---- writing

Command read_back(const std::string& bytes) {
  const Cut cut = cut_frame(as_bytes(bytes));
  EXPECT_EQ(cut.state, Cut::State::kComplete) << cut.why;
  EXPECT_EQ(cut.size, bytes.size());
  Command command;
  const Status status = command.decode(cut.frame);
  EXPECT_TRUE(status) << (status ? "" : status.error().message);
  return command;
}

class HeaderWriterBoth : public testing::TestWithParam<HeaderKind> {};

TEST_P(HeaderWriterBoth, WhatIsWrittenIsRead) {
  const std::string remark = "quoted \" \\ \n 中 " + std::string(40, 'r') + '\x1f';
  std::string bytes;
  HeaderWriter writer(bytes, GetParam(),
                      HeaderStart{.code = 17, .opaque = -5, .flag = 1, .remark = remark});
  writer.field("text", std::string_view("a\x01"
                                        "b\x02 and so on, longer than a chunk \"\\"));
  writer.field("int", std::int32_t{-12});
  writer.field("long", std::int64_t{1700000000000});
  writer.field("smallest", std::numeric_limits<std::int64_t>::min());
  writer.field("yes", true);
  writer.field("no", false);
  writer.field("tps", 0.5);
  writer.finish(4);
  bytes += "body";

  const Command command = read_back(bytes);
  EXPECT_EQ(command.kind, GetParam());
  EXPECT_EQ(command.code, 17);
  EXPECT_EQ(command.opaque, -5);
  EXPECT_TRUE(command.is_response());
  EXPECT_EQ(command.remark, remark);
  EXPECT_EQ(command.language, Language::kCpp);
  EXPECT_EQ(command.version, version::kOurs);
  EXPECT_EQ(as_text(command.body), "body");
  EXPECT_EQ(ext_of(command),
            (std::map<std::string, std::string>{{"text",
                                                 "a\x01"
                                                 "b\x02 and so on, longer than a chunk \"\\"},
                                                {"int", "-12"},
                                                {"long", "1700000000000"},
                                                {"smallest", "-9223372036854775808"},
                                                {"yes", "true"},
                                                {"no", "false"},
                                                {"tps", "0.5"}}));
}

TEST_P(HeaderWriterBoth, FramesStandBehindEachOther) {
  std::string bytes = "before";
  append_frame(bytes, GetParam(), HeaderStart{.code = 1, .opaque = 1, .flag = 1}, as_bytes("x"));
  append_frame(bytes, GetParam(), HeaderStart{.code = 2, .opaque = 2, .flag = 1});
  Bytes rest = as_bytes(bytes).subspan(6);
  for (std::int32_t i = 1; i <= 2; ++i) {
    const Cut cut = cut_frame(rest);
    ASSERT_EQ(cut.state, Cut::State::kComplete);
    Command command;
    ASSERT_TRUE(command.decode(cut.frame));
    EXPECT_EQ(command.code, i);
    EXPECT_EQ(command.body.size(), i == 1 ? 1U : 0U);
    rest = rest.subspan(cut.size);
  }
  EXPECT_TRUE(rest.empty());
}

// Values around the size of the writer's buffer, plain and all escapes.
TEST_P(HeaderWriterBoth, ValuesOfManySizes) {
  for (const std::size_t size :
       {0U, 1U, 15U, 16U, 17U, 160U, 170U, 900U, 1000U, 1024U, 1030U, 40000U}) {
    for (const char c : {'x', '\x01'}) {
      std::string bytes;
      HeaderWriter writer(bytes, GetParam(), HeaderStart{.code = 1});
      writer.field("before", std::int32_t{1});
      writer.field("value", std::string(size, c));
      writer.field("after", std::int32_t{2});
      writer.finish(0);
      const Command command = read_back(bytes);
      EXPECT_EQ(command.ext.find("before")->value, "1");
      EXPECT_EQ(command.ext.find("after")->value, "2");
      const ExtField* value = command.ext.find("value");
      if (size == 0 && GetParam() == HeaderKind::kBinary) {
        EXPECT_EQ(value, nullptr);
      } else {
        ASSERT_NE(value, nullptr);
        EXPECT_EQ(value->value, std::string(size, c));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, HeaderWriterBoth,
                         testing::Values(HeaderKind::kJson, HeaderKind::kBinary),
                         [](const auto& kind) {
                           return kind.param == HeaderKind::kJson ? "Json" : "Binary";
                         });

TEST(HeaderWriter, JsonMembersStandInTheOrderOfUpstream) {
  std::string bytes;
  HeaderWriter writer(bytes, HeaderKind::kJson,
                      HeaderStart{.code = 0, .opaque = 3, .flag = 1, .remark = "r"});
  writer.field("a", std::string_view("1"));
  writer.field("b", true);
  writer.finish(0);
  EXPECT_EQ(bytes.substr(kFramePrefix),
            R"({"code":0,"extFields":{"a":"1","b":"true"},"flag":1,"language":"CPP","opaque":3,)"
            R"("remark":"r","serializeTypeCurrentRPC":"JSON","version":479})");
}

TEST(HeaderWriter, FieldObjectIsThereWithoutFields) {
  std::string bytes;
  append_frame(bytes, HeaderKind::kJson, HeaderStart{.code = 0, .flag = 1});
  EXPECT_THAT(bytes, HasSubstr(R"("extFields":{})"));
  EXPECT_THAT(bytes, testing::Not(HasSubstr("remark")));
}

TEST(HeaderWriterDeath, AFrameOverTheLimitIsOurMistake) {
  std::string bytes;
  HeaderWriter writer(bytes, HeaderKind::kJson, HeaderStart{.code = 0});
  EXPECT_DEATH(writer.finish(kFrameLimit), "frame over the limit");
}

TEST(Language, NamesAndOrdinals) {
  EXPECT_EQ(language_name(Language::kJava), "JAVA");
  EXPECT_EQ(language_name(Language::kNodeJs), "NODE_JS");
  for (std::int64_t i = 0; i <= 13; ++i)
    EXPECT_EQ(language_of(language_name(language_of(i))), language_of(i));
  EXPECT_EQ(language_of(std::int64_t{14}), Language::kOther);
}

TEST(Version, Names) {
  EXPECT_EQ(version::name(version::kOurs), "V5_3_3");
  EXPECT_EQ(version::name(version::kV4_9_4), "V4_9_4");
  EXPECT_EQ(version::name(version::kV5_0_0), "V5_0_0");
  EXPECT_EQ(version::name(478), "V5_3_3_SNAPSHOT");
  EXPECT_EQ(version::name(213), "V4_0_0");
  EXPECT_EQ(version::name(611), "V5_9_9");
  EXPECT_EQ(version::name(version::kV3_4_9), "V3");
  EXPECT_EQ(version::name(612), "HIGHER_VERSION");
  EXPECT_EQ(version::name(-1), "HIGHER_VERSION");
}

}  // namespace
}  // namespace oncemq::wire
