#include "model/sql_filter.h"

#include <string>

#include <gtest/gtest.h>

#include "model/filter.h"
#include "model/properties.h"
#include "model/sql_reference.h"

namespace oncemq::model {
namespace {

// "a=1;b=x": pairs of a message.
std::string pairs(std::string_view text) {
  std::string properties;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(';'), text.size());
    const std::string_view pair = text.substr(0, end);
    const std::size_t middle = pair.find('=');
    append_property(properties, pair.substr(0, middle), pair.substr(middle + 1));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return properties;
}

constexpr const char* kTrue = "true";
constexpr const char* kFalse = "false";
constexpr const char* kNull = "null";

std::string name_of(const SqlValue& value) {
  return value.is_null() ? kNull : value.is_true() ? kTrue : value.is_false() ? kFalse : "value";
}

// What the compiled expression says, after the plain evaluation said the same.
std::string evaluated(std::string_view expression, std::string_view properties) {
  const auto filter = SqlFilter::compile(expression);
  if (!filter) return filter.error().message;
  const std::string text = pairs(properties);
  const std::string verdict = name_of(filter->evaluate(text).value);
  const SqlTree tree = parse_sql(expression).value();
  EXPECT_EQ(name_of(SqlReference(tree, text).evaluate()), verdict) << expression;
  EXPECT_EQ(filter->matches(text), verdict == kTrue);
  if (verdict == kTrue) {
    EXPECT_TRUE(filter->passes(tags_code(find_property(text, property::kTags).value_or(""))))
        << expression;
  }
  return verdict;
}

struct Case {
  const char* expression;
  const char* properties;
  const char* verdict;
};

void check(std::initializer_list<Case> cases) {
  for (const Case& row : cases) {
    EXPECT_EQ(evaluated(row.expression, row.properties), row.verdict)
        << row.expression << " of " << row.properties;
  }
}

TEST(SqlFilter, ComparesNumbers) {
  check({
      {"a > 1", "a=2", kTrue},
      {"a > 1", "a=1", kFalse},
      {"a >= 1", "a=1", kTrue},
      {"a < 1", "a=0", kTrue},
      {"a < 1", "a=1", kFalse},
      {"a <= 1", "a=1", kTrue},
      {"a = 1", "a=1", kTrue},
      {"a = 1", "a=+1", kTrue},
      {"a = 1", "a=01", kTrue},
      {"a <> 1", "a=2", kTrue},
      {"a = -5", "a=-5", kTrue},
      {"a = +5", "a=5", kTrue},
      {"a = - -5", "a=5", kTrue},
      {"1 < a", "a=2", kTrue},
      {"a > b", "a=10;b=9", kTrue},
      {"a > -b", "a=0;b=1", kTrue},
      {"1 < 2", "", kTrue},
      {"a = 10L", "a=10", kTrue},
      {"a > 3000000000", "a=3000000001", kTrue},
      {"a = 9223372036854775807", "a=9223372036854775807", kTrue},
      {"a = 9223372036854775807", "a=9223372036854775806", kFalse},
      {"a < -9223372036854775807", "a=-9223372036854775808", kTrue},
  });
}

// Upstream takes the type of the constant to read the property with, so that "2.5" fits no whole
// number, and gives the whole expression up.
TEST(SqlFilter, DecimalsAndWholeNumbersAreComparable) {
  check({
      {"a > 2", "a=2.5", kTrue},
      {"a < 3", "a=2.5", kTrue},
      {"a = 2", "a=2.0", kTrue},
      {"a <> 2", "a=2.5", kTrue},
      {"a between 2 and 3", "a=2.5", kTrue},
      {"a > 2.4", "a=2.5", kTrue},
      {"a > 2.4", "a=3", kTrue},
      {"a = 2.5", "a=25e-1", kTrue},
      {"a = .5", "a=0.5", kTrue},
      {"a = 5.", "a=5", kTrue},
      {"a = 5E1", "a=50", kTrue},
      {"a = 1.5e+2", "a=150", kTrue},
      {"a > 0.0", "a=0.1", kTrue},
      {"a = 0", "a=-0.0", kTrue},
      {"a < 5", "a=3000000000", kFalse},
  });
}

TEST(SqlFilter, WhatIsNoNumberMakesAComparisonUnknown) {
  for (const char* text : {"x", "1x", "--1", "1.2.3", "NaN", "inf", "Infinity", "0x10", "1e999",
                           "-", "+", ".", "1f", "99999999999999999999"}) {
    EXPECT_EQ(evaluated("a > 1", std::string("a=") + text), kNull) << text;
    EXPECT_EQ(evaluated("a = 1", std::string("a=") + text), kNull) << text;
    EXPECT_EQ(evaluated("a <> 1", std::string("a=") + text), kNull) << text;
  }
  EXPECT_EQ(evaluated("a > 1", "a=" + std::string(65, '1')), kNull);
  check({
      {"a = 1 or b = 2", "a=x;b=2", kTrue},
      {"a > b", "a=x;b=1", kNull},
      {"a > 1", "", kNull},
      {"not (a > 1)", "a=x", kNull},
  });
}

TEST(SqlFilter, ComparesStrings) {
  check({
      {"a = 'x'", "a=x", kTrue},
      {"a = 'x'", "a=X", kFalse},
      {"a <> 'x'", "a=y", kTrue},
      {"a <> 'x'", "a=x", kFalse},
      {"a = '1'", "a=1", kTrue},
      {"a = '1'", "a=1.0", kFalse},
      {"a = 'it''s'", "a=it's", kTrue},
      {"a = ''", "a=x", kFalse},
      {"a = '\xE4\xB8\xAD'", "a=\xE4\xB8\xAD", kTrue},
      {"a = b", "a=x;b=x", kTrue},
      {"a = b", "a=x;b=y", kFalse},
      {"'x' = a", "a=x", kTrue},
      {"'x' = 'x'", "", kTrue},
      {"_$a1 = 'x'", "_$a1=x", kTrue},
      {"A = 'x'", "a=x", kNull},
      {"a = 'x' -- and more", "a=x", kTrue},
      {"a /* the ** name */ = 'x' -- end\n and b = 'y'", "a=x;b=y", kTrue},
  });
}

TEST(SqlFilter, BooleansAreTextsThatSpellTrue) {
  check({
      {"a = true", "a=true", kTrue},
      {"a = TRUE", "a=True", kTrue},
      {"a = true", "a=1", kFalse},
      {"a = false", "a=false", kTrue},
      {"a = false", "a=x", kTrue},
      {"a <> true", "a=false", kTrue},
      {"true = a", "a=true", kTrue},
      {"a = true", "", kNull},
      {"true", "", kTrue},
      {"FALSE", "", kFalse},
      {"null", "", kNull},
      {"(a = 1) = true", "a=1", kTrue},
      {"(a = 1) = (b = 2)", "a=1;b=2", kTrue},
      {"(a = 1) = 5", "a=1", kFalse},
      {"a", "a=true", kFalse},
      {"a", "", kNull},
      {"not a", "a=true", kTrue},
  });
}

TEST(SqlFilter, NullIsUnknown) {
  check({
      {"a is null", "", kTrue},
      {"a is null", "a=x", kFalse},
      {"a IS NOT NULL", "a=x", kTrue},
      {"a is not null", "", kFalse},
      {"a is null", "a=", kTrue},
      {"(a > 1) is null", "", kTrue},
      {"a = 'x'", "", kNull},
      {"a <> 'x'", "", kNull},
      {"'x' <> a", "", kTrue},
      {"a = b", "a=x", kFalse},
      {"a = b", "b=x", kNull},
      {"a = b", "", kTrue},
  });
}

TEST(SqlFilter, LogicHasThreeValues) {
  const std::string values[] = {"true", "false", "null"};
  for (const std::string& left : values) {
    EXPECT_EQ(evaluated("not " + left, ""), left == "null"   ? kNull
                                            : left == "true" ? kFalse
                                                             : kTrue);
    for (const std::string& right : values) {
      const bool none = left == "false" || right == "false";
      const bool both = left == "true" && right == "true";
      EXPECT_EQ(evaluated(left + " and " + right, ""), none ? kFalse : both ? kTrue : kNull);
      const bool any = left == "true" || right == "true";
      const bool neither = left == "false" && right == "false";
      EXPECT_EQ(evaluated(left + " or " + right, ""), any ? kTrue : neither ? kFalse : kNull);
    }
  }
}

TEST(SqlFilter, PrecedenceIsThatOfSql) {
  check({
      {"a = 1 or b = 1 and c = 1", "a=1;b=0;c=0", kTrue},
      {"(a = 1 or b = 1) and c = 1", "a=1;b=0;c=0", kFalse},
      {"not a = 1", "a=2", kTrue},
      {"not a = 1 and b = 1", "a=2;b=1", kTrue},
      {"not (a = 1 and b = 1)", "a=1;b=2", kTrue},
      {"not not a = 1", "a=1", kTrue},
      {"not a is null", "a=x", kTrue},
      {"b = not (a = 1)", "a=1;b=x", kTrue},
      {"a > 1 = true", "a=2", kTrue},
      {"a between 1 and 3 and b = 2", "a=2;b=2", kTrue},
  });
}

TEST(SqlFilter, BetweenAndIn) {
  check({
      {"a between 1 and 3", "a=1", kTrue},
      {"a between 1 and 3", "a=3", kTrue},
      {"a between 1 and 3", "a=4", kFalse},
      {"a between 1 and 3", "", kNull},
      {"a not between 1 and 3", "a=4", kTrue},
      {"a not between 1 and 3", "a=2", kFalse},
      {"a not between 3 and 1", "a=2", kTrue},
      {"a between -3 and -1", "a=-2", kTrue},
      {"a between b and c", "a=2;b=1;c=3", kTrue},
      {"a in ('x', 'y')", "a=y", kTrue},
      {"a in ('x', 'y')", "a=z", kFalse},
      {"a in ('x')", "", kNull},
      {"a not in ('x', 'y')", "a=z", kTrue},
      {"a not in ('x', 'y')", "a=x", kFalse},
      {"a not in ('x')", "", kNull},
  });
}

TEST(SqlFilter, Searches) {
  check({
      {"a contains 'b'", "a=abc", kTrue},
      {"a contains 'd'", "a=abc", kFalse},
      {"a not contains 'd'", "a=abc", kTrue},
      {"a not contains 'b'", "a=abc", kFalse},
      {"a startswith 'ab'", "a=abc", kTrue},
      {"a startswith 'b'", "a=abc", kFalse},
      {"a NOT STARTSWITH 'b'", "a=abc", kTrue},
      {"a endswith 'bc'", "a=abc", kTrue},
      {"a endswith 'b'", "a=abc", kFalse},
      {"a not endswith 'b'", "a=abc", kTrue},
      {"a contains ''", "a=abc", kFalse},
      {"a not contains ''", "a=abc", kFalse},
      {"a contains 'b'", "", kFalse},
      {"a not contains 'b'", "", kFalse},
      {"a contains 'abcd'", "a=abc", kFalse},
      {"'abc' contains 'b'", "", kTrue},
      {"a startswith '1' and a > 5", "a=12", kTrue},
  });
}

TEST(SqlFilter, LastPairOfANameCounts) {
  check({{"a = 2", "a=1;a=2", kTrue}, {"a = 1", "a=1;a=2", kFalse}});
}

// Refusals say where and why.
TEST(SqlFilter, RefusalsSayWhereAndWhy) {
  const struct {
    const char* expression;
    const char* refusal;
  } cases[] = {
      {"", "character 1 of the SQL92 expression: the expression ends too early"},
      {"a >", "character 4 of the SQL92 expression: the expression ends too early"},
      {"a > 1 b", "character 7 of the SQL92 expression: the expression ends before this"},
      {"a > 1)", "character 6 of the SQL92 expression: the expression ends before this"},
      {"(a > 1", "character 7 of the SQL92 expression: ')' is wanted"},
      {"a = 'x", "character 5 of the SQL92 expression: the string has no end"},
      {"a = 1 /* x", "character 7 of the SQL92 expression: the comment has no end"},
      {"\xE4\xB8\xAD = 1", "character 1 of the SQL92 expression: this character is not known"},
      {"a = '\xE4\xB8\xAD' #", "character 9 of the SQL92 expression: this character is not known"},
      {"a != 1", "character 3 of the SQL92 expression: '!' is not known: write <>"},
      {"a = \"x\"", "character 5 of the SQL92 expression: strings stand between single quotes"},
      {"a = 007", "character 5 of the SQL92 expression: a whole number does not begin with 0"},
      {"a = 5x", "character 6 of the SQL92 expression: the number does not end here"},
      {"a = 5.5.5", "character 8 of the SQL92 expression: the number does not end here"},
      {"a = 9223372036854775808", "character 5 of the SQL92 expression: the number is too large"},
      {"a = 1e400", "character 5 of the SQL92 expression: the number is too large"},
      {"a > 'x'", "character 5 of the SQL92 expression: only numbers can be compared"},
      {"a < true", "character 5 of the SQL92 expression: only numbers can be compared"},
      {"a <= null", "character 6 of the SQL92 expression: only numbers can be compared"},
      {"a between 'x' and 'y'", "character 11 of the SQL92 expression: only numbers"},
      {"a between 3 and 1", "character 11 of the SQL92 expression: BETWEEN wants the smaller"},
      {"a between 1 or 2", "character 13 of the SQL92 expression: AND is wanted"},
      {"(a = 1) > 2", "character 2 of the SQL92 expression: a condition is neither"},
      {"a = null", "character 5 of the SQL92 expression: nothing equals NULL"},
      {"true = 1", "character 1 of the SQL92 expression: a boolean and another constant"},
      {"a is 1", "character 6 of the SQL92 expression: NULL is wanted"},
      {"5", "character 1 of the SQL92 expression: a condition is wanted"},
      {"'x'", "character 1 of the SQL92 expression: a condition is wanted"},
      {"a = 1 and 5", "character 11 of the SQL92 expression: a condition is wanted"},
      {"not 5", "character 5 of the SQL92 expression: a condition is wanted"},
      {"-a", "character 1 of the SQL92 expression: a condition is wanted"},
      {"a = -'x'", "character 6 of the SQL92 expression: only a number can be negated"},
      {"a in ('x'", "character 10 of the SQL92 expression: ')' or ','"},
      {"a in 'x'", "character 6 of the SQL92 expression: '(' is wanted"},
      {"a in (1)", "character 7 of the SQL92 expression: a string is wanted"},
      {"a in ()", "character 7 of the SQL92 expression: a string is wanted"},
      {"'x' in ('x')", "character 1 of the SQL92 expression: only a property can be IN"},
      {"a contains b", "character 12 of the SQL92 expression: a string is wanted"},
      {"a not 5", "character 7 of the SQL92 expression: BETWEEN, IN, CONTAINS"},
      {"and", "character 1 of the SQL92 expression: a property, a constant or '('"},
  };
  for (const auto& row : cases) {
    const auto filter = SqlFilter::compile(row.expression);
    ASSERT_FALSE(filter.has_value()) << row.expression;
    EXPECT_EQ(filter.error().code, Errc::kSubscriptionBroken);
    EXPECT_TRUE(filter.error().message.starts_with(std::string("at ") + row.refusal))
        << row.expression << ": " << filter.error().message;
  }
}

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

bool refused_for(const std::string& expression, std::string_view reason) {
  const auto filter = SqlFilter::compile(expression);
  return !filter.has_value() && filter.error().message.find(reason) != std::string::npos;
}

TEST(SqlFilter, BoundsOfAnExpression) {
  EXPECT_TRUE(SqlFilter::compile("a = '" + std::string(4090, 'x') + "'").has_value());
  EXPECT_TRUE(refused_for("a = '" + std::string(4091, 'x') + "'", "longer than 4096 bytes"));

  EXPECT_TRUE(SqlFilter::compile(repeated("(", 63) + "a = 1" + repeated(")", 63)).has_value());
  EXPECT_TRUE(refused_for(repeated("(", 64) + "a = 1" + repeated(")", 64), "64 levels"));
  EXPECT_TRUE(refused_for(repeated("not ", 65) + "a = 1", "64 levels"));
  EXPECT_TRUE(refused_for("a = " + repeated("- ", 65) + "1", "64 levels"));

  EXPECT_TRUE(SqlFilter::compile("a=1" + repeated(" or a=1", 127)).has_value());
  EXPECT_TRUE(refused_for("a=1" + repeated(" or a=1", 128), "512 operators"));
  EXPECT_TRUE(SqlFilter::compile("a in (''" + repeated(",''", 509) + ")").has_value());
  EXPECT_TRUE(refused_for("a in (''" + repeated(",''", 511) + ")", "512 operators"));

  std::string names = "a0 is null";
  for (int i = 1; i < 64; ++i) names += " or a" + std::to_string(i) + " is null";
  EXPECT_TRUE(SqlFilter::compile(names).has_value());
  EXPECT_TRUE(refused_for(names + " or more is null", "64 properties"));
}

// The deepest stack: each level holds what stands left of OR, AND, equality and comparison.
TEST(SqlFilter, DeepestNesting) {
  std::string expression = "true";
  for (int i = 0; i < 60; ++i) expression = "(a=1 or b=2 and c = (" + expression + "))";
  EXPECT_TRUE(refused_for(expression, "64 levels"));
  expression = "b = true";
  for (int i = 0; i < 31; ++i)
    expression = "a=x or b=a and (" + expression +
                 ") = ("
                 "b=x"
                 ")";
  EXPECT_EQ(evaluated(expression, "a=1;x=2;b=1"), kTrue);
}

std::size_t work_of(const std::string& expression, const std::string& text) {
  const auto verdict = SqlFilter::compile(expression)->evaluate(text);
  EXPECT_FALSE(verdict.spent) << expression.substr(0, 80);
  return verdict.work;
}

// Twice as much of it costs twice as much: nothing that is done is done for nothing.
TEST(SqlFilter, WorkGrowsWithWhatIsDone) {
  const auto value = [](std::size_t size) { return pairs("a=" + std::string(size, 'x')); };
  const std::string other(1'000, 'y');
  const struct {
    const char* what;
    std::size_t once;
    std::size_t twice;
  } cases[] = {
      {"conditions", work_of("b = 1" + repeated(" or b = 1", 19), "x"),
       work_of("b = 1" + repeated(" or b = 1", 39), "x")},
      {"pairs", work_of("b = 1", repeated(pairs("c=1"), 100)),
       work_of("b = 1", repeated(pairs("c=1"), 200))},
      {"pairs without a name", work_of("b = 1", repeated("\x02", 100)),
       work_of("b = 1", repeated("\x02", 200))},
      {"searched text", work_of("a contains 'y'", value(5'000)),
       work_of("a contains 'y'", value(10'000))},
      {"compared text", work_of("a = c", value(5'000) + pairs("c=" + std::string(5'000, 'x'))),
       work_of("a = c", value(10'000) + pairs("c=" + std::string(10'000, 'x')))},
      {"starts and ends", work_of("a startswith '" + other + "'", value(1)),
       work_of("a startswith '" + other + "' or a endswith '" + other + "'", value(1))},
      {"numbers", work_of("n < 0" + repeated(" or n < 0", 19), pairs("n=1.5000000000000000")),
       work_of("n < 0" + repeated(" or n < 0", 39), pairs("n=1.5000000000000000"))},
  };
  for (const auto& row : cases) {
    EXPECT_GT(row.twice, row.once + row.once / 2) << row.what;
    EXPECT_LT(row.twice, row.once * 5 / 2) << row.what;
  }
}

// The usual is far from the bound; a list costs its logarithm.
TEST(SqlFilter, UsualWorkIsSmall) {
  EXPECT_LT(work_of("amount > 3 AND amount < 10 AND region = 'north'",
                    pairs("UNIQ_KEY=7F000001123418B4AAC27D3C5A8E0001;TAGS=paid;amount=5;"
                          "region=north;TRACE_ON=true")),
            300U);
  std::string list = "a in ('000'";
  for (int i = 100; i < 500; ++i) list += ",'" + std::to_string(i) + "'";
  EXPECT_LT(work_of(list + ")", pairs("a=077")), 150U);
  EXPECT_LT(work_of("a contains 'fox jumped'",
                    pairs("a=" + repeated("the quick brown fox jumps ", 1'200))),
            SqlFilter::kWorkMax / 2);
  EXPECT_LT(work_of("a contains 'xxxxy'", pairs("a=" + std::string(32'000, 'x'))),
            SqlFilter::kWorkMax / 2);
}

// Whatever the shape: what is beyond the bound is unknown, and so is everything made of it.
TEST(SqlFilter, BeyondTheWorkBoundTheExpressionIsUnknown) {
  const std::string run = pairs("a=" + repeated("ab", 16'000));
  const std::string search = "a contains '" + repeated("ab", 100) + "c'";
  std::string names = "n0 = 2";
  for (int i = 1; i < 64; ++i) names += " or n" + std::to_string(i) + " = 2";
  std::string known;
  for (int i = 0; i < 5'000; ++i) known += pairs("n" + std::to_string(i % 100) + "=1");
  const std::string number = pairs("n=0.1000000000000000055511151231257827021181583404541015625");
  const std::string both =
      pairs("a=" + std::string(16'000, 'x')) + pairs("b=" + std::string(16'000, 'x'));
  const std::pair<std::string, std::string> cases[] = {
      {search, run},
      {"not (" + search + ")", run},
      {search + " or a is not null", run},
      {"true <> (" + search + ")", run},
      {"a is not null and not (" + search + ")", run},
      {"a contains 'y'" + repeated(" or a contains 'y'", 9), run},
      {names, known},
      {"a is null", known + known},
      {"a is null", std::string(32'000, kPairEnd)},
      {"n < 0" + repeated(" or n < 0", 127), number},
      {"a <> b" + repeated(" or a <> b", 127), both},
  };
  for (const auto& [expression, text] : cases) {
    const auto filter = SqlFilter::compile(expression);
    ASSERT_TRUE(filter.has_value()) << expression;
    const auto verdict = filter->evaluate(text);
    EXPECT_TRUE(verdict.spent) << expression.substr(0, 80);
    EXPECT_EQ(name_of(verdict.value), kNull) << expression.substr(0, 80);
    EXPECT_FALSE(filter->matches(text)) << expression.substr(0, 80);
    EXPECT_LE(verdict.work, SqlFilter::kWorkMax) << expression.substr(0, 80);
  }
}

// Names that share a place in the table pay for each look there.
TEST(SqlFilter, NamesThatMeetPayForIt) {
  // As the filter does it; where it does otherwise, the names do not meet and this fails.
  const auto place = [](const std::string& name) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    return hash % 128;
  };
  std::string meeting;
  std::string apart;
  std::string last;
  int found = 0;
  for (int i = 1'000; found < 40; ++i) {
    const std::string name = "n" + std::to_string(i);
    if (place(name) != 0) continue;
    meeting += (found++ == 0 ? "" : " or ") + name + " is null";
    last = name;
  }
  for (int i = 0; i < 40; ++i)
    apart += (i == 0 ? "" : " or ") + std::string("n") + std::to_string(1'000 + i) + " is null";
  const std::string text = repeated(pairs(last + "=1"), 100);
  EXPECT_GT(work_of(meeting, text), work_of(apart, text) + 100 * 39);
}

// Sorted at compile time; found as before.
TEST(SqlFilter, LongListsFindTheirItems) {
  std::string list = "a in ('',''";
  for (int i = 0; i < 300; ++i) list += ",'" + std::to_string(i * 7 % 1'000) + "'";
  list += ")";
  const auto filter = SqlFilter::compile(list);
  for (int i = 0; i < 1'000; ++i) {
    const bool listed = list.find("'" + std::to_string(i) + "'") != std::string::npos;
    EXPECT_EQ(filter->matches(pairs("a=" + std::to_string(i))), listed) << i;
  }
}

TEST(SqlFilter, TagsAreKnownFromTheExpression) {
  const auto passes = [](std::string_view expression, std::string_view tag) {
    return SqlFilter::compile(expression)->passes(tags_code(tag));
  };
  EXPECT_TRUE(passes("TAGS = 'x' and a > 1", "x"));
  EXPECT_FALSE(passes("TAGS = 'x' and a > 1", "y"));
  EXPECT_FALSE(passes("a > 1 and ('x' = TAGS)", ""));
  EXPECT_TRUE(passes("(TAGS in ('x', 'y') or TAGS = 'z') and a > 1", "z"));
  EXPECT_FALSE(passes("(TAGS in ('x', 'y') or TAGS = 'z') and a > 1", "w"));
  for (const char* any : {"TAGS = 'x' or a > 1", "not TAGS = 'x'", "TAGS not in ('x')", "TAGS = a",
                          "TAGS = 1", "TAGS <> 'x'", "a = 'x'"})
    EXPECT_TRUE(passes(any, "y")) << any;
  // No hash at all, but an address of upstream's queue extension.
  EXPECT_TRUE(SqlFilter::compile("TAGS = 'x'")->passes(INT64_MIN + 5));
}

TEST(Filter, SqlSubscription) {
  Subscription subscription;
  subscription.expression_type = "SQL92";
  subscription.expression = "TAGS = 'x' and a > 1";
  EXPECT_FALSE(Filter(subscription).passes(tags_code("x"))) << "not compiled: matches nothing";
  subscription.sql =
      std::make_shared<const SqlFilter>(SqlFilter::compile(subscription.expression).value());
  EXPECT_FALSE(subscription.matches_all());
  const Filter filter(subscription);
  EXPECT_TRUE(filter.wants_properties());
  EXPECT_TRUE(filter.passes(tags_code("x")));
  EXPECT_FALSE(filter.passes(tags_code("y")));
  Filter::Spending spending;
  EXPECT_TRUE(filter.matches(pairs("TAGS=x;a=2"), spending));
  EXPECT_FALSE(filter.matches(pairs("TAGS=x;a=1"), spending));
  EXPECT_GT(spending.work, 0U);
  EXPECT_FALSE(Filter(*parse_tag_expression("T", "x")).wants_properties());
}

}  // namespace
}  // namespace oncemq::model
