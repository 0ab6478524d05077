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

// Work that one evaluation may still do. A unit is about a nanosecond of the machine that
// docs/sql-filters.md tells of, rounded up; work is paid for before it is done.
struct SqlBudget {
  std::size_t left = SIZE_MAX;
  bool spent = false;

  // False when it cannot be paid; then the whole expression is null.
  bool take(std::size_t units) {
    if (units > left) {
      left = 0;
      spent = true;
      return false;
    }
    left -= units;
    return true;
  }
};

// What things cost, in units of SqlBudget.
namespace sql_cost {
inline constexpr std::size_t kStep = 4;         // an instruction
inline constexpr std::size_t kPair = 10;        // a pair of the properties that is walked over
inline constexpr std::size_t kName = 10;        // a name that may be asked for: its hash
inline constexpr std::size_t kProbe = 2;        // each place where it may be known
inline constexpr std::size_t kCompare = 4;      // two texts, or a text and a pattern's place
inline constexpr std::size_t kDigit = 8;        // a character of a text that is read as a number
inline constexpr std::size_t kSearch = 16;      // a search, besides its places
inline constexpr std::size_t kBytesWalked = 8;  // bytes of properties for a unit
inline constexpr std::size_t kBytesCompared = 16;
inline constexpr std::size_t kBytesSearched = 8;
}  // namespace sql_cost

// [+-]digits, with a fraction or an exponent: a decimal. Nothing else is a number, nor is a text of
// more than 64 characters, a whole number outside of 64 bits, or a decimal outside of double.
std::optional<SqlValue> parse_sql_number(std::string_view text);

// All give TRUE, FALSE or null, and null when the budget is spent.
SqlValue sql_equal(const SqlValue& left, const SqlValue& right, SqlBudget& budget);
SqlValue sql_ordered(const SqlValue& left, SqlOrder order, const SqlValue& right,
                     SqlBudget& budget);
SqlValue sql_and(const SqlValue& left, const SqlValue& right);
SqlValue sql_or(const SqlValue& left, const SqlValue& right);
SqlValue sql_not(const SqlValue& value);
// A property that stands alone as a condition.
SqlValue sql_truth(const SqlValue& value);
SqlValue sql_negate(const SqlValue& value, SqlBudget& budget);

}  // namespace oncemq::model
