#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// Values of SQL92 filters and the rules for comparing them (docs/sql-filters.md). Thread rule:
// external, like any value.
namespace oncemq::model {

// Trivial, so that an evaluation's stack costs nothing to make. Text is a view.
struct SqlValue {
  enum class Kind : std::uint8_t { kNull, kBool, kInteger, kDecimal, kText };
  struct Text {
    const char* data;
    std::size_t size;
  };

  Kind kind;
  union {
    bool boolean;
    std::int64_t integer;
    double decimal;
    Text text;
  };

  static SqlValue null() {
    SqlValue value;
    value.kind = Kind::kNull;
    value.integer = 0;
    return value;
  }
  static SqlValue of(bool boolean) {
    SqlValue value;
    value.kind = Kind::kBool;
    value.boolean = boolean;
    return value;
  }
  static SqlValue of(std::int64_t integer) {
    SqlValue value;
    value.kind = Kind::kInteger;
    value.integer = integer;
    return value;
  }
  static SqlValue of(double decimal) {
    SqlValue value;
    value.kind = Kind::kDecimal;
    value.decimal = decimal;
    return value;
  }
  static SqlValue of(std::string_view text) {
    SqlValue value;
    value.kind = Kind::kText;
    value.text = {text.data(), text.size()};
    return value;
  }

  bool is_null() const { return kind == Kind::kNull; }
  bool is_number() const { return kind == Kind::kInteger || kind == Kind::kDecimal; }
  bool is_true() const { return kind == Kind::kBool && boolean; }
  bool is_false() const { return kind == Kind::kBool && !boolean; }
  std::string_view as_text() const { return {text.data, text.size}; }
};

enum class SqlOrder : std::uint8_t { kLess, kLessEqual, kGreater, kGreaterEqual };

// How much text one evaluation may still look at, in bytes. What it cannot pay for is null.
struct SqlBudget {
  std::size_t text;
  bool take(std::size_t bytes) {
    if (bytes > text) {
      text = 0;
      spent = true;
      return false;
    }
    text -= bytes;
    return true;
  }
  bool spent = false;
};

// [+-]digits, with a fraction or an exponent: a decimal. Nothing else is a number, nor is a text of
// more than 64 characters, a whole number outside of 64 bits, or a decimal outside of double.
std::optional<SqlValue> parse_sql_number(std::string_view text);

// All give TRUE, FALSE or null.
SqlValue sql_equal(const SqlValue& left, const SqlValue& right, SqlBudget& budget);
SqlValue sql_ordered(const SqlValue& left, SqlOrder order, const SqlValue& right);
SqlValue sql_and(const SqlValue& left, const SqlValue& right);
SqlValue sql_or(const SqlValue& left, const SqlValue& right);
SqlValue sql_not(const SqlValue& value);
// A property that stands alone as a condition.
SqlValue sql_truth(const SqlValue& value);
SqlValue sql_negate(const SqlValue& value);

}  // namespace oncemq::model
