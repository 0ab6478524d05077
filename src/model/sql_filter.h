#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/sql_parser.h"
#include "model/sql_value.h"

namespace oncemq::model {

// A compiled SQL92 expression over the properties of a message (docs/sql-filters.md). Takes at
// most 60 KiB, typically 3 KiB. Thread rule: immutable.
class SqlFilter {
 public:
  // Units of SqlBudget that one evaluation may take, about 33 µs. Enough to walk over the longest
  // properties, in up to 1,000 pairs, and to search through 30,000 bytes five times.
  static constexpr std::size_t kWorkMax = 32U << 10;

  struct Verdict {
    SqlValue value;      // TRUE, FALSE or null; null when spent
    bool spent = false;  // kWorkMax was not enough
    std::size_t work = 0;
  };

  // kSubscriptionBroken with place and reason.
  static Result<SqlFilter> compile(std::string_view expression);

  // False when a message with that tag hash (tags_code() of properties.h) cannot match, whatever
  // its other properties: the expression asks for other TAGS.
  bool passes(std::int64_t tags_code) const;
  // Does the expression say TRUE of these properties, in their text form? No allocation; what is
  // to do is paid for from kWorkMax before it is done.
  bool matches(std::string_view properties) const { return evaluate(properties).value.is_true(); }
  Verdict evaluate(std::string_view properties) const;

  const std::string& expression() const { return expression_; }
  // What it takes in memory, itself included.
  std::size_t bytes() const;

 private:
  enum class Code : std::uint8_t {
    kConstant,     // push constant `first`
    kText,         // push text `first`
    kProperty,     // push property `first`
    kApply,        // operator on top of the stack
    kSkipIfFalse,  // to `first`, leaving the value
    kSkipIfTrue,
  };
  struct Instruction {
    Code code = Code::kApply;
    SqlOp op = SqlOp::kConstant;
    std::uint16_t first = 0;
    std::uint16_t count = 0;
  };
  class Compiler;
  class Machine;

  // Where the names of properties are found: linear probing over twice as many places as names.
  struct Place {
    std::uint64_t hash = 0;
    std::uint16_t name = 0;  // + 1; 0: empty
  };
  static constexpr std::size_t kPlaces = 2 * SqlLimits::kProperties;
  // A level of nesting holds the left sides of OR, AND, BETWEEN, equality and comparison, and the
  // innermost two operands.
  static constexpr std::size_t kStack = 5 * (SqlLimits::kDepth + 1) + 2;
  using Values = std::array<std::string_view, SqlLimits::kProperties>;

  SqlFilter() = default;
  void place_names();
  void sort_lists();
  std::optional<std::size_t> name_index(std::string_view name, SqlBudget& budget) const;
  // False when the budget is spent.
  bool read_properties(std::string_view properties, Values& values, SqlBudget& budget) const;

  std::string expression_;
  std::vector<Instruction> program_;
  std::vector<SqlValue> constants_;
  std::vector<std::string> texts_;
  std::vector<std::string> names_;
  std::array<Place, kPlaces> places_{};
  std::uint64_t name_lengths_ = 0;  // bit n: a name has n characters; bit 63: 63 or more
  std::optional<std::vector<std::int32_t>> tag_codes_;  // sorted; what TAGS must be, if it must
};

}  // namespace oncemq::model
