#include "model/sql_value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace oncemq::model {
namespace {

using Kind = SqlValue::Kind;

constexpr std::size_t kNumberMax = 64;

std::optional<SqlValue> number_of(const SqlValue& value, SqlBudget& budget) {
  if (value.is_number()) return value;
  if (value.kind != Kind::kText) return std::nullopt;
  const std::string_view text = value.as_text();
  // Longer ones are refused unread.
  if (!budget.take(std::min(text.size(), kNumberMax) * sql_cost::kDigit)) return std::nullopt;
  return parse_sql_number(text);
}

double as_decimal(const SqlValue& number) {
  return number.kind == Kind::kDecimal ? number.decimal : static_cast<double>(number.integer);
}

// Whole numbers among themselves are compared exactly, all others as doubles.
int compare(const SqlValue& left, const SqlValue& right) {
  if (left.kind == Kind::kInteger && right.kind == Kind::kInteger)
    return left.integer < right.integer ? -1 : static_cast<int>(left.integer > right.integer);
  const double a = as_decimal(left);
  const double b = as_decimal(right);
  return a < b ? -1 : static_cast<int>(a > b);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// compat: a text is true when it spells "true" in any case, and false otherwise
// (java.lang.Boolean.valueOf, by which upstream converts).
bool truth_of(std::string_view text) {
  constexpr std::string_view kTrue = "true";
  return text.size() == kTrue.size() &&
         std::equal(text.begin(), text.end(), kTrue.begin(), [](char c, char lower) {
           return c == lower || (c >= 'A' && c <= 'Z' && c - 'A' + 'a' == lower);
         });
}

}  // namespace

std::optional<SqlValue> parse_sql_number(std::string_view text) {
  if (text.size() > kNumberMax) return std::nullopt;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  // from_chars would take "inf", "nan" and a second sign.
  if (text.empty() || !(is_digit(text.front()) || text.front() == '.')) return std::nullopt;
  const char* const end = text.data() + text.size();
  if (std::all_of(text.begin(), text.end(), is_digit)) {
    std::uint64_t magnitude = 0;
    const auto parsed = std::from_chars(text.data(), end, magnitude);
    const std::uint64_t limit = std::uint64_t{INT64_MAX} + (negative ? 1 : 0);
    if (parsed.ec != std::errc{} || magnitude > limit) return std::nullopt;
    return SqlValue::of(static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude));
  }
  double decimal = 0;
  const auto parsed = std::from_chars(text.data(), end, decimal);
  if (parsed.ec != std::errc{} || parsed.ptr != end || !std::isfinite(decimal)) return std::nullopt;
  return SqlValue::of(negative ? -decimal : decimal);
}

SqlValue sql_equal(const SqlValue& left, const SqlValue& right, SqlBudget& budget) {
  // compat: null on the left is unknown, null on the right is not equal, and two nulls are equal
  // (upstream ComparisonExpression.doCreateEqual).
  if (left.is_null()) return right.is_null() ? SqlValue::of(true) : SqlValue::null();
  if (right.is_null()) return SqlValue::of(false);
  if (left.kind == Kind::kText && right.kind == Kind::kText) {
    const std::string_view a = left.as_text();
    const std::string_view b = right.as_text();
    if (a.size() != b.size()) return SqlValue::of(false);
    if (!budget.take(sql_cost::kCompare + a.size() / sql_cost::kBytesCompared))
      return SqlValue::null();
    return SqlValue::of(a == b);
  }
  if (left.kind == Kind::kBool || right.kind == Kind::kBool) {
    const SqlValue& boolean = left.kind == Kind::kBool ? left : right;
    const SqlValue& other = left.kind == Kind::kBool ? right : left;
    if (other.kind == Kind::kText)
      return SqlValue::of(truth_of(other.as_text()) == boolean.boolean);
    return SqlValue::of(other.kind == Kind::kBool && other.boolean == boolean.boolean);
  }
  // compat: what is not a number makes the comparison unknown; upstream gives the whole expression
  // up.
  const auto a = number_of(left, budget);
  const auto b = number_of(right, budget);
  if (!a || !b) return SqlValue::null();
  return SqlValue::of(compare(*a, *b) == 0);
}

SqlValue sql_ordered(const SqlValue& left, SqlOrder order, const SqlValue& right,
                     SqlBudget& budget) {
  const auto a = number_of(left, budget);
  const auto b = number_of(right, budget);
  if (!a || !b) return SqlValue::null();
  const int answer = compare(*a, *b);
  switch (order) {
    case SqlOrder::kLess:
      return SqlValue::of(answer < 0);
    case SqlOrder::kLessEqual:
      return SqlValue::of(answer <= 0);
    case SqlOrder::kGreater:
      return SqlValue::of(answer > 0);
    case SqlOrder::kGreaterEqual:
      return SqlValue::of(answer >= 0);
  }
  return SqlValue::null();
}

SqlValue sql_and(const SqlValue& left, const SqlValue& right) {
  if (left.is_false() || right.is_false()) return SqlValue::of(false);
  return left.is_true() && right.is_true() ? left : SqlValue::null();
}

SqlValue sql_or(const SqlValue& left, const SqlValue& right) {
  if (left.is_true() || right.is_true()) return SqlValue::of(true);
  return left.is_false() && right.is_false() ? left : SqlValue::null();
}

SqlValue sql_not(const SqlValue& value) {
  return value.kind == Kind::kBool ? SqlValue::of(!value.boolean) : SqlValue::null();
}

SqlValue sql_truth(const SqlValue& value) {
  // compat: properties are texts, and a text is no boolean (upstream
  // UnaryExpression.createBooleanCast).
  if (value.kind == Kind::kText) return SqlValue::of(false);
  return value.kind == Kind::kBool ? value : SqlValue::null();
}

SqlValue sql_negate(const SqlValue& value, SqlBudget& budget) {
  const auto number = number_of(value, budget);
  if (!number) return SqlValue::null();
  if (number->kind == Kind::kDecimal) return SqlValue::of(-number->decimal);
  // The one whole number without a counterpart.
  if (number->integer == std::numeric_limits<std::int64_t>::min())
    return SqlValue::of(-static_cast<double>(number->integer));
  return SqlValue::of(-number->integer);
}

}  // namespace oncemq::model
